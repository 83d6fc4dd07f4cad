"""How strongly two columns go together, by the table of their counts."""

import math
import statistics

import numpy as np
from scipy import stats
from sklearn import feature_selection

from tp_keras.evaluation.figures import figure

_Z = statistics.NormalDist().inv_cdf(0.975)

# Below so many expected rows in a cell the p-value is a rough one (Cochran,
# Some methods for strengthening the common chi-square tests, 1954).
FEW_EXPECTED = 5


def count_table(
    codes, classes, num_levels: int, num_classes: int, weights=None
) -> np.ndarray:
    """Counts the rows of each level and class: `[levels, classes]`.

    Rows of which one of the two is not known, -1, are left out. `weights` are
    how often each row counts; None: once.
    """
    known = (codes >= 0) & (classes >= 0)
    cells = codes[known] * num_classes + classes[known]
    weights = None if weights is None else weights[known]
    counts = np.bincount(cells, weights, num_levels * num_classes)
    return counts.reshape(num_levels, num_classes)


def chi_square(tables) -> np.ndarray:
    """Returns Pearson's statistic of tables of counts `[..., levels, classes]`.

    Rows and columns without a count add nothing.
    """
    tables = np.asarray(tables, np.float64)
    rows = tables.sum(-1, keepdims=True)
    columns = tables.sum(-2, keepdims=True)
    total = tables.sum((-1, -2), keepdims=True)
    expected = rows * columns / np.maximum(total, 1)
    excess = (tables - expected) ** 2
    return (excess / np.where(expected > 0, expected, 1)).sum((-1, -2))


def cramers_v(tables) -> np.ndarray:
    """Returns Cramer's V of tables of counts: 0 unrelated, 1 determined."""
    tables = np.asarray(tables)
    total = tables.sum((-1, -2))
    most = np.maximum(total, 1) * (min(tables.shape[-2:]) - 1)
    return np.sqrt(chi_square(tables) / most)


def measure_table(table: np.ndarray) -> list[dict]:
    """Measures a table of counts `[levels, classes]`, two or more of each.

    Returns:
        The fields of records: chi-square with degrees of freedom and p-value,
        smallest expected count, Cramer's V, mutual information in bits.
    """
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    count = int(table.sum())
    if min(table.shape, default=0) < 2:
        return [figure("cramers_v", None, count)]
    tested = stats.chi2_contingency(table, correction=False)
    shares = table / count
    apart = shares.sum(1, keepdims=True) * shares.sum(0, keepdims=True)
    seen = table > 0
    bits = shares[seen] * np.log2(shares[seen] / apart[seen])
    found = {
        "chi_square": tested.statistic,
        "degrees_of_freedom": tested.dof,
        "p_value": tested.pvalue,
        "smallest_expected": tested.expected_freq.min(),
        "cramers_v": cramers_v(table),
        "mutual_information": max(bits.sum(), 0.0),
    }
    return [figure(name, value, count) for name, value in found.items()]


def measure_odds(table: np.ndarray, top: int) -> dict:
    """Measures the odds ratio of a binary attribute, with Woolf's interval.

    The odds of the class `top` against all others, of rows with the second
    level divided by those of rows with the first. Where a cell is empty, half
    a row is added to each (Haldane, 1956), as else nothing is finite.

    Args:
        table: Counts `[2, classes]`.
        top: Place of a class.

    Returns:
        The fields of a record.
    """
    inside = table[:, top]
    cells = np.stack([inside, table.sum(1) - inside]).astype(np.float64)
    cells += 0.5 * (cells == 0).any()
    logarithm = np.log(cells[0, 1] * cells[1, 0] / cells[0, 0] / cells[1, 1])
    radius = _Z * math.sqrt((1 / cells).sum())
    ends = math.exp(logarithm - radius), math.exp(logarithm + radius)
    return figure("odds_ratio", math.exp(logarithm), table.sum(), ends)


def measure_scikit_learn(codes, classes) -> dict:
    """Measures a binary attribute as `sklearn.feature_selection.chi2` does.

    It sums the ones alone, and so is the statistic of the table of counts times
    the share of zeros: where nearly all rows have an attribute, it finds little.
    """
    known = (codes >= 0) & (classes >= 0)
    ones, own = codes[known, None], classes[known]
    value = feature_selection.chi2(ones, own)[0][0] if ones.any() else None
    return figure("sklearn_chi2", value, known.sum())
