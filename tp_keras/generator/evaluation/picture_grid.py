"""Portraits in rows and columns, as one picture."""

import dataclasses

import numpy as np
from matplotlib.figure import Figure

_GAP = 4
_PIXELS_PER_INCH = 108


@dataclasses.dataclass(frozen=True)
class PictureGrid:
    """What to show, and what to say of it.

    Attributes:
        images: uint8 `[rows, columns, height, width, 3]`.
        title: Title of the picture: what it shows, temperature and seed.
        column_titles: A text above each column.
        row_titles: A text beside each row; empty: none.
    """

    images: np.ndarray
    title: str
    column_titles: tuple[str, ...]
    row_titles: tuple[str, ...] = ()


def draw_grid(grid: PictureGrid) -> Figure:
    """Draws a grid at one dot for each pixel of a portrait."""
    rows, columns, height, width, _ = grid.images.shape
    cell = height + _GAP, width + _GAP
    canvas = np.full((rows * cell[0], columns * cell[1], 3), 255, np.uint8)
    for row, column in np.ndindex(rows, columns):
        top, left = row * cell[0], column * cell[1]
        canvas[top : top + height, left : left + width] = grid.images[
            row, column
        ]
    size = np.array(canvas.shape[1::-1]) / _PIXELS_PER_INCH
    figure = Figure(
        size + [1.2 if grid.row_titles else 0.3, 0.9],
        dpi=_PIXELS_PER_INCH,
        layout="constrained",
    )
    panel = figure.subplots()
    panel.imshow(canvas, interpolation="nearest")
    panel.spines[:].set_visible(False)
    panel.tick_params(length=0)
    panel.xaxis.tick_top()
    centers = np.arange(columns) * cell[1] + width / 2
    panel.set_xticks(centers, grid.column_titles, fontsize=8)
    panel.set_yticks(
        np.arange(len(grid.row_titles)) * cell[0] + height / 2,
        grid.row_titles,
        fontsize=8,
    )
    figure.suptitle(grid.title, x=0.01, ha="left", fontsize=10)
    return figure
