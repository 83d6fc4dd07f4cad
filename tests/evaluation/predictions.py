"""Predictions for tests, without a model."""

import dataclasses

import numpy as np

from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits


def one_hot(predictions, num_classes):
    """Returns probabilities that are certain of `predictions`."""
    return np.eye(num_classes, dtype=np.float32)[predictions]


def random_predictions(count, seed=0, schema=SCHEMA):
    """Returns answers and labels of every task: some right, some missing."""
    # Nobody looks at the images.
    small = dataclasses.replace(schema, image_shape=(8, 8, 3))
    labels = make_portraits(count, seed, schema=small).labels
    rng = np.random.default_rng(seed)
    answers = {}
    for task in schema.tasks:
        own = labels[task.name]
        if task.kind == "regression":
            found = np.where(np.isfinite(own), own, task.low)
            found = found + rng.normal(0, task.tolerance, count)
            answers[task.name] = np.clip(found, task.low, task.high)
        elif task.kind == "multi_label":
            scores = 2.0 * (own == 1) - 1 + rng.normal(0, 1.5, own.shape)
            answers[task.name] = 1 / (1 + np.exp(-scores))
        else:
            scores = rng.normal(size=(count, task.num_classes))
            scores[np.arange(count), np.maximum(own, 0)] += 2
            exponentials = np.exp(scores)
            sums = exponentials.sum(-1, keepdims=True)
            answers[task.name] = exponentials / sums
    return {name: np.float32(own) for name, own in answers.items()}, labels
