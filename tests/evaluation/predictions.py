"""Predictions for tests, without a model."""

import numpy as np

from tp_keras import tasks


def one_hot(predictions, num_classes):
    """Returns probabilities that are certain of `predictions`."""
    return np.eye(num_classes, dtype=np.float32)[predictions]


def random_predictions(count, seed=0):
    """Returns probabilities and labels: some right, some missing.

    Women are never bald, as hardly any of the real ones is.
    """
    generator = np.random.default_rng(seed)
    probabilities, labels = {}, {}
    labels["gender"] = generator.integers(0, 2, count).astype(np.int32)
    for task in tasks.TASKS:
        if task is not tasks.GENDER:
            drawn = generator.integers(-1, task.num_classes, count)
            bald = task.classes.index("bald")
            drawn[(drawn == bald) & (labels["gender"] == 0)] = 0
            labels[task.name] = drawn.astype(np.int32)
        logits = generator.normal(size=(count, task.num_classes))
        logits[np.arange(count), np.maximum(labels[task.name], 0)] += 2
        exponentials = np.exp(logits)
        probabilities[task.name] = (
            exponentials / exponentials.sum(-1, keepdims=True)
        ).astype(np.float32)
    return probabilities, labels
