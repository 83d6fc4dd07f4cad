import dataclasses
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tp_keras.config import AugmentConfig
from tp_keras.data import augment as augment_module
from tp_keras.data.augment import augment
from tp_keras.data.augment import warp

NOTHING = {
    field.name: 0.0
    for field in dataclasses.fields(AugmentConfig)
    if field.name != "flip"
}


def only(**kwargs):
    return AugmentConfig(**{"flip": False, **NOTHING, **kwargs})


@pytest.fixture
def images():
    """Smooth pictures, so that interpolation errs little."""
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (32, 9, 7, 3), dtype=np.uint8)
    return np.stack(
        [
            np.asarray(Image.fromarray(x).resize((84, 108), Image.BICUBIC))
            for x in small
        ]
    )


def test_flip_mirrors_about_half_of_the_images_left_to_right(images):
    np.testing.assert_array_equal(augment(images, (1, 2), only()), images)
    changed = augment(images, (0, 0), only(flip=True))
    # One setting never moves another.
    both = augment(images, (0, 0), only(flip=True, brightness=1e-9))
    np.testing.assert_array_equal(changed, both)
    same = (changed == images).all(axis=(1, 2, 3))
    mirrored = (changed == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (same ^ mirrored).all()
    assert 6 < mirrored.sum() < 26


def test_shift_moves_by_at_most_the_share(images):
    marked = np.zeros_like(images)
    marked[:, 54, 42] = 255
    changed = augment(marked, (3, 4), only(shift=0.1))
    weights = changed[..., 0].astype(float)
    total = weights.sum(axis=(1, 2))
    y = weights.sum(axis=2) @ np.arange(108) / total - 54
    x = weights.sum(axis=1) @ np.arange(84) / total - 42
    assert np.abs(y).max() <= 10.8 + 0.5 and np.abs(x).max() <= 8.4 + 0.5
    assert np.abs(y).max() > 4 and np.abs(x).max() > 3
    assert np.std(y - x) > 1  # each axis has its own


def test_rotation_and_zoom_keep_the_centre(images):
    marked = np.zeros_like(images)
    marked[:, 52:56, 40:44] = 255
    config = only(rotation=20.0, zoom=0.2)
    changed = augment(marked, (5, 6), config)
    centre = changed[:, 53:55, 41:43].astype(int)
    assert centre.min() > 200


def test_rotation_turns_by_at_most_the_angle():
    bar = np.zeros((32, 108, 84, 3), np.uint8)
    bar[:, 10:98, 41:43] = 255
    config = only(rotation=10.0)
    turned = augment(bar, (7, 8), config)[..., 0]
    columns = np.arange(84)

    def column(row):
        weights = turned[:, row].astype(float) + 1e-9
        return (weights * columns).sum(axis=1) / weights.sum(axis=1)

    angles = np.degrees(np.arctan2(column(84) - column(24), 60))
    assert 4 < np.abs(angles).max() < 10.5
    assert angles.min() < 0 < angles.max()


def test_brightness_scales_all_channels_alike(images):
    dark = images // 2
    changed = augment(dark, (9, 9), only(brightness=0.3))
    mask = dark > 60
    for before, after, m in zip(dark, changed, mask, strict=True):
        ratio = after[m] / before[m]
        assert ratio.min() > 0.68 and ratio.max() < 1.32
        assert ratio.max() - ratio.min() < 0.05


def test_the_seed_decides(images):
    first, again = augment(images, (1, 5)), augment(images, (1, 5))
    np.testing.assert_array_equal(first, again)
    assert (augment(images, (1, 6)) != first).mean() > 0.5


def test_warp_agrees_with_tensorflow(images):
    """A second road: the same affine maps by another library."""
    config = only(flip=True, shift=0.1, zoom=0.2, rotation=15.0)
    with mock.patch.object(augment_module, "warp", wraps=warp) as warped:
        ours = augment(images, (3, 1), config)
    rows = warped.call_args.args[1].reshape(len(images), 6)
    theirs = tf.raw_ops.ImageProjectiveTransformV3(
        images=images.astype("float32"),
        transforms=np.pad(rows, ((0, 0), (0, 2))).astype("float32"),
        output_shape=images.shape[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )
    # OpenCV 5 interpolates at the exact position (4 took 32nds of a pixel):
    # what is left is its rounding to whole levels, and float32.
    difference = np.abs(ours.astype(float) - theirs.numpy())
    assert difference.max() < 0.51


def test_contrast_spreads_about_the_mean(images):
    calm = (images // 2 + 64).astype(np.uint8)
    changed = augment(calm, (4, 4), only(contrast=0.5))
    spread = changed.std(axis=(1, 2, 3)) / calm.std(axis=(1, 2, 3))
    assert 0.49 < spread.min() < 0.8 and 1.2 < spread.max() < 1.51
    means = changed.mean(axis=(1, 2, 3)) - calm.mean(axis=(1, 2, 3))
    assert np.abs(means).max() < 1.0


def test_contrast_leaves_black_black(images):
    dark = (images // 8).astype(np.uint8)
    dark[:, :54] = 200
    changed = augment(dark, (4, 4), only(contrast=0.5))
    # A line through the mean, clipped: what is darker stays darker.
    for before, after in zip(dark, changed, strict=True):
        levels = [after[before == level] for level in np.unique(before)]
        assert all((level == level[0]).all() for level in levels)
        assert (np.diff([int(level[0]) for level in levels]) >= 0).all()
    assert (changed == 0).any(axis=(1, 2, 3)).sum() > 8


def test_erasing_paints_one_rectangle_on_its_share_of_the_images():
    noise = np.random.default_rng(0).integers(0, 256, (200, 108, 84, 3))
    noise = noise.astype(np.uint8)
    changed = augment(noise, (5, 5), only(erasing=0.5)) != noise
    touched = changed.any(axis=(1, 2, 3))
    assert 70 < touched.sum() < 130
    for mask in changed[touched].any(axis=-1):
        rows, columns = np.nonzero(mask)
        height = rows.max() - rows.min() + 1
        width = columns.max() - columns.min() + 1
        # Painted over: nearly every pixel of the rectangle differs.
        assert mask.sum() > 0.9 * height * width
        assert height <= 0.4 * 108 + 1 and width <= 0.4 * 84 + 1


def test_closeups_are_up_to_twice_as_close():
    marked = np.zeros((200, 108, 84, 3), np.uint8)
    marked[:, 44:64, 32:52] = 255
    changed = augment(marked, (6, 6), only(closeup=0.5, zoom=0.0))
    area = (changed[..., 0] > 127).sum(axis=(1, 2)) / 400
    closer = area > 1.01
    assert 70 < closer.sum() < 130
    assert (area[~closer] == 1.0).all()
    assert area.max() < 4.1 and np.quantile(area[closer], 0.9) > 3.0
    # About the centre, in the proportions that it has.
    corners = [np.argwhere(image[..., 0] > 127) for image in changed[closer]]
    heights, widths = np.array([np.ptp(c, axis=0) + 1 for c in corners]).T
    assert np.abs(heights - widths).max() <= 1
    middles = np.array([c.mean(0) for c in corners])
    assert np.abs(middles - [53.5, 41.5]).max() < 0.6


def test_blur_takes_detail_and_no_light_from_its_share():
    noise = np.random.default_rng(0).integers(0, 256, (200, 108, 84, 3))
    noise = noise.astype(np.uint8)
    changed = augment(noise, (8, 8), only(blur=0.5))
    blurred = (changed != noise).any(axis=(1, 2, 3))
    assert 70 < blurred.sum() < 130
    left = changed[blurred].std(axis=(1, 2, 3)) / noise.std()
    # White noise loses what a Gaussian of that width averages out.
    assert 0.13 < left.min() < 0.25 and 0.5 < left.max() < 1.0
    means = changed[blurred].mean(axis=(1, 2)) - noise[blurred].mean((1, 2))
    assert np.abs(means).max() < 2.0


def test_a_cast_scales_each_channel_by_itself(images):
    dark = images // 2 + 20
    changed = augment(dark, (9, 9), only(cast=0.2))
    ratios = changed.mean(axis=(1, 2)) / dark.mean(axis=(1, 2))
    assert 0.79 < ratios.min() < 0.85 and 1.15 < ratios.max() < 1.21
    # Three channels of a portrait are as far apart as those of any two.
    assert np.abs(np.corrcoef(ratios.T)[np.triu_indices(3, 1)]).max() < 0.5
    for before, after, ratio in zip(dark, changed, ratios, strict=True):
        assert np.abs(before * ratio - after).max() < 1.5


def by_colour(rgb, count=200):
    return np.tile(np.uint8(rgb), (count, 108, 84, 1))


def test_hues_turn_about_grey_by_at_most_the_angle():
    colour = [150, 100, 90]
    changed = augment(by_colour(colour), (2, 9), only(hue=60.0))
    assert (changed == changed[:, :1, :1]).all()
    found = changed[:, 0, 0].astype(float)
    # The way to grey is as long as before, and its direction another.
    away = found - found.mean(1, keepdims=True)
    first = np.subtract(colour, np.mean(colour))
    length = np.linalg.norm(first)
    np.testing.assert_allclose(np.linalg.norm(away, axis=1), length, atol=1.5)
    np.testing.assert_allclose(found.mean(1), np.mean(colour), atol=1.0)
    angles = np.degrees(np.arccos(np.clip(away @ first / length**2, -1, 1)))
    assert 55 < angles.max() < 63 and np.abs(np.median(angles) - 30) < 6
    # To both sides.
    side = np.sign(np.cross(first, away) @ np.ones(3))
    assert 60 < (side > 0).sum() < 140
    # Grey has no hue to turn.
    grey = by_colour([90, 90, 90], 8)
    np.testing.assert_array_equal(augment(grey, (2, 9), only(hue=180.0)), grey)


def test_red_becomes_green_by_a_third_of_a_turn():
    matrix = augment_module._colour_matrix(np.radians(120), 1.0)
    np.testing.assert_allclose(matrix @ [200, 0, 0], [0, 200, 0], atol=1e-9)


def test_saturation_draws_colours_to_their_grey_and_away_from_it():
    colour = [150, 100, 90]
    changed = augment(by_colour(colour), (4, 4), only(saturation=0.5))
    found = changed[:, 0, 0].astype(float)
    grey = np.dot(colour, [0.299, 0.587, 0.114])
    factors = (found - grey) / np.subtract(colour, grey)
    assert 0.45 < factors[:, 0].min() < 0.6 < 1.4 < factors[:, 0].max() < 1.55
    np.testing.assert_allclose(factors[:, 0], factors[:, 2], atol=0.08)


def test_grey_takes_all_colour_from_its_share():
    colour = [150, 100, 90]
    changed = augment(by_colour(colour), (4, 4), only(grey=0.3))
    lost = (changed == round(np.dot(colour, [0.299, 0.587, 0.114]))).all(
        axis=(1, 2, 3)
    )
    assert 40 < lost.sum() < 80
    np.testing.assert_array_equal(changed[~lost], by_colour(colour)[~lost])


def test_a_bar_covers_the_eyes_of_a_share(images):
    many = np.tile(images, (4, 1, 1, 1))
    changed = augment(many, (5, 5), only(covered_eyes=0.5))
    differs = (changed != many).any(-1)
    covered = differs.any(axis=(1, 2))
    assert 40 < covered.sum() < 88
    rows, columns = differs.any(axis=(0, 2)), differs.any(axis=(0, 1))
    assert np.flatnonzero(rows)[[0, -1]].tolist() == [38, 59]
    assert np.flatnonzero(columns)[[0, -1]].tolist() == [12, 70]
    for before, after in zip(many[covered], changed[covered], strict=True):
        bar = after[38:60, 12:71].reshape(-1, 3)
        assert np.abs(bar - before.mean((0, 1))).max() <= 1


def test_rows_of_a_read_only_mapped_file(images, tmp_path):
    np.save(tmp_path / "images.npy", images)
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    rows = np.array([5, 0, 5])
    found = augment(mapped, (7, 7), rows=rows)
    np.testing.assert_array_equal(found, augment(images[rows], (7, 7)))
    assert (mapped == images).all()
