import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from tp_keras.evaluation import contingency

TABLE = np.array([[30, 5, 0], [10, 40, 7]])


def rows_of(table):
    """The two labels of each row of a table."""
    return np.repeat(np.argwhere(table >= 0), table.ravel(), axis=0).T


def test_counts_leave_out_what_is_missing():
    first, second = rows_of(TABLE)
    first, second = np.append(first, [-1, 1]), np.append(second, [0, -1])
    found = contingency.count_table(first, second, TABLE.shape)
    np.testing.assert_array_equal(found, TABLE)


def test_statistics_are_those_of_scipy_and_scikit_learn():
    known = stats.chi2_contingency(TABLE, correction=False)
    assert contingency.chi_square(TABLE) == pytest.approx(known.statistic)
    assert contingency.p_value(TABLE) == pytest.approx(known.pvalue)
    assert contingency.degrees_of_freedom(TABLE) == known.dof == 2
    np.testing.assert_allclose(
        contingency.expected_counts(TABLE), known.expected_freq
    )
    assert contingency.cramers_v(TABLE) == pytest.approx(
        stats.contingency.association(TABLE, "cramer")
    )
    assert contingency.mutual_information(TABLE) * np.log(2) == pytest.approx(
        metrics.mutual_info_score(*rows_of(TABLE))
    )


def test_a_whole_stack_gives_what_its_tables_give():
    stack = np.stack([TABLE, TABLE[::-1] + 3])
    for function in (
        contingency.chi_square,
        contingency.p_value,
        contingency.cramers_v,
        contingency.mutual_information,
        contingency.best_guess,
        contingency.best_balanced_guess,
    ):
        each = [function(table) for table in stack]
        np.testing.assert_allclose(function(stack), each)


def test_classes_without_rows_change_nothing():
    wide = np.zeros((4, 5), int)
    wide[np.ix_([0, 2], [0, 3, 4])] = TABLE
    for function in (
        contingency.p_value,
        contingency.cramers_v,
        contingency.mutual_information,
        contingency.best_balanced_guess,
    ):
        assert function(wide) == pytest.approx(function(TABLE))


def test_best_guesses_by_hand():
    # Of 35 + 57 rows the guesses 0, 1, 1 are right in 30 + 40 + 7.
    assert contingency.best_guess(TABLE) == pytest.approx(77 / 92)
    # Weighed alike, the last two columns say 1 as well.
    assert contingency.best_balanced_guess(TABLE) == pytest.approx(
        (30 / 35 + 47 / 57) / 2
    )


def test_effective_numbers_and_distances_by_hand():
    assert contingency.entropy([5, 5, 0]) == pytest.approx(1)
    assert contingency.entropy([7]) == 0
    assert contingency.total_variation([1, 1], [3, 1]) == pytest.approx(0.25)


def test_where_nothing_varies_nothing_is_defined():
    table = [[3, 4], [0, 0]]
    assert np.isnan(contingency.cramers_v(table))
    assert np.isnan(contingency.p_value(table))
    assert contingency.mutual_information(table) == 0
    assert np.isnan(contingency.best_guess(np.zeros((2, 2))))


def test_permuted_tables_keep_margins_and_lose_the_association():
    drawn = contingency.permuted(TABLE, 400, np.random.default_rng(0))
    for axis in (-1, -2):
        np.testing.assert_array_equal(
            drawn.sum(axis), np.tile(TABLE.sum(axis), (400, 1))
        )
    # The statistic then is that of the distribution with its freedom.
    tail = np.quantile(contingency.chi_square(drawn), 0.95)
    assert tail == pytest.approx(stats.chi2.ppf(0.95, 2), rel=0.15)


def test_resampled_tables_keep_the_number_of_rows():
    drawn = contingency.resampled(TABLE, 300, np.random.default_rng(0))
    assert (drawn.sum((1, 2)) == TABLE.sum()).all()
    np.testing.assert_allclose(drawn.mean(0), TABLE, atol=1.5)
