"""Predictions counted by gender, and the rates that the counts give.

The counts are an array [..., G, K, K]: a confusion matrix for each gender,
labels along the rows. Accuracies and recalls are those of
`tp_keras.evaluation.metrics`, which takes any number of leading axes; here are
the rates of one class against the rest. What is not defined is NaN.
"""

import numpy as np

from tp_keras import tasks
from tp_keras.evaluation import metrics


def count_outcomes(
    labels, predictions, genders, num_classes: int
) -> np.ndarray:
    """Counts gender, label and prediction of the rows that have the first two.

    Args:
        labels: Integer array [N], `tasks.MISSING` where there is none.
        predictions: Integer array [N].
        genders: Integer array [N], `tasks.MISSING` where there is none.
        num_classes: The number of classes K.

    Returns:
        Int64 array [2, K, K]; gender, label, prediction.
    """
    labels, predictions = np.asarray(labels), np.asarray(predictions)
    masks = [
        np.asarray(genders) == gender
        for gender in range(tasks.GENDER.num_classes)
    ]
    return np.stack(
        [
            metrics.confusion_matrix(
                labels[rows], predictions[rows], num_classes
            )
            for rows in masks
        ]
    )


def false_positive_rates(outcomes) -> np.ndarray:
    """Returns how often the other classes are called by a class: [..., G, K].

    NaN for a class that is all a gender has.
    """
    outcomes = np.asarray(outcomes)
    hits = np.diagonal(outcomes, axis1=-2, axis2=-1)
    return _share(outcomes.sum(-2) - hits, count_negatives(outcomes))


def count_negatives(outcomes) -> np.ndarray:
    """Returns the rows of all classes but one: [..., G, K]."""
    sizes = np.asarray(outcomes).sum(-1)
    return sizes.sum(-1, keepdims=True) - sizes


def selection_rates(outcomes) -> np.ndarray:
    """Returns the share of a gender's rows that is called so: [..., G, K]."""
    predicted = np.asarray(outcomes).sum(-2)
    return _share(predicted, predicted.sum(-1, keepdims=True))


def label_rates(outcomes) -> np.ndarray:
    """Returns the share of a gender's rows that is labelled so: [..., G, K]."""
    labelled = np.asarray(outcomes).sum(-1)
    return _share(labelled, labelled.sum(-1, keepdims=True))


def difference(rates) -> np.ndarray:
    """Returns how far the genders are apart: [..., G, K] to [..., K]."""
    rates = np.asarray(rates)
    return np.abs(rates[..., 0, :] - rates[..., 1, :])


def _share(part, whole):
    part, whole = np.broadcast_arrays(part, whole)
    out = np.full(whole.shape, np.nan)
    return np.divide(part, whole, out=out, where=whole > 0)
