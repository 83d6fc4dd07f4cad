"""A screen that whole tiles fill exactly."""

import dataclasses
import math
import mmap
import re

import cv2
import numpy as np
import tqdm

from tp_keras.errors import UserError

# Beyond any screen there is, and what a laptop has memory for.
_MOST_PIXELS = 1 << 26
_LEAST_SIDE, _LEAST_TILE = 16, 4

# After so many portraits their pages are let go.
_RELEASED = 128


@dataclasses.dataclass(frozen=True)
class Screen:
    """How tiles of a pixel more or less fill a screen.

    Attributes:
        width: Of the screen in pixels; `height` likewise.
        columns: The number of tiles beside each other.
        rows: The number of tiles above each other.
    """

    width: int
    height: int
    columns: int
    rows: int

    def __len__(self):
        return self.rows * self.columns

    @property
    def tile_size(self) -> tuple[int, int]:
        """Height and width of the largest tile."""
        return (
            math.ceil(self.height / self.rows),
            math.ceil(self.width / self.columns),
        )

    def cut(self, picture: np.ndarray, height: int, width: int) -> np.ndarray:
        """Returns what a picture of any size shows where the tiles lie.

        Returns:
            uint8 `[rows * columns, height, width, 3]`, row after row.
        """
        size = self.columns * width, self.rows * height
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        shape = self.rows, height, self.columns, width, 3
        cells = picture.reshape(shape).swapaxes(1, 2)
        return cells.reshape(len(self), height, width, 3)

    def paint(self, tiles: np.ndarray) -> np.ndarray:
        """Returns the screen, uint8 `[height, width, 3]`.

        Args:
            tiles: uint8 `[rows * columns, *tile_size, 3]`, row after row.
        """
        tops, lefts = (
            np.rint(np.linspace(0, side, count + 1)).astype(int)
            for side, count in (
                (self.height, self.rows),
                (self.width, self.columns),
            )
        )
        painted = np.empty((self.height, self.width, 3), np.uint8)
        for tile, (row, column) in zip(
            tiles, np.ndindex(self.rows, self.columns), strict=True
        ):
            cell = painted[
                tops[row] : tops[row + 1], lefts[column] : lefts[column + 1]
            ]
            cell[:] = tile[: cell.shape[0], : cell.shape[1]]
        return painted


def fit_screen(size: str, tile: int, image_shape) -> Screen:
    """Returns a screen that about square-edged portraits fill.

    Args:
        size: Such as `"3840x2160"`: width and height in pixels.
        tile: About the width of a tile in pixels.
        image_shape: Height, width and channels of the portraits.

    Raises:
        UserError: If there is no such screen, or the tile doesn't fit in.
    """
    sides = re.fullmatch(r"(\d{1,9})x(\d{1,9})", size)
    width, height = map(int, sides.groups()) if sides else (0, 0)
    if not (
        min(width, height) >= _LEAST_SIDE and width * height <= _MOST_PIXELS
    ):
        raise UserError(
            f"Expected a size as WIDTHxHEIGHT such as 3840x2160, of "
            f"{_LEAST_SIDE} or more each and {_MOST_PIXELS / 1e6:.0f} million "
            f"pixels at most. Received: size={size}"
        )
    if not _LEAST_TILE <= tile <= min(width, height):
        raise UserError(
            f"Expected a tile from {_LEAST_TILE} to {min(width, height)} "
            f"pixels wide. Received: tile={tile}"
        )
    columns = max(round(width / tile), 1)
    tile_height = width / columns * image_shape[0] / image_shape[1]
    return Screen(width, height, columns, max(round(height / tile_height), 1))


def read_tiles(
    images: np.ndarray, items: np.ndarray, size, title: str
) -> np.ndarray:
    """Returns portraits in another size, cropped at their centre to its shape.

    Args:
        images: uint8 `[count, height, width, 3]`, in memory or mapped.
        items: Integers `[n]`: row numbers. Beyond `count` portraits begin anew,
            and every second time they are mirrored.
        size: Height and width of the tiles.
        title: What a progress bar says.

    Returns:
        uint8 `[n, *size, 3]`.
    """
    copies, rows = np.divmod(items, len(images))
    tiles = np.empty((len(items), *size, 3), np.uint8)
    _, height, width, _ = images.shape
    # What covers a tile, whole in one direction.
    scale = min(height / size[0], width / size[1])
    high, wide = (max(round(side * scale), 1) for side in size)
    top, left = (height - high) // 2, (width - wide) // 2
    shrinks = scale >= 1
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    # In the order of the file.
    places = np.argsort(rows, kind="stable")
    bar = tqdm.tqdm(places, title, delay=2, leave=False, unit="img")
    for count, place in enumerate(bar):
        if count % _RELEASED == 0:
            _release(images)
        pixels = images[rows[place], top : top + high, left : left + wide]
        tile = cv2.resize(np.asarray(pixels), size[::-1], interpolation=how)
        tiles[place] = tile[:, ::-1] if copies[place] % 2 else tile
    _release(images)
    return tiles


def _release(images):
    """Lets go of mapped pages, which else count as memory of this process."""
    if isinstance(images, np.memmap) and hasattr(mmap, "MADV_DONTNEED"):
        images._mmap.madvise(mmap.MADV_DONTNEED)
