"""Portraits and labels as a generator takes them."""

import tensorflow as tf

from tp_keras.data.pipeline import TrainingBatches
from tp_keras.data.pipeline import evaluation_batches
from tp_keras.tasks import MISSING


def training_batches(portraits, config) -> TrainingBatches:
    """Returns the shuffled and augmented batches of a `VaeExperimentConfig`."""
    return TrainingBatches(
        portraits,
        targets=_targets(portraits),
        batch_size=config.training.batch_size,
        seed=config.training.seed,
        augment_config=config.augment,
        passes_per_epoch=config.training.passes_per_epoch,
    )


def validation_batches(portraits) -> tf.data.Dataset:
    """Returns all portraits once, as `as_inputs` has them."""
    return evaluation_batches(portraits, _targets(portraits), 128).map(
        as_inputs
    )


def as_inputs(images, labels, weights):
    """Returns a tuple of one dict of `image` and the labels, -1 if missing."""
    labels = {
        name: tf.where(weights[name] > 0, tf.cast(values, tf.int32), MISSING)
        for name, values in labels.items()
    }
    return ({"image": images, **labels},)


def _targets(portraits):
    return {task.name: task for task in portraits.schema.condition_tasks}
