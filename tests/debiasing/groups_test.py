import numpy as np

from tp_keras.debiasing import groups

LABELS = np.array([0, 0, 0, 0, 1, 1, -1, 2])
GENDERS = np.array([0, 0, 0, 1, 1, 0, 0, -1])


def test_counts_leave_out_what_is_missing():
    counts = groups.count_groups(LABELS, GENDERS, 3)
    assert counts.tolist() == [[3, 1], [1, 1], [0, 0]]


def test_weights_are_those_of_the_formula():
    counts = np.array([[3, 1], [1, 1], [4, 0]])
    weights = groups.gender_balancing_weights(counts)
    np.testing.assert_allclose(weights, [[4 / 6, 4 / 2], [1, 1], [1, 1]])
    # Both genders weigh the same, and the class what it did.
    sums = (weights * counts)[:2]
    np.testing.assert_allclose(sums[:, 0], sums[:, 1])
    np.testing.assert_allclose(sums.sum(1), counts[:2].sum(1))
    # As Kamiran and Calders', with the distribution within one class.
    share = counts[0] / counts[0].sum()
    np.testing.assert_allclose(weights[0], 0.5 / share)


def test_a_weight_has_a_limit():
    weights = groups.gender_balancing_weights(np.array([[99, 1]]), largest=10)
    np.testing.assert_allclose(weights, [[100 / 198, 10]])


def test_every_supported_group_has_one_sum():
    counts = np.array([[30, 10], [12, 28], [100, 9]])
    weights = groups.group_balancing_weights(counts, least=10)
    sums = weights * counts
    np.testing.assert_allclose(sums[:2], 20.0)
    assert sums[2].tolist() == [0.0, 0.0]
    assert weights.dtype == np.float32


def test_no_supported_group_weighs_nothing_and_no_nan():
    weights = groups.group_balancing_weights(np.array([[3, 0], [0, 0]]), 1)
    assert weights.tolist() == [[0, 0], [0, 0]]


def test_chosen_rows_are_as_many_women_as_men():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, -1], [200, 60, 40])
    genders = np.zeros(300, int)
    genders[:50] = 1  # 50 men, 150 women of class 0
    genders[200:205] = 1  # too few men of class 1
    chosen = groups.choose_level_rows(labels, genders, 2, rng)
    counts = groups.count_groups(labels[chosen], genders[chosen], 2)
    assert counts.tolist() == [[50, 50], [55, 5]]
    assert not chosen[260:].any()
