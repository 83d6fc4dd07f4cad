"""Measures of two columns, against libraries and by hand."""

import numpy as np
import pytest
from scipy import stats
from sklearn.feature_selection import chi2
from sklearn.metrics import mutual_info_score

from tp_keras.evaluation.contingency import chi_square
from tp_keras.evaluation.contingency import count_table
from tp_keras.ranking import measures


def draw(share, size=2000, classes=3, seed=0):
    """Classes, and ones that are likelier in higher classes."""
    rng = np.random.default_rng(seed)
    target = rng.integers(classes, size=size)
    ones = rng.random(size) < share * (0.6 + 0.4 * target / (classes - 1))
    return ones.astype(int), target


@pytest.mark.parametrize("share", [0.02, 0.3, 0.95])
def test_scikit_learns_chi2_is_ours_times_the_share_of_zeros(share):
    ones, target = draw(share)
    table = count_table(ones, target, (2, 3))
    theirs = measures.measure_scikit_learn(ones, target)["value"]
    assert theirs == pytest.approx(chi2(ones[:, None], target)[0][0])
    expected = chi_square(table) * (1 - ones.mean())
    assert theirs == pytest.approx(float(expected), rel=1e-9)


def test_rows_that_are_not_known_count_nowhere():
    ones, target = draw(0.3)
    gaps = np.random.default_rng(1).random(len(ones)) < 0.2
    known = measures.measure_scikit_learn(ones[~gaps], target[~gaps])
    ones[gaps] = -1
    assert measures.measure_scikit_learn(ones, target) == known
    assert count_table(ones, target, (2, 3)).sum() == known["count"]


def test_a_table_is_measured_as_scipy_and_scikit_learn_do():
    rng = np.random.default_rng(2)
    first = rng.integers(4, size=500)
    second = (first + rng.integers(3, size=500)) % 3
    found = {
        each["metric"]: each["value"]
        for each in measures.measure_table(count_table(first, second, (5, 3)))
    }
    table = count_table(first, second, (4, 3))
    theirs = stats.chi2_contingency(table, correction=False)
    assert found["chi_square"] == pytest.approx(theirs.statistic)
    assert found["degrees_of_freedom"] == theirs.dof == 6
    assert found["p_value"] == pytest.approx(theirs.pvalue)
    assert found["smallest_expected"] == theirs.expected_freq.min()
    cramer = stats.contingency.association(table, method="cramer")
    assert found["cramers_v"] == pytest.approx(cramer)
    bits = mutual_info_score(first, second) / np.log(2)
    assert found["mutual_information"] == pytest.approx(bits)


def test_odds_are_those_of_the_second_level_with_woolfs_interval():
    table = np.array([[30, 50, 20], [10, 20, 40]])
    found = measures.measure_odds(table, top=2)
    # 40 of 70 rows with the attribute are of the class, 20 of 100 without.
    assert found["value"] == pytest.approx((40 / 30) / (20 / 80))
    pair = np.array([[40, 30], [20, 80]])
    theirs = stats.contingency.odds_ratio(pair, kind="sample")
    interval = theirs.confidence_interval(0.95)
    assert (found["low"], found["high"]) == pytest.approx(tuple(interval))
    turned = measures.measure_odds(table[::-1], top=2)
    assert turned["value"] == pytest.approx(1 / found["value"])


def test_odds_are_finite_where_a_cell_is_empty():
    found = measures.measure_odds(np.array([[10, 0], [0, 5]]), top=1)
    assert found["value"] == pytest.approx((5.5 / 0.5) / (0.5 / 10.5))
    assert 1 < found["low"] < found["value"] < found["high"] < np.inf
