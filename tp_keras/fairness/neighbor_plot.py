"""Queries and their neighbours as a grid of framed portraits."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tp_keras import tasks
from tp_keras.evaluation.plots import COLORS
from tp_keras.fairness.neighbor_grid import NeighborGrid

# In pixels of the portraits.
_FRAME = 5
_GAP = 6
_CAPTION = 22
_QUERY_GAP = 26

_PIXELS_PER_INCH = 108


def draw_neighbors(grid: NeighborGrid, task: tasks.Task) -> Figure:
    """Draws a row for each query: itself, then its neighbours.

    Args:
        grid: What `make_grid` returned.
        task: The task whose labels stand below the portraits.
    """
    rows, columns, height, width, _ = grid.images.shape
    cell = height + 2 * _FRAME + _CAPTION, width + 2 * _FRAME + _GAP
    canvas = np.full(
        (rows * cell[0], columns * cell[1] + _QUERY_GAP, 3), 255, np.uint8
    )
    frames = [_rgb(COLORS[name]) for name in tasks.GENDER.classes]
    size = np.array(canvas.shape[1::-1]) / _PIXELS_PER_INCH
    figure = Figure(
        size + [2.3, 1.0], dpi=_PIXELS_PER_INCH, layout="constrained"
    )
    panel = figure.subplots()
    for row, column in np.ndindex(rows, columns):
        top = row * cell[0]
        left = column * cell[1] + (_QUERY_GAP if column else 0)
        block = canvas[
            top : top + height + 2 * _FRAME, left : left + width + 2 * _FRAME
        ]
        block[:] = frames[grid.genders[row, column]]
        block[_FRAME:-_FRAME, _FRAME:-_FRAME] = grid.images[row, column]
        same = grid.labels[row, column] == grid.labels[row, 0]
        panel.text(
            left + _FRAME + width / 2,
            top + height + 2 * _FRAME + _CAPTION * 0.42,
            task.label_name(grid.labels[row, column]),
            ha="center",
            va="center",
            fontsize=8,
            color="black" if same else "0.45",
            style="normal" if same else "italic",
            weight="bold" if not column else "normal",
        )
    panel.imshow(canvas, interpolation="nearest")
    panel.axis("off")
    for row in range(rows):
        panel.annotate(
            _counts(grid, row),
            (1.0, (row + 0.4) * cell[0]),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
        )
    figure.suptitle(
        f"{task.name}: a query on the left, then the portraits whose hair the "
        "model finds most similar",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    figure.legend(
        handles=[
            Patch(color=COLORS[name], label=name)
            for name in tasks.GENDER.classes
        ],
        loc="outside lower left",
        ncols=2,
        frameon=False,
    )
    return figure


def _counts(grid, row):
    """Returns how many neighbours share the query's gender, and its label."""
    neighbors = grid.genders.shape[1] - 1
    gender = (grid.genders[row, 1:] == grid.genders[row, 0]).sum()
    label = (grid.labels[row, 1:] == grid.labels[row, 0]).sum()
    name = tasks.GENDER.label_name(grid.genders[row, 0])
    return (
        f"  {gender} of {neighbors} {name}\n  {label} of {neighbors} same hair"
    )


def _rgb(color):
    return tuple(int(color[start : start + 2], 16) for start in (1, 3, 5))
