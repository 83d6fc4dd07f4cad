import numpy as np
import pytest

from tests.portrait_factory import GENDER
from tests.portrait_factory import HAIR_TYPE
from tests.portrait_factory import ORIGIN
from tp_keras.evaluation import metrics
from tp_keras.fairness import group_counts

OUTCOMES = np.array(
    [
        [[40, 10, 0], [5, 20, 5], [0, 0, 0]],
        [[30, 0, 0], [12, 18, 0], [1, 0, 9]],
        [[25, 5, 0], [10, 10, 5], [0, 0, 0]],
    ]
)


def rows_of(outcomes):
    cells = np.argwhere(np.ones_like(outcomes, bool))
    return np.repeat(cells, outcomes.ravel(), 0)


def count(rows, num_groups):
    groups, labels, predictions = rows.T
    protected = GENDER if num_groups == 2 else ORIGIN
    answers = group_counts.GroupAnswers(
        HAIR_TYPE, labels, predictions, groups, protected
    )
    return answers.count()[:-1]


def odds(outcomes):
    counted = np.full((outcomes.shape[-3], 3), True)
    recalls = metrics.recall(outcomes)[..., :2]
    rates = group_counts.false_positive_rates(outcomes)
    found = group_counts.differences(recalls, counted[:, :2])
    others = group_counts.differences(rates, counted)
    return np.maximum(found.max(-1), others.max(-1))


def test_resamples_keep_their_strata():
    generator = np.random.default_rng(0)
    within = group_counts.resample(OUTCOMES, 2, 500, generator)
    assert (within.sum(-1) == OUTCOMES.sum(-1)).all()
    np.testing.assert_allclose(within.mean(0), OUTCOMES, atol=0.6)
    whole = group_counts.resample(OUTCOMES, 1, 500, generator)
    assert (whole.sum((-2, -1)) == OUTCOMES.sum((-2, -1))).all()
    np.testing.assert_allclose(whole.mean(0), OUTCOMES, atol=0.6)
    # The mix of classes is a matter of chance here, there it is not.
    assert whole.sum(-1).std(0)[0, 0] == pytest.approx(
        np.sqrt(80 * 5 / 8 * 3 / 8), rel=0.15
    )


@pytest.mark.parametrize("num_groups", [2, 3])
def test_permutations_equal_shuffled_groups(num_groups):
    # The slow road: shuffle the column of the group inside each class.
    outcomes, slow = OUTCOMES[:num_groups], []
    generator = np.random.default_rng(0)
    groups, labels, predictions = rows_of(outcomes).T
    for _ in range(2000):
        shuffled = group_counts.permute_within(groups, labels, generator)
        rows = np.stack([shuffled, labels, predictions], 1)
        slow.append(count(rows, num_groups))
    fast = group_counts.permute_groups(outcomes, 2000, generator)
    for sizes in (slow[0], fast):
        assert (sizes.sum(-1) == outcomes.sum(-1)).all()
    assert (fast.sum(1) == outcomes.sum(0)).all()
    np.testing.assert_allclose(fast.mean(0), np.mean(slow, 0), atol=0.3)
    np.testing.assert_allclose(fast.std(0), np.std(slow, 0), atol=0.15)
    for quantile in (0.05, 0.5, 0.95):
        assert np.quantile(odds(fast), quantile) == pytest.approx(
            np.quantile(odds(np.array(slow)), quantile), abs=0.015
        )


def test_groups_are_shuffled_inside_the_classes():
    groups = np.tile([0, 1, 1], 100)
    classes = np.repeat([-1, 0, 2], 100)
    shuffled = group_counts.permute_within(
        groups, classes, np.random.default_rng(0)
    )
    for label in (-1, 0, 2):
        rows = classes == label
        assert shuffled[rows].sum() == groups[rows].sum()
        assert 20 < (shuffled[rows] != groups[rows]).sum() < 70


@pytest.mark.parametrize(
    "value, limits, expected",
    [
        # The middle 95 % are 0.21 to 0.59; mirrored at 0.3 they are 0.01 to
        # 0.39.
        (0.3, (0, 1), (0.01, 0.59)),
        (0.1, (0, 1), (0.0, 0.59)),
        (0.1, (-1, 0.5), (-0.39, 0.5)),
    ],
)
def test_interval_by_hand(value, limits, expected):
    samples = np.linspace(0.2, 0.6, 401)
    found = group_counts.bootstrap_interval(value, samples, limits)
    assert found == pytest.approx(expected)


@pytest.mark.parametrize(
    "recalls",
    [
        # One group stands out; all are alike.
        [[0.85, 0.85, 0.9, 0.4], [0.85, 0.8, 0.4, 0.8]],
        [[0.85, 0.85, 0.9, 0.8], [0.85, 0.8, 0.75, 0.8]],
    ],
)
def test_intervals_of_maximum_and_minimum_cover(recalls):
    generator = np.random.default_rng(0)
    sizes = np.array([[110, 130, 90, 60], [110, 60, 55, 70]])

    def largest(hits):
        every = np.full(sizes.shape, True)
        return group_counts.differences(hits / sizes, every).max(-1)

    def least(hits):
        return (hits / sizes).min((-2, -1))

    covered = np.zeros(2)
    for hits in generator.binomial(sizes, recalls, size=(300, 2, 4)):
        drawn = generator.binomial(sizes, hits / sizes, size=(200, 2, 4))
        for index, figure in enumerate((largest, least)):
            low, high = group_counts.bootstrap_interval(
                figure(hits), figure(drawn)
            )
            assert low <= figure(hits) <= high
            truth = figure(np.array(recalls) * sizes)
            covered[index] += low <= truth <= high
    assert (covered / 300 >= 0.92).all(), covered
