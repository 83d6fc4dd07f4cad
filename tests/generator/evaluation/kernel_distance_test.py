import numpy as np
import pytest

from tp_keras.generator.evaluation import kernel_distance as module
from tp_keras.generator.evaluation.estimate import draw_halves
from tp_keras.generator.evaluation.kernel_distance import kernel_distance
from tp_keras.generator.evaluation.kernel_distance import (
    kernel_distance_of_subsets,
)


def slow_distance(a, b):
    def kernel(x, y):
        return (float(np.dot(x, y)) / len(x) + 1) ** 3

    def within(rows):
        pairs = [
            kernel(x, y)
            for i, x in enumerate(rows)
            for j, y in enumerate(rows)
            if i != j
        ]
        return np.mean(pairs)

    return (
        within(a)
        + within(b)
        - 2 * np.mean([kernel(x, y) for x in a for y in b])
    )


def normal(count, size=8, seed=0):
    return np.random.default_rng(seed).standard_normal((count, size))


def test_equals_the_definition():
    a, b = normal(13, seed=0), normal(9, seed=1) + 0.5
    assert kernel_distance(a, b).value == pytest.approx(slow_distance(a, b))


def test_worked_by_hand():
    # Kernels: within the first 1 and 1, within the second 8, across 1.
    a, b = np.zeros((4, 1)), np.ones((4, 1))
    assert kernel_distance(a, b).value == pytest.approx(1 + 8 - 2)


def test_is_zero_on_average_between_samples_of_one_distribution():
    values = [
        kernel_distance(
            normal(60, seed=seed), normal(40, seed=seed + 1000), num_draws=2
        ).value
        for seed in range(200)
    ]
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values)) < 3 * error
    assert min(values) < 0 < max(values)


def test_tells_a_small_shift_from_none():
    a = normal(900, 64, seed=0)
    same = kernel_distance(normal(900, 64, seed=1), a)
    moved = kernel_distance(normal(900, 64, seed=2) + 0.1, a)
    assert same.interval[0] < 0 < same.interval[1]
    # Each kernel's mean is known for a normal distribution of variance 1.
    assert moved.value == pytest.approx(0.032, rel=0.25)
    assert moved.interval[0] > same.interval[1]


def test_a_draw_is_the_distance_of_halves(monkeypatch):
    a, b = normal(11, seed=0), normal(8, seed=1)
    kept = {}
    monkeypatch.setattr(
        module.Estimate,
        "from_halves",
        lambda value, halves: kept.update(halves=halves),
    )
    kernel_distance(a, b, num_draws=5, seed=7)
    slow = [
        slow_distance(a[rows], b[others])
        for rows, others in zip(
            draw_halves(11, 5, 7), draw_halves(8, 5, 7), strict=True
        )
    ]
    np.testing.assert_allclose(kept["halves"], slow)


def test_subsets_are_about_the_distance():
    a, b = normal(300, seed=0), normal(200, seed=1) + 0.3
    value = kernel_distance(a, b).value
    mean, deviation = kernel_distance_of_subsets(a, b, 100, 50)
    assert mean == pytest.approx(value, abs=3 * deviation / np.sqrt(50))
    assert 0 < deviation < value
    # With all rows each time there is but one value.
    mean, deviation = kernel_distance_of_subsets(a, b, 1000, 3)
    assert mean == pytest.approx(value)
    assert deviation == pytest.approx(0, abs=1e-12)
