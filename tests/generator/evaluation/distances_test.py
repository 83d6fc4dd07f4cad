import itertools

import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.generator.evaluation.distances import Described
from tp_keras.generator.evaluation.distances import Estimate
from tp_keras.generator.evaluation.distances import draw_halves
from tp_keras.generator.evaluation.distances import kernel_distance
from tp_keras.generator.evaluation.distances import measure_distances
from tp_keras.generator.evaluation.distances import normalized_score
from tp_keras.generator.evaluation.distances import pool
from tp_keras.records.record import Record
from tp_keras.records.record import find_one


def test_halves_are_their_own_and_intervals_hold_as_often_as_they_say():
    halves = draw_halves(11, 50, 3)
    assert halves.shape == (50, 11)
    np.testing.assert_array_equal(halves.sum(1), 5)
    assert len(np.unique(halves, axis=0)) > 40
    np.testing.assert_array_equal(halves, draw_halves(11, 50, 3))
    assert (halves != draw_halves(11, 50, 4)).any()
    generator = np.random.default_rng(1)
    hits = 0
    for seed in range(100):
        rows = generator.exponential(size=80)
        halves = [rows[half].mean() for half in draw_halves(80, 200, seed)]
        low, high = Estimate.from_halves(rows.mean(), halves).interval
        hits += low <= 1 <= high
    assert 86 <= hits <= 99


def test_a_score_counts_from_real_to_eigenfaces():
    draws = np.array([0.9, 1.0, 1.1])
    real, eigenfaces = Estimate(1.0, draws), Estimate(5.0, draws + 4)
    assert normalized_score(real, real, eigenfaces).value == 0
    assert normalized_score(eigenfaces, real, eigenfaces).value == 1
    candidate = Estimate(3.0, np.array([1.9, 3.0, 4.1]))
    score = normalized_score(candidate, real, eigenfaces)
    assert score.value == 0.5
    np.testing.assert_allclose(score.draws, [0.25, 0.5, 0.75])
    # The luck of the reference cancels out.
    luck = np.random.default_rng(0).standard_normal(200)
    real, eigenfaces = Estimate(0, luck), Estimate(9, luck + 9)
    score = normalized_score(Estimate(3, luck + 3), real, eigenfaces)
    np.testing.assert_allclose(score.interval, (1 / 3, 1 / 3))
    # None where eigenfaces may be as good as real portraits.
    wide = np.linspace(-1, 1, 100)
    real, eigenfaces = Estimate(0.0, np.zeros(100)), Estimate(0.5, wide + 0.5)
    assert normalized_score(real, real, eigenfaces) is None


def slow_distance(a, b):
    def kernel(x, y):
        return (float(np.dot(x, y)) / len(x) + 1) ** 3

    def within(rows):
        pairs = itertools.permutations(rows, 2)
        return np.mean([kernel(x, y) for x, y in pairs])

    across = np.mean([kernel(x, y) for x in a for y in b])
    return within(a) + within(b) - 2 * across


def normal(count, size=8, seed=0):
    return np.random.default_rng(seed).standard_normal((count, size))


def test_the_kernel_distance_equals_its_definition_in_all_and_in_halves():
    a, b = normal(13, seed=0), normal(9, seed=1) + 0.5
    found = kernel_distance(a, b, num_draws=5, seed=7)
    assert found.value == pytest.approx(slow_distance(a, b))
    pairs = zip(draw_halves(13, 5, 7), draw_halves(9, 5, 7), strict=True)
    halves = np.array(
        [slow_distance(a[rows], b[others]) for rows, others in pairs]
    )
    draws = found.value + halves - np.mean(halves)
    np.testing.assert_allclose(found.draws, draws, atol=1e-9)


def test_tells_a_small_shift_from_none():
    a = normal(900, 64, seed=0)
    same = kernel_distance(normal(900, 64, seed=1), a)
    moved = kernel_distance(normal(900, 64, seed=2) + 0.1, a)
    assert same.interval[0] < 0 < same.interval[1]
    # Each kernel's mean is known for a normal distribution of variance 1.
    assert moved.value == pytest.approx(0.032, rel=0.25)
    assert moved.interval[0] > same.interval[1]


def test_pooled_draws_are_those_of_all_judges():
    first = Estimate(0.2, np.linspace(0.1, 0.3, 100))
    second = Estimate(0.6, np.linspace(0.5, 0.7, 100))
    both = pool([first, second])
    assert both.value == pytest.approx(0.4)
    # 2.5 % of all are 5 % of the lower ones, of the upper ones likewise.
    np.testing.assert_allclose(both.interval, (0.11, 0.69), atol=0.002)
    assert pool([first]).interval == first.interval


def describe(name="corners", scale=1.0, **candidates):
    made = {
        "real": normal(80, 4, 1),
        "generated": normal(120, 4, 2) + 0.3 * scale,
        "eigenfaces": normal(100, 4, 3) + 0.6,
        **candidates,
    }
    return Described(name, normal(90, 4, 0), made)


def measure(*spaces, **pooled):
    fields = measure_distances(spaces, pooled, seed=0)
    return [Record(**one) for one in fields]


def test_scores_are_made_of_the_kernel_distances():
    space = describe()
    records = measure(space)
    values = {
        name: kernel_distance(rows, space.reference).value
        for name, rows in space.candidates.items()
    }
    for name, rows in space.candidates.items():
        record = find_one(records, variant=f"{name} corners")
        assert record.metric == "normalized_kernel_distance"
        assert record.count == len(rows)
        place = values[name] - values["real"]
        length = values["eigenfaces"] - values["real"]
        assert record.value == pytest.approx(place / length)
    generated = find_one(records, variant="generated corners")
    assert 0 < generated.low < generated.value < generated.high < 1
    # There is none without a scale.
    records = measure(describe(eigenfaces=normal(100, 4, 3)))
    assert [record.value for record in records] == [None, None, None]
    with pytest.raises(UserError, match="Received: {'real': 19}"):
        measure(describe(real=normal(19, 4)))


def test_independent_judges_are_pooled_where_they_have_a_scale():
    blind = describe("blind", eigenfaces=normal(100, 4, 3))
    spaces = describe("a"), describe("b", scale=1.5), describe("judge"), blind
    records = measure(*spaces, independent=["a", "b", "blind"])
    a, b, both = (
        find_one(records, variant=f"generated {name}")
        for name in ("a", "b", "independent")
    )
    assert both.value == pytest.approx((a.value + b.value) / 2)
    assert a.low < both.low < b.low and a.high < both.high < b.high
    assert both.count == 120
    # Nor is there a mean of none.
    records = measure(*spaces, independent=["blind"])
    none = find_one(records, variant="generated independent")
    assert (none.value, none.low) == (None, None)
