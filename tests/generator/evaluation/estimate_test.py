import numpy as np
import pytest

from tp_keras.generator.evaluation.estimate import Estimate
from tp_keras.generator.evaluation.estimate import draw_halves
from tp_keras.generator.evaluation.estimate import normalized_score


def estimate_mean(rows, seed=0):
    halves = draw_halves(len(rows), 200, seed)
    return Estimate.from_halves(
        rows.mean(), [rows[half].mean() for half in halves]
    )


def test_halves_are_halves_and_their_own():
    halves = draw_halves(11, 50, 3)
    assert halves.shape == (50, 11)
    np.testing.assert_array_equal(halves.sum(1), 5)
    assert len(np.unique(halves, axis=0)) > 40
    np.testing.assert_array_equal(halves, draw_halves(11, 50, 3))
    assert (halves != draw_halves(11, 50, 4)).any()


def test_the_interval_of_a_mean_is_the_textbook_one():
    rows = np.random.default_rng(0).standard_normal(2000)
    estimate = estimate_mean(rows)
    low, high = estimate.interval
    radius = 1.96 * rows.std() / np.sqrt(2000)
    assert high - low == pytest.approx(2 * radius, rel=0.15)
    assert (low + high) / 2 == pytest.approx(rows.mean(), abs=0.2 * radius)


def test_intervals_hold_the_truth_as_often_as_they_say():
    generator = np.random.default_rng(1)
    hits = 0
    for seed in range(100):
        low, high = estimate_mean(generator.exponential(size=80), seed).interval
        hits += low <= 1 <= high
    assert 86 <= hits <= 99


def test_draws_stay_within_what_a_figure_can_be():
    draws = Estimate.from_halves(0.9, [0.1, 0.5], 0.0, 1.0).draws
    np.testing.assert_allclose(draws, [0.7, 1.0])


def test_a_score_counts_from_real_to_eigenfaces():
    draws = np.array([0.9, 1.0, 1.1])
    real, eigenfaces = Estimate(1.0, draws), Estimate(5.0, draws + 4)
    assert normalized_score(real, real, eigenfaces).value == 0
    assert normalized_score(eigenfaces, real, eigenfaces).value == 1
    candidate = Estimate(3.0, np.array([1.9, 3.0, 4.1]))
    score = normalized_score(candidate, real, eigenfaces)
    assert score.value == 0.5
    np.testing.assert_allclose(score.draws, [0.25, 0.5, 0.75])


def test_the_luck_of_the_reference_cancels_out():
    luck = np.random.default_rng(0).standard_normal(200)
    real, eigenfaces = Estimate(0, luck), Estimate(9, luck + 9)
    score = normalized_score(Estimate(3, luck + 3), real, eigenfaces)
    np.testing.assert_allclose(score.interval, (1 / 3, 1 / 3))


def test_no_score_where_eigenfaces_may_be_as_good_as_real_portraits():
    wide = np.linspace(-1, 1, 100)
    real, eigenfaces = Estimate(0.0, np.zeros(100)), Estimate(0.5, wide + 0.5)
    assert normalized_score(real, real, eigenfaces) is None
