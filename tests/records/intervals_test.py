import numpy as np
import pytest
import scipy.stats

from tp_keras.evaluation import metrics
from tp_keras.records import intervals


@pytest.mark.parametrize("count", [1, 7, 897])
def test_wilson_agrees_with_scipy(count):
    for hits in {0, 1, count // 2, count}:
        found = intervals.wilson_interval(hits, count)
        expected = scipy.stats.binomtest(hits, count).proportion_ci(
            method="wilson"
        )
        assert found == pytest.approx(tuple(expected), abs=1e-12)
        # The mean of one share has the interval of the share.
        alone = intervals.mean_of_shares_interval([hits], [count])
        assert alone == pytest.approx(found)
        # The ends are exact at the edges.
        assert (found[0] == 0, found[1] == 1) == (hits == 0, hits == count)


@pytest.mark.parametrize("hits, count", [(0, 0), (3, 2), (-1, 2)])
def test_wilson_refuses_what_is_no_share(hits, count):
    with pytest.raises(ValueError, match=f"Received: hits={hits}, count="):
        intervals.wilson_interval(hits, count)


def test_mean_of_shares_by_hand():
    # Shares 0.9 and 0.5; Wilson's ends are 0.5958, 0.9821 and 0.2366, 0.7634.
    low, high = intervals.mean_of_shares_interval([9, 5], [10, 10])
    assert low == pytest.approx(0.7 - np.hypot(0.3042, 0.2634) / 2, abs=1e-4)
    assert high == pytest.approx(0.7 + np.hypot(0.0821, 0.2634) / 2, abs=1e-4)


def test_mean_of_shares_covers_with_rare_classes():
    generator = np.random.default_rng(0)
    counts = np.array([200, 120, 30, 8])
    shares = np.array([0.9, 0.9, 0.8, 0.8])
    covered = 0
    for hits in generator.binomial(counts, shares, size=(500, 4)):
        low, high = intervals.mean_of_shares_interval(hits, counts)
        covered += low <= shares.mean() <= high
    assert 0.92 <= covered / 500 <= 0.98


def test_resampling_a_matrix_equals_resampling_rows():
    matrix = np.array([[120, 30], [20, 60]])
    labels, predictions = np.repeat(
        np.array([(0, 0), (0, 1), (1, 0), (1, 1)]), matrix.ravel(), axis=0
    ).T
    generator = np.random.default_rng(0)
    # The slow road: draw the rows of each class with replacement and count.
    slow = np.zeros((2000, 2, 2))
    for label, size in ((0, 150), (1, 80)):
        own = predictions[labels == label]
        for counts, drawn in zip(
            np.concatenate([*intervals.resample_rows(size, 2000, generator)]),
            slow,
            strict=True,
        ):
            drawn[label] = np.bincount(own, counts, minlength=2)
    fast = intervals.resample_confusion_matrix(matrix, 2000, generator)
    assert (fast.sum(-1) == [150, 80]).all()
    np.testing.assert_allclose(
        intervals.percentile_interval(metrics.macro_f1(fast)),
        intervals.percentile_interval(metrics.macro_f1(slow)),
        atol=0.01,
    )


@pytest.mark.parametrize("size", [1, 35, 1 << 22])
def test_rows_are_drawn_with_replacement(size, monkeypatch):
    monkeypatch.setattr(intervals, "_BLOCK_SIZE", size)
    generator = np.random.default_rng(0)
    counts = np.concatenate([*intervals.resample_rows(10, 3000, generator)])
    assert counts.shape == (3000, 10)
    assert (counts.sum(1) == 10).all()
    # Mean and variance of a binomial.
    np.testing.assert_allclose(counts.mean(0), 1.0, atol=0.07)
    np.testing.assert_allclose(counts.var(0), 0.9, atol=0.12)


def test_interval_of_a_correlation_covers():
    generator = np.random.default_rng(0)
    # Spearman's correlation of a normal pair: 6 / pi asin(r / 2).
    truth = 6 / np.pi * np.arcsin(0.4)
    covered = 0
    for _ in range(300):
        first, noise = generator.normal(size=(2, 60))
        second = 0.8 * first + 0.6 * noise
        value = scipy.stats.spearmanr(first, second).statistic
        low, high = intervals.correlation_interval(value, 60)
        assert -1 <= low < value < high <= 1
        covered += low <= truth <= high
    assert 0.92 <= covered / 300 <= 0.98
    assert intervals.correlation_interval(1.0, 50)[1] == 1.0
    assert intervals.correlation_interval(0.5, 3) == (-1, 1)


def test_percentile_interval_is_the_middle_95_percent():
    low, high = intervals.percentile_interval(np.arange(1001))
    assert (low, high) == pytest.approx((25, 975))
    assert intervals.percentile_interval([np.nan, 3.0]) == (3, 3)
