import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tp_keras.config import AugmentConfig
from tp_keras.data.augment import augment
from tp_keras.errors import UserError

NOTHING = AugmentConfig(
    flip=False, shift=0.0, zoom=0.0, rotation=0.0, brightness=0.0
)


def only(**kwargs):
    return AugmentConfig(
        **{
            "flip": False,
            "shift": 0.0,
            "zoom": 0.0,
            "rotation": 0.0,
            "brightness": 0.0,
            **kwargs,
        }
    )


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


def test_nothing_changes_nothing(images):
    np.testing.assert_array_equal(augment(images, (1, 2), NOTHING), images)


def test_flip_mirrors_about_half_of_the_images_left_to_right(images):
    changed = augment(tf.constant(images), (0, 0), only(flip=True)).numpy()
    same = (changed == images).all(axis=(1, 2, 3))
    mirrored = (changed == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (same ^ mirrored).all()
    assert 6 < mirrored.sum() < 26


def test_flip_never_swaps_colours(images):
    changed = augment(tf.constant(images), (0, 0), only(flip=True)).numpy()
    np.testing.assert_array_equal(
        changed.mean(axis=(1, 2)), images.mean(axis=(1, 2))
    )


def test_shift_moves_by_at_most_the_share(images):
    marked = np.zeros_like(images)
    marked[:, 54, 42] = 255
    changed = augment(tf.constant(marked), (3, 4), only(shift=0.1)).numpy()
    weights = changed[..., 0].astype(float)
    total = weights.sum(axis=(1, 2))
    y = (weights.sum(axis=2) * np.arange(108)).sum(axis=1) / total - 54
    x = (weights.sum(axis=1) * np.arange(84)).sum(axis=1) / total - 42
    assert np.abs(y).max() <= 10.8 + 0.5 and np.abs(x).max() <= 8.4 + 0.5
    assert np.abs(y).max() > 4 and np.abs(x).max() > 3
    assert np.std(y - x) > 1  # each axis has its own


def test_rotation_and_zoom_keep_the_centre(images):
    marked = np.zeros_like(images)
    marked[:, 52:56, 40:44] = 255
    config = only(rotation=20.0, zoom=0.2)
    changed = augment(tf.constant(marked), (5, 6), config).numpy()
    centre = changed[:, 53:55, 41:43].astype(int)
    assert centre.min() > 200


def test_rotation_turns_by_at_most_the_angle():
    bar = np.zeros((32, 108, 84, 3), np.uint8)
    bar[:, 10:98, 41:43] = 255
    config = only(rotation=10.0)
    turned = augment(tf.constant(bar), (7, 8), config).numpy()[..., 0]
    columns = np.arange(84)

    def column(row):
        weights = turned[:, row].astype(float) + 1e-9
        return (weights * columns).sum(axis=1) / weights.sum(axis=1)

    angles = np.degrees(np.arctan2(column(84) - column(24), 60))
    assert 4 < np.abs(angles).max() < 10.5
    assert angles.min() < 0 < angles.max()


def test_brightness_scales_all_channels_alike(images):
    dark = images // 2
    changed = augment(tf.constant(dark), (9, 9), only(brightness=0.3)).numpy()
    mask = dark > 60
    for before, after, m in zip(dark, changed, mask, strict=True):
        ratio = after[m] / before[m]
        assert ratio.min() > 0.68 and ratio.max() < 1.32
        assert ratio.max() - ratio.min() < 0.05


def test_the_seed_decides(images):
    x = tf.constant(images)
    first, again = augment(x, (1, 5)), augment(x, (1, 5))
    np.testing.assert_array_equal(first, again)
    assert (augment(x, (1, 6)) != first).numpy().mean() > 0.5


def test_eager_equals_graph(images):
    dataset = tf.data.Dataset.from_tensors(images).map(
        lambda x: augment(x, (3, 1))
    )
    # A graph may fuse operations: a few values fall on the other side of .5.
    graph, eager = next(iter(dataset)), augment(tf.constant(images), (3, 1))
    np.testing.assert_allclose(
        tf.cast(graph, tf.int32), tf.cast(eager, tf.int32), atol=1
    )


def test_impossible_settings_are_refused():
    with pytest.raises(UserError, match="Received: rotation=90"):
        AugmentConfig(rotation=90)
