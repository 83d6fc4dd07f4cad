"""From a row of the data set to what `fit` and `evaluate` take."""

import numpy as np
import tensorflow as tf

from tp_keras.errors import UserError
from tp_keras.tasks import Schema


def labelled_image(row, schema: Schema, class_weights=None):
    """Returns the image and the labels of a row, for `Dataset.map`.

    `compile` and `fit` of a `PortraitClassifier` need nothing else: a label of
    -1, and a number that is NaN, is a missing one there.

    Args:
        row: Dict of `image` and the labels by task, as `tfds.load` gives it;
            a row or a batch.
        schema: `Schema` of the data set, as `read_schema` tells it.
        class_weights: Dict: task -> dict: class -> weight, for some classes of
            some tasks; all others weigh 1. Keras' own `class_weight` refuses
            labels of more than one output.

    Returns:
        `(image, labels)`, with class weights `(image, labels, weights)`; labels
        and weights are dicts by task. The weight of a missing label is 0.

    Raises:
        UserError: If a task or a class is unknown.

    Example:
        >>> rows = builder.as_dataset(split="train")
        >>> pairs = rows.map(lambda row: labelled_image(row, schema))
    """
    labels = {name: row[name] for name in schema.task_names}
    if class_weights is None:
        return row["image"], labels
    given = {schema.task(name): found for name, found in class_weights.items()}
    weights = {
        task.name: _weights(task, labels[task.name], given.get(task, {}))
        for task in schema.tasks
        if task.has_classes or task in given
    }
    return row["image"], labels, weights


def _weights(task, labels, by_class):
    unknown = [name for name in by_class if name not in task.classes]
    if unknown or not task.has_classes:
        raise UserError(
            f"Expected weights of classes of {task.name}, which are "
            f"{', '.join(task.classes) or 'none'}. Received: "
            f"{', '.join(map(str, by_class))}"
        )
    table = [by_class.get(name, 1.0) for name in task.classes]
    weights = tf.gather(np.array(table, np.float32), tf.maximum(labels, 0))
    return tf.where(labels >= 0, weights, 0.0)
