import numpy as np
import pytest

from tp_keras.generator.evaluation import memorization
from tp_keras.records import intervals


def faces(count, seed):
    """Rows of a mixture of blobs, as portraits in features are."""
    generator = np.random.default_rng(seed)
    centers = 4 * np.random.default_rng(99).normal(size=(5, 6))
    rows = centers[generator.integers(5, size=count)]
    return rows + generator.normal(size=(count, 6))


def preference(training, unseen, test, generated):
    found = memorization.measure_preference(
        training, unseen, test, generated, "pixels"
    )
    return {one["variant"]: one for one in found}


def test_copies_shout_and_independent_rows_do_not():
    training, test, made, unseen = (faces(400, seed) for seed in range(4))
    near = memorization.measure_nearness(training, test, made, "pixels")
    assert near["value"] < 0.04
    assert near["variant"] == "generated pixels"
    for share in preference(training, unseen, test, made).values():
        assert share["low"] < 0.5 < share["high"]
    noise = np.random.default_rng(5).normal(size=training.shape)
    made = training + 0.01 * noise
    near = memorization.measure_nearness(training, test, made, "pixels")
    assert near["low"] > 0.9
    shares = preference(training, unseen, test, made)
    assert shares["generated pixels"]["low"] > 0.9
    assert shares["real pixels"]["low"] < 0.5


def test_smooth_rows_are_near_but_nearer_to_nobody():
    # Shrunken rows mislead the other figure, and share their neighbours.
    held = []
    for seed in range(0, 40, 4):
        rows = [faces(300, seed + number) for number in range(3)]
        shares = preference(rows[0], rows[1], rows[2], 0.7 * rows[2])
        share = shares["generated pixels"]
        held.append(share["low"] <= 0.5 <= share["high"])
    assert sum(held) >= 9


def test_queries_that_share_a_neighbour_count_as_one():
    queries = np.repeat([[0.0], [10.0]], 50, axis=0)
    # The third unseen row would be nearer: one of two is compared with two.
    found = preference(
        np.array([[1.0], [90.0]]),
        np.array([[5.5], [70.0], [0.0]]),
        queries,
        queries,
    )["generated pixels"]
    assert found["value"] == 0.5
    expected = intervals.wilson_interval(1, 2)
    assert (found["low"], found["high"]) == pytest.approx(expected)


def test_neighbours_and_pixels_of_the_middle_by_hand():
    training = np.array([[0.0, 0.0], [3.0, 4.0]])
    distances, rows = memorization.nearest(training, np.array([[3.0, 3.0]]))
    assert (distances[0], rows[0]) == (1.0, 1)
    images = np.zeros((1, 108, 84, 3), np.uint8)
    images[:, 34:74, 22:62] = 255
    crop = memorization.central_crop(images)
    assert crop.shape == (1, 4800)
    assert crop.min() == crop.max() == 1.0
