"""How strongly two columns go together, by the table of their counts."""

import math
import statistics

import numpy as np
from sklearn import feature_selection

from tp_keras.evaluation import contingency
from tp_keras.evaluation.figures import figure

_Z = statistics.NormalDist().inv_cdf(0.975)

# Below so many expected rows in a cell the p-value is a rough one (Cochran,
# Some methods for strengthening the common chi-square tests, 1954).
FEW_EXPECTED = 5


def measure_table(table: np.ndarray) -> list[dict]:
    """Measures a table of counts `[levels, classes]`, two or more of each.

    Returns:
        The fields of records: Cramer's V, chi-square with degrees of freedom
        and p-value, mutual information in bits, smallest expected count.
    """
    table = table[table.any(axis=1)][:, table.any(axis=0)]
    found = {
        "cramers_v": contingency.cramers_v(table),
        "chi_square": contingency.chi_square(table),
        "degrees_of_freedom": contingency.degrees_of_freedom(table),
        "p_value": contingency.p_value(table),
        "mutual_information": contingency.mutual_information(table),
        "smallest_expected": contingency.expected_counts(table).min(),
    }
    return [figure(name, value, table.sum()) for name, value in found.items()]


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

    It sums the ones alone, and so is chi-square of the table of counts times
    the share of zeros: it finds little where nearly all rows are ones.
    """
    known = (codes >= 0) & (classes >= 0)
    ones, own = codes[known, None], classes[known]
    value = feature_selection.chi2(ones, own)[0][0] if ones.any() else None
    return figure("sklearn_chi2", value, known.sum())
