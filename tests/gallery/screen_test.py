import numpy as np
import pytest
from PIL import Image

from tp_keras.errors import UserError
from tp_keras.gallery.screen import Screen
from tp_keras.gallery.screen import fit_screen
from tp_keras.gallery.screen import read_tiles


@pytest.mark.parametrize(
    ("size", "tile", "shape", "grid"),
    [
        # 77 pixels high where they are 60 wide: 28.003 rows.
        ("3840x2160", 60, (108, 84, 3), (64, 28)),
        ("3840x2160", 60, (96, 96, 3), (64, 36)),
        ("100x70", 30, (64, 64, 3), (3, 2)),
        ("1080x1920", 1080, (64, 64, 3), (1, 2)),
        ("2000x16", 16, (108, 84, 3), (125, 1)),
    ],
)
def test_tiles_by_hand(size, tile, shape, grid):
    screen = fit_screen(size, tile, shape)
    assert (screen.columns, screen.rows) == grid
    assert f"{screen.width}x{screen.height}" == size


@pytest.mark.parametrize(
    "size", ["0x0", "10x10", "3840", "3840x", "-5x99", "9999999x9999999", "axb"]
)
def test_impossible_screens(size):
    with pytest.raises(UserError, match=f"3840x2160.* Received: size={size}"):
        fit_screen(size, 60, (64, 64, 3))


@pytest.mark.parametrize("tile", [0, -4, 3, 101])
def test_impossible_tiles(tile):
    with pytest.raises(UserError, match=f"4 to 100 .* Received: tile={tile}"):
        fit_screen("200x100", tile, (64, 64, 3))


def test_every_pixel_is_of_one_tile_and_tiles_differ_by_a_pixel():
    screen = Screen(width=101, height=50, columns=7, rows=3)
    height, width = screen.tile_size
    assert (height, width) == (17, 15)
    tiles = np.ones((21, height, width, 3), np.uint8)
    tiles *= np.arange(1, 22, dtype=np.uint8)[:, None, None, None]
    painted = screen.paint(tiles)
    assert painted.shape == (50, 101, 3)
    assert set(np.bincount(painted[..., 0].ravel())[1:]) <= {
        *(16 * 14, 16 * 15, 17 * 14, 17 * 15)
    }
    corners = painted[[0, 0, -1, -1], [0, -1, 0, -1], 0].tolist()
    assert corners == [1, 7, 15, 21]
    # A tile is not squeezed but cut.
    tiles[:] = np.arange(width, dtype=np.uint8)[:, None]
    assert painted.shape[1] == 101
    assert screen.paint(tiles)[0, :14, 0].tolist() == [*range(14)]


def test_tiles_are_means_of_the_pixels_and_cropped_at_the_centre():
    generator = np.random.default_rng(0)
    images = generator.integers(256, size=(3, 12, 8, 3), dtype=np.uint8)
    same = read_tiles(images, np.array([2, 0]), (12, 8), "")
    np.testing.assert_array_equal(same, images[[2, 0]])
    half = read_tiles(images, np.array([1]), (6, 4), "")[0]
    expected = Image.fromarray(images[1]).reduce(2)
    np.testing.assert_allclose(half, np.asarray(expected), atol=1)
    square = read_tiles(images, np.array([1]), (8, 8), "")[0]
    np.testing.assert_array_equal(square, images[1, 2:10])
    assert read_tiles(images, np.array([1]), (24, 20), "").shape[1:3] == (
        24,
        20,
    )


def test_every_second_time_a_portrait_is_mirrored():
    images = np.random.default_rng(0).integers(
        256, size=(3, 12, 8, 3), dtype=np.uint8
    )
    found = read_tiles(images, np.array([1, 4, 7, 10]), (12, 8), "")
    mirrored = images[1, :, ::-1]
    for tile, expected in zip(
        found, [images[1], mirrored, images[1], mirrored], strict=True
    ):
        np.testing.assert_array_equal(tile, expected)


def test_parts_of_a_picture_lie_where_the_tiles_do():
    screen = Screen(width=30, height=20, columns=3, rows=2)
    picture = np.repeat(np.arange(6, dtype=np.uint8).reshape(2, 3), 10, axis=0)
    picture = np.repeat(picture, 10, axis=1)[..., None].repeat(3, axis=2)
    parts = screen.cut(picture, 4, 5)
    assert parts.shape == (6, 4, 5, 3)
    for number, part in enumerate(parts):
        assert (part == number).all()
