import numpy as np

from tp_keras.fairness import group_counts

# Seven portraits with label and gender, two without one of them.
LABELS = np.array([0, 0, 1, 1, 0, 1, 1, -1, 0])
PREDICTIONS = np.array([0, 1, 1, 0, 0, 0, 1, 1, 0])
GENDERS = np.array([0, 0, 0, 1, 1, 1, 1, 0, -1])
OUTCOMES = np.array([[[1, 1], [0, 1]], [[1, 0], [2, 1]]])


def test_by_hand():
    outcomes = group_counts.count_outcomes(LABELS, PREDICTIONS, GENDERS, 2)
    np.testing.assert_array_equal(outcomes, OUTCOMES)
    np.testing.assert_array_equal(
        group_counts.count_negatives(outcomes), [[1, 2], [3, 1]]
    )
    np.testing.assert_allclose(
        group_counts.false_positive_rates(outcomes), [[0, 1 / 2], [2 / 3, 0]]
    )
    np.testing.assert_allclose(
        group_counts.selection_rates(outcomes), [[1 / 3, 2 / 3], [3 / 4, 1 / 4]]
    )
    np.testing.assert_allclose(
        group_counts.label_rates(outcomes), [[2 / 3, 1 / 3], [1 / 4, 3 / 4]]
    )
    np.testing.assert_allclose(
        group_counts.difference(group_counts.selection_rates(outcomes)),
        [5 / 12, 5 / 12],
    )


def test_what_has_no_rows_is_not_defined():
    outcomes = np.array([[[3, 1], [0, 0]], [[0, 0], [0, 0]]])
    rates = group_counts.false_positive_rates(outcomes)
    np.testing.assert_array_equal(rates, [[np.nan, 1 / 4], [np.nan, np.nan]])
    np.testing.assert_array_equal(
        group_counts.label_rates(outcomes), [[1, 0], [np.nan, np.nan]]
    )


def test_many_at_once_equal_one_by_one():
    many = np.random.default_rng(0).integers(0, 4, size=(6, 2, 3, 3))
    many[0, 0] = 0
    for function in (
        group_counts.count_negatives,
        group_counts.false_positive_rates,
        group_counts.selection_rates,
        group_counts.label_rates,
    ):
        np.testing.assert_array_equal(
            function(many), [function(outcomes) for outcomes in many]
        )
