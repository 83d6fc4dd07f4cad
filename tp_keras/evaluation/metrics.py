"""Figures of a confusion matrix, for one matrix or for many at once.

A confusion matrix counts rows: `matrix[..., i, j]` is the number of rows whose
label is class `i` and whose prediction is class `j`. Every function takes any
number of leading axes, so the resampled matrices of a bootstrap go through in
one call. What is not defined is NaN here and becomes None in a record.
"""

import numpy as np

from tp_keras.tasks import MISSING


def confusion_matrix(labels, predictions, num_classes: int) -> np.ndarray:
    """Counts pairs of label, unless it is `MISSING`, and prediction: [K, K]."""
    labels = np.asarray(labels)
    labelled = labels != MISSING
    cells = labels[labelled] * num_classes + np.asarray(predictions)[labelled]
    counts = np.bincount(cells, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def accuracy(matrix) -> np.ndarray:
    """Returns the share of rows whose prediction is their label: [...]."""
    matrix = np.asarray(matrix)
    return ratio(_hits(matrix).sum(-1), matrix.sum((-2, -1)))


def recall(matrix) -> np.ndarray:
    """Returns per class the share of its rows that are found: [..., K]."""
    matrix = np.asarray(matrix)
    return ratio(_hits(matrix), matrix.sum(-1))


def balanced_accuracy(matrix) -> np.ndarray:
    """Returns the mean recall over the classes with labelled rows: [...].

    A class that a group lacks is left out, not counted as 0: compare two
    groups only where both have the same classes.
    """
    return _mean_of_classes(recall(matrix), matrix)


def macro_f1(matrix) -> np.ndarray:
    """Returns the mean F1 over the classes with labelled rows: [...].

    That of a class without labelled rows would be 0 for one slip as for a
    thousand.
    """
    matrix = np.asarray(matrix)
    predicted = matrix.sum(-1) + matrix.sum(-2)
    return _mean_of_classes(ratio(2 * _hits(matrix), predicted), matrix)


def mean_class_error(matrix) -> np.ndarray:
    """Returns how many classes the prediction is away, on average: [...]."""
    matrix = np.asarray(matrix)
    places = np.arange(matrix.shape[-1])
    distances = np.abs(places - places[:, None])
    return ratio((matrix * distances).sum((-2, -1)), matrix.sum((-2, -1)))


def _hits(matrix):
    return np.diagonal(matrix, axis1=-2, axis2=-1)


def ratio(part, whole) -> np.ndarray:
    """Returns `part / whole`, NaN where the whole is 0."""
    part, whole = np.broadcast_arrays(part, whole)
    out = np.full(whole.shape, np.nan)
    return np.divide(part, whole, out=out, where=whole > 0)


def _mean_of_classes(values, matrix):
    present = np.asarray(matrix).sum(-1) > 0
    total = np.where(present, values, 0.0).sum(-1)
    return ratio(total, present.sum(-1))
