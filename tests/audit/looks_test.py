import cv2
import numpy as np
import pytest

from tests.audit.picture_sets import set_of
from tp_keras.audit import looks as looks_module
from tp_keras.audit.looks import STATISTICS
from tp_keras.audit.looks import measure_looks

HEIGHT, WIDTH = 64, 48


def plain(color):
    return np.full((HEIGHT, WIDTH, 3), color, np.uint8)


def statistics_of(*images):
    found = measure_looks(set_of(images)).statistics
    assert list(found) == list(STATISTICS)
    assert all(values.dtype == np.float32 for values in found.values())
    return found


def test_a_plain_picture_by_hand():
    found = statistics_of(plain((255, 0, 102)))
    wanted = dict.fromkeys(STATISTICS, 0.0) | {
        # 76.2 + 11.6 of 255.
        "brightness": 88 / 255,
        "saturation": 1.0,
        "colorfulness": 0.3 * np.hypot(1.0, 0.1),
        "redness": 1.0,
        "yellowness": 0.1,
        "repeated_lines": 1.0,
        "border_brightness": 0.299 + 0.114 * 0.4,
        "border_redness": 1.0,
        "border_yellowness": 0.1,
    }
    assert {name: found[name][0] for name in found} == pytest.approx(
        wanted, abs=1e-5
    )


def test_exposure_and_contrast_by_hand():
    image = plain(0)
    image[: HEIGHT // 4] = 255
    found = statistics_of(image)
    assert found["dark"] == pytest.approx(0.75)
    assert found["bright"] == pytest.approx(0.25)
    assert found["brightness"] == pytest.approx(0.25)
    assert found["contrast"] == pytest.approx(np.sqrt(0.25 * 0.75))
    assert found["saturation"] == 0
    assert found["repeated_lines"] == 1  # All columns do.


def test_lines_are_repeated_where_a_picture_was_cut():
    image = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3))
    image[HEIGHT // 2 :] = image[HEIGHT // 2]
    found = statistics_of(image)["repeated_lines"]
    assert found == pytest.approx((HEIGHT // 2 - 1) / (HEIGHT - 1))


def test_the_border_is_not_the_middle():
    image = plain((0, 0, 255))
    image[8:-8, 8:-8] = (255, 255, 0)
    found = statistics_of(image)
    assert found["border_yellowness"] == pytest.approx(-1)
    assert found["border_contrast"] == pytest.approx(0, abs=1e-6)
    assert found["yellowness"][0] == pytest.approx(2 * 48 * 32 / (64 * 48) - 1)


def test_noise_is_the_spread_that_was_added():
    rng = np.random.default_rng(0)
    slope = np.linspace(60, 190, WIDTH)[None, :, None] * np.ones((HEIGHT, 1, 3))
    noises = [rng.normal(0, sigma, (HEIGHT, WIDTH, 1)) for sigma in (0, 4, 16)]
    found = statistics_of(*[slope + noise for noise in noises])
    # The quarter that is smoother lies a bit below the mean.
    assert found["noise"][0] < 0.3 / 255
    assert found["noise"][1:] * 255 == pytest.approx([4, 16], rel=0.2)


def test_stripes_count_in_both_directions_and_noise_hardly():
    lying, standing = plain(100), plain(100)
    lying[::2], standing[:, ::2] = 140, 140
    noise = np.random.default_rng(0).normal(120, 20, lying.shape)
    found = statistics_of(lying, standing, noise, plain(120))["stripes"]
    # Each line lies 40 above both neighbours, or below.
    assert found[:2] * 255 == pytest.approx(80, rel=1e-3)
    assert found[2] * 255 < 10 and found[3] == 0


def test_blur_lowers_sharpness_and_contrast_does_not():
    rng = np.random.default_rng(0)
    sharp = rng.integers(50, 200, (HEIGHT, WIDTH, 3)).astype(np.float32)
    faint = (sharp - 125) / 3 + 125
    found = statistics_of(sharp, faint, cv2.GaussianBlur(sharp, None, 2))
    first, second, blurred = found["sharpness"]
    assert second == pytest.approx(first, rel=0.05)
    assert blurred < first / 5


def test_all_at_once_is_each_alone(monkeypatch):
    """So no picture sees its neighbours, whatever the batch and the thread."""
    monkeypatch.setattr(looks_module, "_BATCH_SIZE", 3)
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (11, 54, 70, 3)).astype(np.uint8)
    together = measure_looks(set_of(images, ("train", "test")))
    assert together.thumbnails.shape == (11, 25, 32, 3)
    for row, image in enumerate(images):
        alone = measure_looks(set_of(image[None]))
        small = cv2.resize(image, (32, 25), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(together.thumbnails[row], small)
        for name in set(STATISTICS) - {"noise"}:
            assert together.statistics[name][row] == pytest.approx(
                alone.statistics[name][0], abs=1e-6
            )
        # The kernel of noise reaches one row into the neighbour.
        assert together.statistics["noise"][row] == pytest.approx(
            alone.statistics["noise"][0], rel=0.05
        )


@pytest.mark.parametrize("size", [(5, 7), (9, 6), (32, 32)])
def test_pictures_smaller_than_a_thumbnail_stay_as_they_are(size):
    images = np.random.default_rng(0).integers(0, 256, (2, *size, 3))
    looks = measure_looks(set_of(images))
    np.testing.assert_array_equal(looks.thumbnails, images)
    for values in looks.statistics.values():
        assert np.isfinite(values).all()
