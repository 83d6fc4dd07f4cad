"""What is done to portraits along the axes."""

import cv2
import numpy as np
import pytest

from tp_keras.limits.axes import GRID
from tp_keras.limits.axes import make_axes
from tp_keras.limits.axes import nearest_first
from tp_keras.limits.axes import place_box
from tp_keras.limits.filters import FILTERS
from tp_keras.limits.filters import apply_filter

HEIGHT, WIDTH = 54, 42
AXES = {axis.name: axis for axis in make_axes((HEIGHT, WIDTH, 3))}
each_axis = pytest.mark.parametrize("axis", AXES.values(), ids=AXES)


@pytest.fixture
def images():
    rng = np.random.default_rng(0)
    coarse = rng.integers(30, 220, (4, 9, 7, 3)).astype(np.uint8)
    return np.stack([cv2.resize(x, (WIDTH, HEIGHT)) for x in coarse])


@each_axis
def test_every_value_gives_portraits_of_the_same_kind(axis, images):
    before = images.copy()
    for value in axis.values:
        changed = axis.change(images, value)
        assert changed.dtype == np.uint8 and changed.shape == images.shape
        same = np.array_equal(changed, images)
        assert same == (value == axis.unchanged), value
    np.testing.assert_array_equal(images, before)


@each_axis
def test_values_are_in_order_with_the_unchanged_one_among_them(axis, images):
    if not axis.has_order:
        assert len(set(axis.values)) == len(axis.values)
        return
    assert list(axis.values) == sorted(set(axis.values))
    below, above = nearest_first(axis)
    assert len(below) + len(above) == len(axis.values) - 1
    # Farther values change more.
    for side in (below, above):
        gaps = [
            np.abs(axis.change(images, value) - images.astype(float)).mean()
            for value in side
        ]
        # Moved far, a portrait may be nearer to itself again.
        if axis.name != "rotation" and "shift" not in axis.name:
            assert gaps == sorted(gaps)


def spot_at(y, x):
    image = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    image[0, y - 2 : y + 3, x - 2 : x + 3] = 255
    return image


def middle_of(image):
    weight = image[..., 0].astype(float)
    y, x = np.indices(weight.shape)
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("face_size", 0.5), ("face_size", 1.5), ("rotation", 30)),
        *(("rotation", -90), ("shift_right", 0.2), ("shift_down", -0.1)),
    ],
)
def test_faces_move_where_the_axis_says(name, value):
    image, axis = spot_at(20, 17), AXES[name]
    moved = axis.move(value) @ [17, 20, 1]
    found = middle_of(axis.change(image, value)[0])
    np.testing.assert_allclose(found, moved, atol=0.5)


def test_turning_to_the_right_is_clockwise_and_shifts_go_right_and_down():
    above = spot_at(10, WIDTH // 2)
    x, y = middle_of(AXES["rotation"].change(above, 45)[0])
    assert x > WIDTH // 2 + 5 and y > 10
    x, _ = middle_of(AXES["shift_right"].change(above, 0.2)[0])
    assert x == pytest.approx(WIDTH // 2 + 0.2 * WIDTH, abs=0.5)
    _, y = middle_of(AXES["shift_down"].change(above, 0.2)[0])
    assert y == pytest.approx(10 + 0.2 * HEIGHT, abs=0.5)


def test_resolution_leaves_as_many_means_as_it_says(images):
    reduced = AXES["resolution"].change(images, 27)[0]
    small = cv2.resize(images[0], (21, 27), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(reduced, cv2.resize(small, (WIDTH, HEIGHT)))
    assert AXES["resolution"].values[-1] == HEIGHT


def test_brightness_saturation_and_noise(images):
    dark = AXES["brightness"].change(images, 0.45)
    np.testing.assert_allclose(dark, images * 0.45, atol=0.51)
    gray = AXES["saturation"].change(images, 0.0)
    assert np.ptp(gray, axis=-1).max() == 0
    np.testing.assert_array_equal(
        gray[0, ..., 0], cv2.cvtColor(images[0], cv2.COLOR_RGB2GRAY)
    )
    plain = np.full((2, HEIGHT, WIDTH, 3), 128, np.uint8)
    noisy = AXES["noise"].change(plain, 10)
    assert noisy.std() == pytest.approx(10, rel=0.05)
    np.testing.assert_array_equal(noisy, AXES["noise"].change(plain, 10))
    assert not np.array_equal(noisy[0], noisy[1])


def test_places_cover_a_portrait_and_get_its_mean(images):
    covered = np.zeros((HEIGHT, WIDTH), int)
    for name in AXES["hidden_place"].values:
        covered[place_box(name, HEIGHT, WIDTH)] += 1
    assert (covered == 1).all()
    assert len(AXES["hidden_place"].values) == GRID[0] * GRID[1]
    hidden = AXES["hidden_place"].change(images, "row 1 column 4")
    corner = hidden[:, :11, 32:]
    assert (corner == np.rint(images.mean((1, 2)))[:, None, None]).all()
    np.testing.assert_array_equal(hidden[:, 11:], images[:, 11:])


def test_filters_do_what_they_are_called():
    assert len(FILTERS) == 12
    gray = np.full((1, 3), 128, np.uint8)
    red, skin = np.uint8([[200, 60, 60]]), np.uint8([[210, 160, 130]])

    def seen(name, pixels):
        return apply_filter(pixels, name)[0].astype(int)

    for name in ("warm", "golden", "sepia"):
        assert seen(name, gray)[0] > seen(name, gray)[2]
    assert seen("cool", gray)[2] > seen("cool", gray)[0]
    assert seen("rose", gray)[0] > seen("rose", gray)[1]
    for name in ("monochrome", "noir"):
        assert np.ptp(seen(name, skin)) == 0
    for name in ("faded", "muted", "vintage"):
        assert np.ptp(seen(name, red)) < np.ptp(red.astype(int))
    assert np.ptp(seen("vivid", red)) > np.ptp(red.astype(int))
    black, white = np.uint8([[0] * 3]), np.uint8([[255] * 3])
    assert seen("faded", black).min() > 20 and seen("faded", white).max() < 250
    dark, light = np.uint8([[70] * 3]), np.uint8([[190] * 3])
    for name in ("dramatic", "noir"):
        assert (seen(name, light) - seen(name, dark) > 150).all()


def test_a_filter_is_one_matrix():
    pixels = np.uint8([[10, 120, 250], [90, 90, 90]])
    matrix = FILTERS["sepia"].matrix()
    assert matrix.shape == (3, 4)
    expected = [matrix @ [*pixel, 1] for pixel in pixels.astype(float)]
    expected = np.clip(np.rint(expected), 0, 255)
    np.testing.assert_array_equal(apply_filter(pixels, "sepia"), expected)
    # By hand: gray of the second is 90, times the gain, and lifted.
    assert expected[1].tolist() == [round(90 * 1.08 + 14), 91, 67]
