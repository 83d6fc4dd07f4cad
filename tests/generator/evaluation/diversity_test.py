import numpy as np
import pytest

from tests.rounding import float32_error
from tp_keras import tasks
from tp_keras.generator.evaluation import diversity
from tp_keras.generator.evaluation.attributes import Cell

CELL = Cell(tasks.HAIR_COLOR, 1, 0)


def smooth(count, seed):
    """Portraits of large patches: MS-SSIM tells them apart."""
    generator = np.random.default_rng(seed)
    patches = generator.integers(0, 256, (count, 9, 7, 3), dtype=np.uint8)
    return patches.repeat(12, axis=1).repeat(12, axis=2)


def means(images):
    return np.asarray(images, np.float32).mean(axis=(1, 2))


def measure(made, real, min_count=5):
    found = diversity.measure_diversity(
        {CELL: made}, {CELL: real}, means, 20, min_count, seed=0
    )
    return {one["metric"]: one for one in found}


def test_as_diverse_as_real_ones():
    found = measure(smooth(40, 0), smooth(40, 1))
    for one in found.values():
        assert one["low"] < 1 < one["high"]
        assert one["count"] == 20
    assert (one["group"], one["class_name"]) == ("female", "brown")


def test_always_the_same_portrait():
    found = measure(smooth(1, 0).repeat(40, axis=0), smooth(40, 1))
    assert found["ms_ssim_diversity"]["value"] == pytest.approx(0, abs=1e-4)
    assert found["feature_diversity"]["value"] == 0


def test_too_few_real_portraits():
    found = measure(smooth(40, 0), smooth(4, 1))
    assert found["ms_ssim_diversity"]["value"] is None


def test_ms_ssim_agrees_with_its_definition():
    """At equal structure only the means differ: the luminance is left."""
    dark = np.full((1, 108, 84, 3), 10, np.uint8)
    light = np.full((1, 108, 84, 3), 15, np.uint8)
    constant = (0.01 * 255) ** 2
    luminance = (2 * 10 * 15 + constant) / (10**2 + 15**2 + constant)
    # It counts on the coarsest scale only, with that scale's weight.
    expected = 1 - luminance ** (0.3001 / 0.6305)
    found = diversity.ms_ssim_distances(dark, light)
    # A variance of 0 is the difference of two means of 11 x 11 squares, and is
    # held against (0.03 * 255)^2.
    error = 2 * float32_error(11 * 11, 15**2) / (0.03 * 255) ** 2
    np.testing.assert_allclose(found, expected, atol=error, rtol=0)
    assert error < expected / 500


def test_no_portrait_is_in_two_pairs():
    images = np.arange(41)[:, None, None, None]
    first, second = diversity._draw_pairs(images, 100, np.random.default_rng(0))
    seen = np.concatenate([first, second]).ravel()
    assert len(first) == 20 and len(set(seen)) == 40
