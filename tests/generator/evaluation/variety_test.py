import numpy as np
import pytest

from tp_keras.generator.evaluation.distances import Described
from tp_keras.generator.evaluation.variety import ball_radii
from tp_keras.generator.evaluation.variety import measure_cell_variety
from tp_keras.generator.evaluation.variety import measure_coverage
from tp_keras.records.record import Record
from tp_keras.records.record import find_one


def normal(count, size=8, seed=0):
    return np.random.default_rng(seed).standard_normal((count, size))


def test_balls_reach_to_the_kth_neighbour():
    line = np.array([[0.0], [1.0], [3.0], [7.0]])
    np.testing.assert_array_equal(ball_radii(line, k=1), [1, 1, 2, 4])
    np.testing.assert_array_equal(ball_radii(line, k=2), [3, 2, 3, 6])


def measure(*spaces, **pooled):
    fields = measure_coverage(spaces, pooled, seed=0)
    return [Record(**one) for one in fields]


def test_coverage_of_the_same_portraits_of_one_and_of_others():
    real = normal(200)
    space = Described(
        "judge",
        real,
        {
            "real": normal(200, seed=1),
            "same": real,
            "one": np.repeat(real[:1], 200, axis=0),
            "far": real + 99,
            # Fewer, and another kind of figure: no size for all the others.
            "reconstructions": real[:20],
        },
    )
    records = measure(space)

    def value(metric, name):
        return find_one(records, metric=metric, variant=f"{name} judge").value

    assert value("coverage", "same") == 1
    # A row lies in its own ball, in those of its five neighbours at least one.
    assert value("density", "same") == pytest.approx(1 + 1 / 5)
    apart = np.linalg.norm(real - real[0], axis=1)
    holds = (apart <= ball_radii(real)).sum()
    assert value("coverage", "one") == holds / 200
    assert value("density", "one") == pytest.approx(holds / 5)
    assert value("coverage", "far") == value("density", "far") == 0
    # Expected of as many of the same distribution: 1 - 1 / 2 ** 5.
    assert value("coverage", "real") == pytest.approx(31 / 32, abs=0.03)
    assert value("density", "real") == pytest.approx(1, abs=0.2)
    for record in records:
        assert record.low <= record.value <= record.high
        assert record.count == 200 and "recon" not in record.variant


def test_all_candidates_have_as_many_portraits_as_the_fewest():
    real = normal(200)
    made = {"few": real[:40], "many": real}
    few, many = (
        find_one(measure(Described("a", real, made)), **criteria)
        for criteria in (
            {"metric": "coverage", "variant": "few a"},
            {"metric": "coverage", "variant": "many a"},
        )
    )
    assert abs(few.value - many.value) < 0.2 and many.value < 0.95


def test_coverage_of_several_judges_is_their_mean():
    real = normal(100)
    near = Described("a", real, {"generated": real})
    far = Described("b", real, {"generated": real + 99})
    records = measure(near, far, independent=["a", "b"])
    where = {"variant": "generated independent"}
    both = find_one(records, metric="coverage", **where)
    assert both.value == 0.5 and 0.39 < both.low < 0.42
    assert find_one(records, metric="density", **where).value == pytest.approx(
        0.6
    )


def test_cells_are_as_various_as_real_ones_or_less():
    same = [(normal(200, seed=1), normal(60, seed=2))] * 2
    half = [(normal(200, seed=1) / 2, normal(60, seed=2)), same[0]]
    # Two portraits again and again are apart in half of all pairs.
    twice = np.repeat(normal(2, seed=3), 50, axis=0)
    cells = {"old": same, "young": half, "none": [(twice, twice * 2)] * 2}
    fields = measure_cell_variety(cells, "judge", seed=0)
    records = [Record(**one) for one in fields]
    values = {
        record.class_name: record.value
        for record in records
        if record.metric == "cell_diversity"
    }
    assert values["old"] == pytest.approx(1, abs=0.05)
    assert values["young"] == pytest.approx(0.75 * values["old"], abs=1e-9)
    assert values["none"] == pytest.approx(0.5)
    lowest = find_one(records, metric="lowest_cell_diversity")
    assert (lowest.class_name, lowest.value) == ("none", values["none"])
    mean = find_one(records, metric="mean_cell_diversity")
    assert mean.value == pytest.approx(np.mean([*values.values()]))
    assert mean.low < mean.value < mean.high
    assert (mean.count, lowest.count) == (500, 100)
    # By hand: the pairs on a line are 1, 3, 7, 2, 6 and 4 apart, 23 / 6 in
    # the mean, and those of the corners of a square 1, or its root of 2.
    line = np.array([[0.0], [1.0], [3.0], [7.0]])
    square = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])
    (record, *_) = measure_cell_variety({"c": [(line, square)]}, "j", 0)
    expected = 23 / (4 + 2 * np.sqrt(2))
    assert record["value"] == pytest.approx(expected)
    assert not list(measure_cell_variety({}, "judge", 0))
