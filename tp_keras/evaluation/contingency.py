"""How two labels go together: statistics of a table of counts [A, B].

`table[..., a, b]` is the number of rows of class `a` of one label and class
`b` of another. As in `metrics`, functions take any number of leading axes,
and what is not defined is NaN.
"""

import numpy as np
from scipy import stats

from tp_keras.evaluation.metrics import ratio
from tp_keras.records import intervals


def count_table(
    first, second, shape: tuple[int, int], weights=None
) -> np.ndarray:
    """Counts pairs of two integer labels [N], unless one is negative.

    `weights` [N] are how often each row counts; None: once.
    """
    first, second = np.asarray(first), np.asarray(second)
    both = (first >= 0) & (second >= 0)
    cells = first[both].astype(np.int64) * shape[1] + second[both]
    weights = None if weights is None else np.asarray(weights)[both]
    return np.bincount(cells, weights, shape[0] * shape[1]).reshape(shape)


def expected_counts(table) -> np.ndarray:
    """Returns the counts that independence expects: [..., A, B]."""
    table = np.asarray(table, np.float64)
    rows, columns = table.sum(-1), table.sum(-2)
    products = rows[..., :, None] * columns[..., None, :]
    return ratio(products, table.sum((-2, -1))[..., None, None])


def chi_square(table) -> np.ndarray:
    """Returns Pearson's statistic, without a correction: [...].

    Classes without rows count for nothing, here and below.
    """
    expected = expected_counts(table)
    parts = (np.asarray(table) - expected) ** 2
    ratios = np.divide(
        parts, expected, out=np.zeros_like(parts), where=expected > 0
    )
    return ratios.sum((-2, -1))


def degrees_of_freedom(table) -> np.ndarray:
    """Returns those of `chi_square`, int64 [...]; 0 where nothing varies."""
    rows, columns = _num_observed(table)
    return np.maximum(rows - 1, 0) * np.maximum(columns - 1, 0)


def p_value(table) -> np.ndarray:
    """Returns the probability of such a statistic or more by chance: [...].

    Of the chi-square distribution, which holds where few of the expected
    counts are below 5.
    """
    degrees = degrees_of_freedom(table)
    tail = stats.chi2.sf(chi_square(table), np.maximum(degrees, 1))
    return np.where(degrees > 0, tail, np.nan)


def cramers_v(table) -> np.ndarray:
    """Returns Cramer's V: 0 for independence, 1 if one tells the other: [...].

    H. Cramer, Mathematical methods of statistics, 1946.
    """
    smaller = np.minimum(*_num_observed(table)) - 1
    total = np.asarray(table).sum((-2, -1))
    return np.sqrt(ratio(chi_square(table), total * np.maximum(smaller, 0)))


def entropy(counts) -> np.ndarray:
    """Returns the entropy of counts [..., K] in bits: [...]."""
    counts = np.asarray(counts, np.float64)
    shares = ratio(counts, counts.sum(-1, keepdims=True))
    return -(shares * np.log2(np.where(shares > 0, shares, 1.0))).sum(-1)


def mutual_information(table) -> np.ndarray:
    """Returns the bits that one label tells of the other: [...]."""
    table = np.asarray(table)
    joint = entropy(table.reshape(*table.shape[:-2], -1))
    return entropy(table.sum(-1)) + entropy(table.sum(-2)) - joint


def best_guess(table) -> np.ndarray:
    """Returns the accuracy of the best guess of the rows' label: [...].

    Of who sees the columns' label alone, and knows the table.
    """
    table = np.asarray(table)
    return ratio(table.max(-2).sum(-1), table.sum((-2, -1)))


def best_balanced_guess(table) -> np.ndarray:
    """Returns the same where each class of the rows weighs the same: [...].

    It is the largest balanced accuracy there is; 1 / A for nothing told.
    """
    table = np.asarray(table)
    sizes = table.sum(-1, keepdims=True)
    rates = np.divide(table, sizes, out=np.zeros(table.shape), where=sizes > 0)
    return ratio(rates.max(-2).sum(-1), (sizes[..., 0] > 0).sum(-1))


def total_variation(first, second) -> np.ndarray:
    """Returns how far the shares of two counts [..., K] are apart: [...].

    The share of rows to change to make one of the other, 0 to 1.
    """
    first, second = (
        ratio(counts, counts.sum(-1, keepdims=True))
        for counts in (np.asarray(first), np.asarray(second))
    )
    return np.abs(first - second).sum(-1) / 2


def permuted(table, draws: int, generator: np.random.Generator) -> np.ndarray:
    """Draws tables with the same margins by chance: int64 [draws, A, B].

    As if one label were permuted among all rows. W. M. Patefield, Algorithm AS
    159, 1981, takes the same time for any number of rows.
    """
    table = np.asarray(table)
    margins = table.sum(-1), table.sum(-2)
    return stats.random_table(*margins, seed=generator).rvs(
        draws, method="patefield"
    )


def resampled(table, draws: int, generator: np.random.Generator) -> np.ndarray:
    """Draws the rows of a table with replacement: int64 [draws, A, B]."""
    table = np.asarray(table)
    flat = intervals.resample_confusion_matrix(
        table.reshape(1, -1), draws, generator
    )
    return flat.reshape(draws, *table.shape)


def _num_observed(table):
    """Returns in how many rows and columns of a table there is a count."""
    table = np.asarray(table)
    return [(table.sum(axis) > 0).sum(-1) for axis in (-1, -2)]
