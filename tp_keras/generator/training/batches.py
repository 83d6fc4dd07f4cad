"""Portraits and labels as a generator takes them."""

import tensorflow as tf

from tp_keras.data.pipeline import TrainingBatches
from tp_keras.data.pipeline import evaluation_batches
from tp_keras.tasks import MISSING
from tp_keras.tasks import TASKS

_NAMES = {task.name: task.name for task in TASKS}
_NUM_CLASSES = {task.name: task.num_classes for task in TASKS}


def training_batches(portraits, config) -> TrainingBatches:
    """Returns the shuffled and augmented batches of an experiment.

    Args:
        portraits: `Portraits` to train on.
        config: `VaeExperimentConfig`.
    """
    return TrainingBatches(
        portraits,
        label_names=_NAMES,
        num_classes=_NUM_CLASSES,
        batch_size=config.training.batch_size,
        seed=config.training.seed,
        augment_config=config.augment,
        passes_per_epoch=config.training.passes_per_epoch,
    )


def validation_batches(portraits) -> tf.data.Dataset:
    """Returns all portraits once, as `as_inputs` has them."""
    batches = evaluation_batches(portraits, _NAMES, _NUM_CLASSES, 128)
    return batches.map(as_inputs)


def as_inputs(images, labels, weights):
    """Returns a tuple of one dict of `image` and the labels, -1 if missing."""
    labels = {
        name: tf.where(weights[name] > 0, tf.cast(values, tf.int32), MISSING)
        for name, values in labels.items()
    }
    return ({"image": images, **labels},)
