"""A mosaic of portraits, to see at a glance what is drawn."""

import os
import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import Image


def save_mosaic(
    path: str | os.PathLike, portraits: Sequence[np.ndarray], columns: int = 10
) -> None:
    """Writes portraits into one PNG file.

    Args:
        path: The file to write.
        portraits: uint8 [height, width, 3] each, so many that rows are full.
        columns: The number of portraits beside each other.
    """
    bands = [
        np.concatenate(portraits[start : start + columns], axis=1)
        for start in range(0, len(portraits), columns)
    ]
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.concatenate(bands)).save(path, "PNG", optimize=True)
