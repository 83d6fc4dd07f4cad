"""A mosaic of portraits, to see at a glance what a seed draws."""

import pathlib

import numpy as np
from PIL import Image

from . import labels
from .portrait import Appearance
from .portrait import draw_portrait


def draw_mosaic(path, seed: int = 0, columns: int = 10, rows: int = 4) -> None:
    """Draws a mosaic of the first portraits of `seed` into a PNG file.

    Args:
        path: The file to write.
        seed: The seed of the portraits.
        columns: The number of portraits beside each other.
        rows: The number of portraits below each other.
    """
    table = labels.LabelTable.draw(seed)
    indices = labels.choose_indices(4000, seed, table.source)
    portraits = [
        draw_portrait(Appearance.of(table, seed, index))
        for index in indices[: columns * rows]
    ]
    bands = [
        np.concatenate(portraits[start : start + columns], axis=1)
        for start in range(0, len(portraits), columns)
    ]
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(bands)).save(path, "PNG", optimize=True)
