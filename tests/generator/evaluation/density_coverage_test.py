import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.generator.evaluation.density_coverage import density_coverage


def slow_density_coverage(candidate, reference, neighbors):
    in_balls, covered = 0, 0
    for i, center in enumerate(reference):
        others = sorted(
            np.linalg.norm(center - other)
            for j, other in enumerate(reference)
            if j != i
        )
        radius = others[neighbors - 1]
        inside = [np.linalg.norm(center - x) < radius for x in candidate]
        in_balls += sum(inside)
        covered += any(inside)
    return (
        in_balls / (neighbors * len(candidate)),
        covered / len(reference),
    )


def normal(count, size=4, seed=0):
    return np.random.default_rng(seed).standard_normal((count, size))


def values(estimates):
    return tuple(estimate.value for estimate in estimates)


def test_equals_the_definition():
    candidate, reference = normal(23, seed=0) * 0.8, normal(31, seed=1)
    assert values(density_coverage(candidate, reference, 3)) == pytest.approx(
        slow_density_coverage(candidate, reference, 3)
    )


def test_real_samples_have_the_expected_values():
    found = [
        values(
            density_coverage(
                normal(200, seed=seed), normal(200, seed=seed + 50)
            )
        )
        for seed in range(100, 115)
    ]
    density, coverage = np.mean(found, axis=0)
    assert density == pytest.approx(1, abs=0.05)
    assert coverage == pytest.approx(1 - 2**-5, abs=0.01)


def test_a_kind_that_is_never_made_is_not_covered():
    reference = np.concatenate([normal(200), normal(200, seed=1) + 20])
    density, coverage = density_coverage(normal(400, seed=2), reference)
    assert coverage.value == pytest.approx(0.5, abs=0.03)
    assert density.value == pytest.approx(1, abs=0.15)


def test_samples_outside_have_neither():
    assert values(density_coverage(normal(50) + 50, normal(50))) == (0, 0)


def test_crowding_in_the_middle_is_dense():
    density, coverage = density_coverage(normal(400) * 0.5, normal(400, seed=1))
    assert density.interval[0] > 1
    assert coverage.interval[1] < 0.9


def test_no_draw_of_coverage_is_above_one():
    _, coverage = density_coverage(normal(60), normal(60, seed=1), 6)
    assert coverage.value > 0.9
    assert coverage.draws.max() == 1


def test_needs_rows_for_the_neighbors_of_halves():
    with pytest.raises(UserError, match="Received: 11 portraits"):
        density_coverage(normal(50), normal(11), neighbors=5)
