import numpy as np
import pytest
import scipy.linalg

from tp_keras.generator.evaluation.frechet_distance import distance_of_samples
from tp_keras.generator.evaluation.frechet_distance import frechet_distance


def normal(count, size=64, seed=0):
    return np.random.default_rng(seed).standard_normal((count, size))


def test_equals_the_formula_with_a_matrix_root():
    a = normal(50, 5) @ normal(5, 5, seed=2)
    b = normal(70, 5, seed=1) * 2 + 1
    first, second = np.cov(a, rowvar=False), np.cov(b, rowvar=False)
    root = scipy.linalg.sqrtm(first @ second).real
    expected = ((a.mean(0) - b.mean(0)) ** 2).sum() + np.trace(
        first + second - 2 * root
    )
    assert distance_of_samples(a, b) == pytest.approx(expected)
    assert distance_of_samples(a, a) == pytest.approx(0, abs=1e-9)


def test_worked_by_hand():
    # Means 1 and 4, standard deviations 1 and 3: 3^2 + (1 - 3)^2.
    a = np.array([[0.0], [1.0], [2.0]])
    assert distance_of_samples(a, 3 * a + 1) == pytest.approx(13)


def test_few_rows_do_not_make_it_large():
    a, b = normal(500, seed=0), normal(500, seed=1)
    assert distance_of_samples(a, b) > 4
    estimate = frechet_distance(a, b)
    assert abs(estimate.value) < 0.6
    assert estimate.interval[0] < 0 < estimate.interval[1]


@pytest.mark.parametrize("count", [400, 900])
def test_tends_to_the_distance_of_the_distributions(count):
    scales = 1 + 0.5 * np.arange(64) / 64
    a, b = normal(count, seed=2), normal(count, seed=3) * scales + 0.1
    estimate = frechet_distance(a, b)
    expected = ((scales - 1) ** 2).sum() + 0.64
    assert estimate.value == pytest.approx(expected, abs=0.7)
    assert estimate.interval[0] < expected < estimate.interval[1]
