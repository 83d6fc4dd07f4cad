import dataclasses

import numpy as np

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.debiasing import groups

LABELS = np.array([0, 0, 0, 0, 1, 1, -1, 2])
GENDERS = np.array([0, 0, 0, 1, 1, 0, 0, -1])


def test_counts_leave_out_what_is_missing():
    counts = groups.count_groups(LABELS, GENDERS, 3, 2)
    assert counts.tolist() == [[3, 1], [1, 1], [0, 0]]


def test_counts_of_guarded_tasks_of_every_kind():
    portraits = make_portraits(60, schema=EVERY_KIND)
    found = groups.training_group_counts(portraits, EVERY_KIND.tasks)
    assert set(found) == {"age", "smile"}
    ages, smiles, origin = (
        portraits.labels[name] for name in ("age", "smile", "origin")
    )
    for group in range(3):
        of_group = origin == group
        for smile in (0, 1):
            count = (of_group & (smiles == smile)).sum()
            assert found["smile"][smile, group] == count
        # Ranges of ten years; 100 begins the last.
        expected, _ = np.histogram(ages[of_group], 11, (0, 110))
        np.testing.assert_array_equal(found["age"][:, group], expected)
    plain = dataclasses.replace(
        portraits, schema=dataclasses.replace(EVERY_KIND, protected=None)
    )
    assert groups.training_group_counts(plain, EVERY_KIND.tasks) == {}


def test_weights_are_those_of_the_formula():
    counts = np.array([[3, 1, 0], [1, 1, 2], [4, 0, 0]])
    weights = groups.level_weights(counts)
    # n(y) / (G(y) n(y, g)) of the groups that a class has.
    np.testing.assert_allclose(
        weights,
        [[4 / 6, 4 / 2, 1], [4 / 3, 4 / 3, 4 / 6], [1, 1, 1]],
        rtol=1e-6,
    )
    # All groups weigh the same, and the class what it did.
    sums = weights * counts
    np.testing.assert_allclose(sums.sum(1), counts.sum(1))
    assert groups.level_weights(np.array([[99, 1]]), largest=10)[0, 1] == 10


def test_every_supported_group_has_one_sum():
    counts = np.array([[30, 10], [12, 28], [100, 9]])
    weights = groups.group_balancing_weights(counts)
    sums = weights * counts
    np.testing.assert_allclose(sums[:2], 20.0)
    assert sums[2].tolist() == [0.0, 0.0]
    assert weights.dtype == np.float32
    # No supported group weighs nothing, and there is no NaN.
    weights = groups.group_balancing_weights(np.array([[30, 0], [0, 0]]))
    assert weights.tolist() == [[0, 0], [0, 0]]


def test_chosen_rows_are_as_many_women_as_men():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, -1], [200, 60, 40])
    genders = np.zeros(300, int)
    genders[:50] = 1  # 50 men, 150 women of class 0
    genders[200:205] = 1  # too few men of class 1
    chosen = groups.choose_level_rows(labels, genders, 2, 2, rng)
    counts = groups.count_groups(labels[chosen], genders[chosen], 2, 2)
    assert counts.tolist() == [[50, 50], [55, 5]]
    assert not chosen[260:].any()
