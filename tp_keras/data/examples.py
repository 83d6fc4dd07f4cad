"""From a row of the data set to what `fit` and `evaluate` take."""

import numpy as np
import tensorflow as tf

from tp_keras.errors import UserError
from tp_keras.tasks import TASKS
from tp_keras.tasks import get_tasks


def labelled_image(row, class_weights=None):
    """Returns the image and the labels of a row, for `Dataset.map`.

    `compile` and `fit` of a `PortraitClassifier` need nothing else: a label of
    -1 is a missing one there.

    Args:
        row: Dict of `image` and the labels by task, as `tfds.load` gives it;
            a row or a batch.
        class_weights: Dict: task -> dict: class -> weight, for some classes of
            some tasks; all others weigh 1. What Keras' own `class_weight`,
            which refuses labels of more than one output, is for.

    Returns:
        `(image, labels)`, with class weights `(image, labels, weights)`; labels
        and weights are dicts by task. The weight of a missing label is 0.

    Raises:
        UserError: If a task or a class is unknown.

    Example:
        >>> rows = tfds.load("tiny_portraits/synthetic", split="train")
        >>> batches = rows.map(labelled_image).batch(64)
        >>> weights = {"hair_color": {"gray": 5.0, "bald": 5.0}}
        >>> weighted = rows.map(lambda row: labelled_image(row, weights))
    """
    labels = {task.name: row[task.name] for task in TASKS}
    if class_weights is None:
        return row["image"], labels
    if class_weights:
        get_tasks(class_weights)
    weights = {
        task.name: tf.where(
            labels[task.name] >= 0,
            tf.gather(
                _by_class(task, class_weights.get(task.name, {})),
                tf.maximum(labels[task.name], 0),
            ),
            0.0,
        )
        for task in TASKS
    }
    return row["image"], labels, weights


def _by_class(task, weights):
    """Returns the weights of a task's classes, float32 `[classes]`."""
    unknown = [name for name in weights if name not in task.classes]
    if unknown:
        raise UserError(
            f"Expected weights of classes of {task.name}, which are "
            f"{', '.join(task.classes)}. Received: "
            f"{', '.join(map(str, unknown))}"
        )
    return np.array(
        [weights.get(name, 1.0) for name in task.classes], np.float32
    )
