"""How many training portraits each group of class and protected label has."""

import numpy as np

from tp_keras.data.labels import num_strata
from tp_keras.data.labels import strata

# What a group needs for more to be learned of it than its few portraits.
LEAST_ROWS = 10


def count_groups(labels, groups, num_classes, num_groups) -> np.ndarray:
    """Counts the rows of each class and group: int64 [K, G].

    Labels and groups are integers [N], negative where there are none.
    """
    known = (labels >= 0) & (groups >= 0)
    cells = labels[known] * num_groups + groups[known]
    counts = np.bincount(cells, minlength=num_classes * num_groups)
    return counts.reshape(num_classes, num_groups)


def training_group_counts(train, tasks) -> dict:
    """Returns the rows of each class, or range, and group of guarded tasks.

    That is a dict of the guarded ones of `tasks` to int64 arrays [K, G].
    """
    protected = train.schema.protected_task
    if protected is None:
        return {}
    return {
        task.name: count_groups(
            strata(task, train.labels[task.name]),
            train.groups,
            num_strata(task),
            protected.num_classes,
        )
        for task in tasks
        if task.name in train.schema.guarded
    }


def level_weights(counts, largest=np.inf) -> np.ndarray:
    """Returns the weight of a row of each group that levels the groups.

    `w(y, g) = n(y) / (G(y) n(y, g))` with the `G(y)` groups that a class has:
    inside each class all groups weigh the same, and each class weighs what it
    did (Kamiran and Calders, "Data preprocessing techniques for classification
    without discrimination", 2012, with the groups levelled inside each class).
    At most `largest`: few portraits that weigh much are learned by heart.

    Returns:
        Float32 array [K, G] like `counts`; 1 where a group has no rows.

    Example:
        >>> level_weights(np.array([[30, 10], [5, 0]])).tolist()
        [[0.6666..., 2.0], [1.0, 1.0]]
    """
    there = counts > 0
    total = counts.sum(-1, keepdims=True)
    present = np.maximum(there.sum(-1, keepdims=True), 1)
    weights = np.where(there, total / (present * np.maximum(counts, 1)), 1.0)
    return np.minimum(weights, largest).astype(np.float32)


def group_balancing_weights(counts) -> np.ndarray:
    """Returns the weight of a row that gives every supported group one sum.

    A group of fewer than ten rows weighs nothing, and so does a class of
    which fewer than two groups are left.

    Returns:
        Float32 array [K, G] like `counts`, 1 on average over the rows of
        supported groups.

    Example:
        >>> group_balancing_weights(np.array([[30, 10], [5, 0]])).tolist()
        [[0.6666..., 2.0], [0.0, 0.0]]
    """
    enough = counts >= LEAST_ROWS
    supported = enough & (enough.sum(-1, keepdims=True) >= 2)
    rows = np.where(supported, counts, 0).sum()
    weights = rows / np.maximum(supported.sum() * np.maximum(counts, 1), 1)
    return np.where(supported, weights, 0.0).astype(np.float32)


def choose_level_rows(labels, groups, num_classes, num_groups, generator):
    """Chooses rows so that all groups of a class have as many: bool [N].

    Rows without a label stay out; groups of fewer than `LEAST_ROWS` stay whole
    and don't set the size of the others. Arguments as of `count_groups`, and a
    `numpy.random.Generator`.
    """
    counts = count_groups(labels, groups, num_classes, num_groups)
    chosen = np.zeros(len(labels), bool)
    for label, row in enumerate(counts):
        enough = row >= LEAST_ROWS
        for group in range(num_groups):
            rows = np.flatnonzero((labels == label) & (groups == group))
            if enough[group] and enough.sum() >= 2:
                size = row[enough].min()
                rows = generator.choice(rows, size, replace=False)
            chosen[rows] = True
    return chosen
