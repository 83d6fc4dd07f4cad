import keras
import numpy as np
import pytest
import tensorflow as tf

from tp_keras.generator.model.safe_changes import change
from tp_keras.generator.model.safe_changes import draw_changes

NOTHING = {
    "brightness": 0.0,
    "contrast": 1.0,
    "down": 0.0,
    "right": 0.0,
    "row": 0.5,
    "column": 0.5,
    "covered": 0.0,
}


def changed(pictures, **changes):
    values = {
        name: keras.ops.full((len(pictures),), value, "float32")
        for name, value in {**NOTHING, **changes}.items()
    }
    return np.asarray(change(keras.ops.convert_to_tensor(pictures), values))


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, (3, 16, 24, 3)).astype(np.float32)


def test_nothing_changes_nothing(pictures):
    np.testing.assert_allclose(changed(pictures), pictures, atol=1e-6)


def test_light_is_the_same_for_all_colours(pictures):
    mean = pictures.mean(axis=(1, 2, 3), keepdims=True)
    found = changed(pictures, brightness=0.3, contrast=1.2)
    expected = mean + 1.2 * (pictures - mean) + 0.3
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_what_is_pushed_in_is_the_outermost_row(pictures):
    # Two of 16 rows, three of 24 columns.
    found = changed(pictures, down=2 / 16, right=-3 / 24)
    padded = np.pad(pictures, [(0, 0), (0, 2), (3, 0), (0, 0)], mode="edge")
    np.testing.assert_allclose(found, padded[:, 2:, :24], atol=1e-6)


def test_a_rectangle_is_covered(pictures):
    found = changed(pictures, covered=1.0, row=0.25, column=1.0)
    rows, columns = np.nonzero((found[0] == 0).all(axis=-1))
    # .35 of the side about its place, as far as that is in the picture.
    assert (rows.min(), rows.max()) == (1, 6)
    assert (columns.min(), columns.max()) == (20, 23)
    seen = found != 0
    np.testing.assert_allclose(found[seen], pictures[seen], atol=1e-6)


def test_changes_are_drawn_for_each_row_within_their_limits():
    changes = draw_changes(4000, keras.random.SeedGenerator(0))
    values = {name: np.asarray(each) for name, each in changes.items()}
    assert values.keys() == NOTHING.keys()
    for name, low, high in (
        ("brightness", -0.4, 0.4),
        ("contrast", 0.7, 1.4),
        ("down", -0.125, 0.125),
        ("right", -0.125, 0.125),
        ("row", 0.0, 1.0),
    ):
        margin = 0.01 * (high - low)
        assert low <= values[name].min() < low + margin
        assert high - margin < values[name].max() <= high
    assert set(values["covered"]) == {0.0, 1.0}
    assert values["covered"].mean() == pytest.approx(0.5, abs=0.03)
    assert abs(np.corrcoef(values["down"], values["right"])[0, 1]) < 0.05


def test_the_gradient_goes_back_to_where_a_pixel_came_from(pictures):
    images = tf.constant(pictures)
    values = {name: tf.fill((3,), value) for name, value in NOTHING.items()}
    values |= {"down": tf.fill((3,), 2 / 16), "covered": tf.fill((3,), 1.0)}
    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(change(images, values)[:, :5])
    slopes = tape.gradient(total, images).numpy()
    # The first two rows are moved out of the picture.
    assert not slopes[:, :2].any()
    np.testing.assert_allclose(slopes[:, 2:7], 1.0, atol=1e-6)
    assert not slopes[:, 7:].any()
