import keras
import numpy as np
import pytest

from tests.made_runs import make_classifier
from tests.portrait_factory import make_portraits
from tp_keras.pretraining import features


def test_features_are_the_means_of_the_map():
    backbone = make_classifier().backbone
    images = make_portraits(3).images
    found = features.pooled_features(backbone, images)
    maps = backbone.predict(images, verbose=0)
    np.testing.assert_allclose(found, maps.mean((1, 2)), rtol=1e-5)
    assert found.dtype == np.float32 and isinstance(backbone, keras.Model)


def test_effective_rank_by_hand():
    # Singular values of 2 and 1 about the mean: shares of 2/3 and 1/3.
    points = np.array([[2.0, 0], [-2, 0], [0, 1], [0, -1]]) + [5.0, -3]
    shares = np.array([2 / 3, 1 / 3])
    expected = np.exp(-(shares * np.log(shares)).sum())
    assert features.effective_rank(points) == pytest.approx(expected)
    line = np.outer(np.arange(5.0), [1.0, 2, 3])
    assert features.effective_rank(line) == pytest.approx(1.0, abs=1e-6)
    assert features.effective_rank(np.ones((4, 2))) == 1.0


def make_points(count=60, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count)
    angles = 2 * labels + rng.normal(scale=0.2, size=count)
    points = np.stack([np.cos(angles), np.sin(angles)], 1)
    return points * rng.uniform(1, 9, (count, 1)), labels


def test_neighbours_are_those_by_angle():
    points, labels = make_points()
    asked, expected = make_points(seed=1)
    found = features.nearest(points, labels, asked)
    assert (found == expected).mean() > 0.9
    # Length tells nothing.
    np.testing.assert_array_equal(
        features.nearest(points, labels, 7 * asked), found
    )
    # With few known ones all of them are asked.
    assert set(features.nearest(points[:2], labels[:2], asked)) <= set(
        labels[:2]
    )


def test_a_linear_probe_reads_what_is_linear_and_no_more():
    points, labels = make_points()
    asked, expected = make_points(seed=1)
    held, known = make_points(seed=2)
    found = features.linear(points, labels, asked, held, known)
    assert (found == expected).mean() > 0.9
    shuffled = np.random.default_rng(3).permutation(labels)
    found = features.linear(points, shuffled, asked, held, known)
    assert (found == expected).mean() < 0.6
