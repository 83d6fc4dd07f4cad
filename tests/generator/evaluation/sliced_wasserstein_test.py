import numpy as np
import pytest
import scipy.stats

from tp_keras.generator.evaluation import sliced_wasserstein as module
from tp_keras.generator.evaluation.references import blurred
from tp_keras.generator.evaluation.sliced_wasserstein import SlicedWasserstein
from tp_keras.generator.evaluation.sliced_wasserstein import laplacian_pyramid
from tp_keras.generator.evaluation.sliced_wasserstein import upsample


def noise(count=40, seed=0, shape=(40, 32, 3)):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, *shape), dtype=np.uint8)


def values(estimates):
    return np.array([estimate.value for estimate in estimates])


def test_the_levels_add_up_to_the_image():
    images = noise(2, shape=(27, 21, 3)).astype(np.float32)
    fine, middle, rest = laplacian_pyramid(images)
    assert [level.shape[1:3] for level in (fine, middle, rest)] == [
        (27, 21),
        (14, 11),
        (7, 6),
    ]
    middle = middle + upsample(rest, middle.shape[1:3])
    np.testing.assert_allclose(
        fine + upsample(middle, fine.shape[1:3]), images, atol=1e-3
    )


def test_a_plain_image_has_no_details():
    plain = np.full((1, 20, 16, 3), 99, np.float32)
    fine, middle, rest = laplacian_pyramid(plain)
    np.testing.assert_allclose(fine, 0, atol=1e-4)
    np.testing.assert_allclose(middle, 0, atol=1e-4)
    np.testing.assert_allclose(rest, 99, atol=1e-4)


def test_a_ramp_has_no_details_but_at_its_ends():
    ramp = np.broadcast_to(np.arange(32.0)[:, None, None], (1, 32, 16, 3))
    fine = laplacian_pyramid(ramp.astype(np.float32))[0]
    np.testing.assert_allclose(fine[:, 4:-4], 0, atol=1e-4)
    assert np.abs(fine).max() > 0.1


def test_equals_the_distances_of_sorted_projections():
    a, b = noise(seed=0), blurred(noise(seed=1), 0.7)
    distance = SlicedWasserstein(a)
    for part, mine, its, found in zip(
        distance._slices,
        distance._patches(b),
        distance._patches(a),
        distance(b),
        strict=True,
    ):
        projected = [
            (patches.reshape(-1, patches.shape[-1]) @ part.directions)
            / part.deviations
            for patches in (mine, its)
        ]
        slow = [
            scipy.stats.wasserstein_distance(x, y)
            for x, y in zip(*(x.T for x in projected), strict=True)
        ]
        assert found.value == pytest.approx(np.mean(slow), rel=0.03)


def test_is_zero_to_itself_and_small_to_its_like():
    distance = SlicedWasserstein(noise(seed=0))
    np.testing.assert_array_equal(values(distance(noise(seed=0))), 0)
    assert (values(distance(noise(seed=1))) < 0.25).all()


def test_blur_shows_in_the_fine_levels_and_a_tint_in_the_last():
    reference, other = noise(seed=0), noise(seed=1)
    distance = SlicedWasserstein(reference)
    blur = values(distance(blurred(other, 1.0)))
    assert blur[0] > 0.5 and blur[0] > blur[1] > blur[2]
    tint = values(distance((other * 0.5 + 100).astype(np.uint8)))
    shift = values(distance((other // 2 + 64).astype(np.uint8)))
    assert tint[2] > shift[2] and tint[0] == pytest.approx(shift[0], abs=0.01)


def test_levels_are_named_by_their_size():
    names = SlicedWasserstein(noise(shape=(108, 84, 3))).level_names
    assert names == ("108x84", "54x42", "27x21")


def test_a_draw_is_the_distance_of_halves(monkeypatch):
    a, b = noise(20, seed=0), blurred(noise(20, seed=1), 1.0)
    distance = SlicedWasserstein(a, num_draws=3, seed=5)
    kept = []
    monkeypatch.setattr(
        module.Estimate,
        "from_halves",
        lambda value, halves, least: kept.append(halves),
    )
    distance(b)
    half = module.draw_halves(20, 3, 5)[1]
    for part, patches, halves in zip(
        distance._slices, distance._patches(b), kept, strict=True
    ):
        own = part.count(patches[half]).mean(0)
        its = part.counts[half].mean(0)
        slow = module._distance(own[None], its[None])
        assert halves[1] == pytest.approx(slow[0], rel=1e-4)
