import numpy as np
import pytest

from tests.generator.evaluation.made_generators import CopyingSampler
from tests.generator.evaluation.made_generators import MadeSampler
from tests.generator.evaluation.made_generators import make_splits
from tp_keras.generator.evaluation import memorization
from tp_keras.records import intervals


def measure(training, test, generated, unseen=None):
    found = memorization.measure_memorization(
        training, test, generated, unseen, "pixels", seed=0
    )
    return {(one["metric"], one["variant"]): one for one in found}


def faces(count, seed):
    """Rows of a mixture of blobs, as portraits in features are."""
    generator = np.random.default_rng(seed)
    centers = 4 * np.random.default_rng(99).normal(size=(5, 6))
    rows = centers[generator.integers(5, size=count)]
    return rows + generator.normal(size=(count, 6))


def test_independent_rows_are_no_copies():
    found = measure(*(faces(400, seed) for seed in range(4)))
    rare = found["nearer_than_1_percent", "generated pixels"]
    assert rare["value"] < 0.04
    assert abs(found["copying_score", "generated pixels"]["value"]) < 3
    assert found["nearer_test", "generated pixels"]["value"] > 0.01
    for name in ("generated", "real"):
        share = found["nearer_to_training", f"{name} pixels"]
        assert share["low"] < 0.5 < share["high"]


def test_copies_shout():
    training = faces(400, 0)
    noise = np.random.default_rng(5).normal(size=training.shape)
    found = measure(
        training, faces(400, 1), training + 0.01 * noise, faces(400, 3)
    )
    assert found["nearest_ratio", "generated pixels"]["value"] < 0.1
    assert found["nearer_than_1_percent", "generated pixels"]["low"] > 0.9
    assert found["authentic", "generated pixels"]["high"] < 0.1
    assert found["copying_score", "generated pixels"]["value"] < -3
    assert found["nearer_test", "generated pixels"]["value"] < 1e-6
    assert found["nearer_to_training", "generated pixels"]["low"] > 0.9
    assert found["nearer_to_training", "real pixels"]["low"] < 0.5


def test_smooth_rows_are_near_but_nearer_to_nobody():
    """Shrunken rows mislead the other figures, and share their neighbours."""
    held = []
    for seed in range(0, 40, 4):
        rows = [faces(300, seed + number) for number in range(4)]
        share = memorization._nearer_to_training(
            rows[0], rows[1], 0.7 * rows[2], {}
        )
        held.append(share["low"] <= 0.5 <= share["high"])
    assert sum(held) >= 9


def test_queries_that_share_a_neighbour_count_as_one():
    queries = np.repeat([[0.0], [10.0]], 50, axis=0)
    found = memorization._nearer_to_training(
        np.array([[1.0], [90.0]]), np.array([[5.5], [70.0]]), queries, {}
    )
    assert found["value"] == 0.5
    expected = intervals.wilson_interval(1, 2)
    assert (found["low"], found["high"]) == pytest.approx(expected)


def test_far_rows_score_above_three():
    training, test = faces(400, 0), faces(400, 1)
    far = faces(400, 2) + 3
    assert memorization.copying_score(training, test, far, seed=0) > 3


def test_authenticity_by_hand():
    training = np.array([[0.0], [1.0], [10.0]])
    # Nearer to its neighbour (0) than that is to the next (1); farther from
    # its neighbour (10) than nobody, as that is 9 from the next.
    generated = np.array([[-0.5], [12.0], [-3.0]])
    found = measure(training, np.array([[5.0], [2.0]]), generated)
    assert found["authentic", "generated pixels"]["value"] == pytest.approx(
        1 / 3
    )
    assert found["nearest_ratio", "generated pixels"]["value"] == (
        pytest.approx(2.0 / 2.5)
    )
    assert found["copying_score", "generated pixels"]["value"] is None


def test_neighbours_by_hand():
    training = np.array([[0.0, 0.0], [3.0, 4.0]])
    found = memorization.nearest(training, np.array([[3.0, 3.0]]))
    assert (found.distances[0], found.rows[0]) == (1.0, 1)
    # A training row isn't its own neighbour.
    np.testing.assert_allclose(
        memorization.nearest(training, None).distances, 5.0
    )


def test_pixels_of_the_middle():
    images = np.zeros((1, 108, 84, 3), np.uint8)
    images[:, 34:74, 22:62] = 255
    crop = memorization.central_crop(images)
    assert crop.shape == (1, 4800)
    assert crop.min() == crop.max() == 1.0


def test_portraits_copied_pixel_by_pixel_are_found():
    training, _, test, unseen = make_splits(60)
    crops = [
        memorization.central_crop(images)
        for images in (training.images, test.images, unseen.images)
    ]
    for sampler, copies in (
        (MadeSampler(), False),
        (CopyingSampler(training), True),
    ):
        made = memorization.central_crop(sampler.generate(test.labels, seed=0))
        found = measure(crops[0], crops[1], made, crops[2])
        share = found["nearer_than_1_percent", "generated pixels"]["value"]
        assert (share > 0.9) == copies
