import numpy as np
import pytest

from tp_keras.fairness import resampled_sums


@pytest.mark.parametrize("block_size", [1, 100, 1 << 22])
def test_sums_are_those_of_drawn_rows(block_size, monkeypatch):
    monkeypatch.setattr(resampled_sums, "_BLOCK_SIZE", block_size)
    # Powers of four tell how often each row was drawn.
    values = np.stack([4.0 ** np.arange(3), np.ones(3)], axis=1)
    sums = resampled_sums.resample_sums(values, 600, np.random.default_rng(0))
    assert sums.shape == (600, 2)
    assert (sums[:, 1] == 3).all()
    possible = {
        a + 4 * b + 16 * c
        for a in range(4)
        for b in range(4)
        for c in range(4)
        if a + b + c == 3
    }
    assert set(sums[:, 0]) == possible


def test_spread_is_that_of_a_mean():
    values = np.random.default_rng(0).normal(size=(200, 1))
    sums = resampled_sums.resample_sums(values, 4000, np.random.default_rng(1))
    means = sums / 200
    assert means.mean() == pytest.approx(values.mean(), abs=0.01)
    assert means.std() == pytest.approx(values.std() / 200**0.5, rel=0.06)


def test_no_rows():
    sums = resampled_sums.resample_sums(
        np.zeros((0, 2)), 3, np.random.default_rng(0)
    )
    np.testing.assert_array_equal(sums, np.zeros((3, 2)))


def test_interval_of_what_is_defined():
    samples = np.append(np.arange(101.0), [np.nan, np.inf])
    assert resampled_sums.finite_interval(samples) == pytest.approx((2.5, 97.5))
    assert resampled_sums.finite_interval([np.nan]) == (None, None)
