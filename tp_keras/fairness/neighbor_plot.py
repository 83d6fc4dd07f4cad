"""Draws queries and their neighbours, framed by group."""

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tp_keras.fairness.group_counts import class_names
from tp_keras.fairness.neighbor_grid import NeighborGrid
from tp_keras.records.plot_kit import group_styles
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import Task

# In pixels of the portraits.
_FRAME = 5
_GAP = 6
_CAPTION = 22
_QUERY_GAP = 26

_PIXELS_PER_INCH = 108


def draw_neighbors(grid: NeighborGrid, task: Task, protected: Task) -> Figure:
    """Draws a row for each query: itself, then its neighbours.

    Args:
        grid: What `make_grid` returned.
        task: The task whose classes stand below the portraits.
        protected: The task whose classes are the groups.
    """
    names, groups = class_names(task), protected.classes
    if task.kind == MULTI_LABEL:
        names = ("",)
    rows, columns, height, width, _ = grid.images.shape
    cell = height + 2 * _FRAME + _CAPTION, width + 2 * _FRAME + _GAP
    canvas = np.full(
        (rows * cell[0], columns * cell[1] + _QUERY_GAP, 3), 255, np.uint8
    )
    colors = [group_styles(groups)[name]["color"] for name in groups]
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
        block[:] = _rgb(colors[grid.groups[row, column]])
        block[_FRAME:-_FRAME, _FRAME:-_FRAME] = grid.images[row, column]
        same = grid.classes[row, column] == grid.classes[row, 0]
        panel.text(
            left + _FRAME + width / 2,
            top + height + 2 * _FRAME + _CAPTION * 0.42,
            names[grid.classes[row, column]],
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
            _counts(grid, row, groups),
            (1.0, (row + 0.4) * cell[0]),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
        )
    figure.suptitle(
        f"{task.name}: a query on the left, then the portraits that the model "
        "finds most similar",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    figure.legend(
        handles=[
            Patch(color=color, label=name)
            for name, color in zip(groups, colors, strict=True)
        ],
        loc="outside lower left",
        ncols=len(groups),
        frameon=False,
    )
    return figure


def _counts(grid, row, groups):
    """Returns how many neighbours share the query's group, and its class."""
    count = grid.groups.shape[1] - 1
    group = (grid.groups[row, 1:] == grid.groups[row, 0]).sum()
    same = (grid.classes[row, 1:] == grid.classes[row, 0]).sum()
    name = groups[grid.groups[row, 0]]
    return f"  {group} of {count} {name}\n  {same} of {count} same class"


def _rgb(color):
    return tuple(int(color[start : start + 2], 16) for start in (1, 3, 5))
