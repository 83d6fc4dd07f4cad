import dataclasses

import numpy as np
import pytest

from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.generator.evaluation.candidates import EigenfaceSampler
from tp_keras.generator.evaluation.candidates import blurred
from tp_keras.generator.evaluation.candidates import mixed

SHAPE = (6, 5, 3)


def test_blur_spreads_a_point_as_a_gaussian():
    image = np.zeros((1, 21, 21, 3), np.uint8)
    image[0, 10, 10, 1] = 255
    result = blurred(image, 1.0)
    assert result.dtype == np.uint8
    # The density of a Gaussian of deviation 1 at its mean, and a step beside.
    assert result[0, 10, 10, 1] == round(255 / (2 * np.pi))
    assert result[0, 10, 11, 1] == round(255 / (2 * np.pi) * np.exp(-0.5))
    assert not result[..., 0].any() and not result[..., 2].any()
    # Plain images and their neighbours are left alone.
    images = np.stack([np.full((9, 8, 3), value) for value in (0, 255, 77)])
    images = images.astype(np.uint8)
    np.testing.assert_array_equal(blurred(images, 2.0), images)


def test_mixtures_are_means_of_pairs_of_one_cell():
    portraits = make_portraits(5)
    # Each a power of two, so that a mean tells its pair.
    levels = 2 ** np.arange(5) * 4
    images = np.zeros((5, *SHAPE), np.uint8) + levels[:, None, None, None]
    labels = dict.fromkeys(portraits.schema.conditions, np.zeros(5, int))
    labels["hair_type"] = np.array([0, 0, -1, -1, 1])
    portraits = dataclasses.replace(
        portraits, images=images.astype(np.uint8), labels=labels
    )
    rows = np.array([0, 1, 2, 4, 4, 4, 4])
    found = mixed(portraits, rows, np.random.default_rng(0))
    assert found.dtype == np.uint8 and found.shape == (7, *SHAPE)
    assert (found == found[:, :1, :1, :1]).all()
    means = found[:, 0, 0, 0].tolist()
    assert means[:3] == [6, 6, 24]
    # That which is alone gets any other, and never itself.
    assert set(means[3:]) <= {34, 36, 40, 48} and len(set(means[3:])) > 1


def make_cells(count=3000, seed=0):
    """Grey images around a level that the gender decides, with a pattern."""
    generator = np.random.default_rng(seed)
    genders = generator.integers(2, size=count)
    strength = generator.standard_normal((count, 6)) * (1 + genders[:, None])
    patterns = np.random.default_rng(9).standard_normal((6, *SHAPE)) * 3
    images = 90 + 20 * genders[:, None, None, None]
    images = images + np.einsum("nk,khwc->nhwc", strength, patterns)
    labels = {
        "gender": genders.astype(np.int32),
        "hair_color": np.zeros(count, np.int32),
        "hair_type": np.full(count, -1, np.int32),
    }
    images = np.rint(images).clip(0, 255).astype(np.uint8)
    return dataclasses.replace(make_portraits(1), images=images, labels=labels)


def test_samples_have_the_moments_of_their_cell():
    portraits = make_cells()
    sampler = EigenfaceSampler(portraits, components=7)
    samples = sampler.sample(portraits.labels, seed=1)
    assert samples.shape == portraits.images.shape
    assert samples.dtype == np.uint8
    for gender in range(2):
        rows = portraits.labels["gender"] == gender
        real, made = (
            part[rows].reshape(rows.sum(), -1).astype(float)
            for part in (portraits.images, samples)
        )
        # The signs of the directions, and so the draws, are the processor's.
        error = made.std(0) / np.sqrt(len(made))
        assert (np.abs(made.mean(0) - real.mean(0)) < 5 * error).all()
        expected = np.cov(real.T)
        difference = np.linalg.norm(np.cov(made.T) - expected)
        assert difference < 0.15 * np.linalg.norm(expected)


def test_a_seed_decides_the_samples():
    portraits = make_cells(300)
    # Noise has no first components: the approximation finds what it will.
    images = np.random.default_rng(0).integers(0, 256, (300, *SHAPE))
    portraits = dataclasses.replace(portraits, images=images.astype(np.uint8))
    sampler = EigenfaceSampler(portraits, components=7)
    first = sampler.sample(portraits.labels, seed=1)
    np.testing.assert_array_equal(first, sampler.sample(portraits.labels, 1))
    assert (first != sampler.sample(portraits.labels, seed=2)).any()
    again = EigenfaceSampler(portraits, components=7)
    np.testing.assert_array_equal(first, again.sample(portraits.labels, seed=1))


def test_small_cells_take_coarser_ones():
    portraits = make_cells(300)
    labels = portraits.labels
    labels["gender"][:] = 0
    labels["hair_type"][:100] = 1
    labels["hair_color"][:10] = 3
    labels["gender"][:5] = 1
    sampler = EigenfaceSampler(portraits, components=7)
    for labels, cell in (
        ([0, 0, 1], (0, 0, 1)),
        ([0, 0, -1], (0, 0, -1)),
        # No row at all, ten rows, five rows.
        ([0, 0, 2], (0, 0)),
        ([0, 3, 1], (0,)),
        ([1, 3, 1], ()),
    ):
        assert sampler.cell_of(labels) == cell
    asked = {"gender": [1], "hair_color": [3], "hair_type": [1]}
    assert sampler.sample(asked, seed=0).shape == (1, *SHAPE)
    with pytest.raises(UserError, match="Received: 64 portraits"):
        EigenfaceSampler(make_cells(64))
