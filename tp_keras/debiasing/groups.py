"""How many training portraits each group of class and gender has."""

import numpy as np

from tp_keras.tasks import GENDER
from tp_keras.tasks import MISSING

# What a group needs for more to be learned of it than its few portraits.
LEAST_ROWS = 10


def count_groups(labels, genders, num_classes) -> np.ndarray:
    """Counts the labelled rows of each class and gender.

    Args:
        labels: Integer array [N], `MISSING` where there is none.
        genders: Integer array [N], likewise.
        num_classes: The number of classes K.

    Returns:
        Int64 array [K, 2].
    """
    known = (labels != MISSING) & (genders != MISSING)
    cells = labels[known] * GENDER.num_classes + genders[known]
    counts = np.bincount(cells, minlength=num_classes * GENDER.num_classes)
    return counts.reshape(num_classes, GENDER.num_classes)


def gender_balancing_weights(counts, largest=np.inf) -> np.ndarray:
    """Returns the weight of a row of each group that levels the genders.

    `w(y, g) = n(y) / (2 n(y, g))`: inside each class both genders weigh the
    same, and each class weighs what it did. So a class no longer tells of
    gender, nor gender of the class, in what the loss sees (Kamiran and
    Calders, "Data preprocessing techniques for classification without
    discrimination", 2012, with the genders levelled inside each class). A
    class of one gender keeps its weights.

    Args:
        counts: Integer array [K, 2].
        largest: Limit of a weight: few portraits that weigh much are learned
            by heart.

    Returns:
        Float32 array [K, 2]; 1 where a group has no rows.

    Example:
        >>> gender_balancing_weights(np.array([[30, 10], [5, 0]])).tolist()
        [[0.6666..., 2.0], [1.0, 1.0]]
    """
    both = (counts > 0).all(-1, keepdims=True)
    total = counts.sum(-1, keepdims=True)
    weights = np.where(both, total / (2 * np.maximum(counts, 1)), 1.0)
    return np.minimum(weights, largest).astype(np.float32)


def group_balancing_weights(counts, least=LEAST_ROWS) -> np.ndarray:
    """Returns the weight of a row that gives every supported group one sum.

    Classes of which one gender has fewer than `least` rows weigh nothing: an
    adversary would learn its few portraits by heart.

    Args:
        counts: Integer array [K, 2].
        least: Rows that a group must have.

    Returns:
        Float32 array [K, 2], 1 on average over the rows of supported classes.

    Example:
        >>> group_balancing_weights(np.array([[30, 10], [5, 0]]), 5).tolist()
        [[0.6666..., 2.0], [0.0, 0.0]]
    """
    supported = (counts >= least).all(-1, keepdims=True)
    rows = np.where(supported, counts, 0).sum()
    groups = 2 * supported.sum()
    weights = rows / np.maximum(groups * np.maximum(counts, 1), 1)
    return np.where(supported, weights, 0.0).astype(np.float32)


def choose_level_rows(labels, genders, num_classes, generator):
    """Chooses rows so that both genders of a class have as many.

    Args:
        labels: Integer array [N], `MISSING` where there is none.
        genders: Integer array [N], likewise.
        num_classes: The number of classes K.
        generator: `numpy.random.Generator`.

    Returns:
        Bool array [N]: the rows to train on. Rows without a label stay out; a
        class of which one gender has fewer than `LEAST_ROWS` keeps all.
    """
    counts = count_groups(labels, genders, num_classes)
    chosen = np.zeros(len(labels), bool)
    for label, row in enumerate(counts):
        size = row.min()
        for gender in range(GENDER.num_classes):
            rows = np.flatnonzero((labels == label) & (genders == gender))
            if size >= LEAST_ROWS:
                rows = generator.choice(rows, size, replace=False)
            chosen[rows] = True
    return chosen
