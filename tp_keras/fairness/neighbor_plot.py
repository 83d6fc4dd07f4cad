"""Draws queries and their neighbours, framed by group."""

import dataclasses

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from tp_keras.evaluation import neighbors
from tp_keras.fairness.group_counts import class_names
from tp_keras.records.plot_kit import group_styles
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import Task

NUM_QUERIES = 10
NUM_NEIGHBORS = 10

# In pixels of the portraits.
_FRAME = 5
_GAP = 6
_CAPTION = 22
_QUERY_GAP = 26
_PIXELS_PER_INCH = 110


@dataclasses.dataclass(frozen=True)
class NeighborGrid:
    """Queries with the portraits nearest to them.

    Attributes:
        images: uint8 `[queries, 1 + neighbours, height, width, 3]`; the query
            comes first, then its neighbours, nearest first.
        classes: Integers `[queries, 1 + neighbours]`, the classes of the task.
        groups: Integers `[queries, 1 + neighbours]`.
    """

    images: np.ndarray
    classes: np.ndarray
    groups: np.ndarray


def make_grid(images, classes, groups, embedding, seed) -> NeighborGrid | None:
    """Draws queries by chance, evenly over classes and groups.

    Whoever looks at them must not be shown what somebody picked: the seed alone
    chooses. The gallery holds all portraits with a label and a group.

    Args:
        images: uint8 array `[count, height, width, 3]`.
        classes: Integer array `[count]`, negative where there is none.
        groups: Integer array `[count]`, likewise.
        embedding: Float array `[count, size]`.
        seed: Int.

    Returns:
        `NeighborGrid`, or None with fewer than two such portraits.
    """
    rows = np.flatnonzero((classes >= 0) & (groups >= 0))
    if len(rows) < 2:
        return None
    classes, groups = classes[rows], groups[rows]
    vectors = neighbors.unit_rows(embedding[rows])
    queries = _draw_queries(classes, groups, np.random.default_rng(seed))
    count = min(NUM_NEIGHBORS, len(rows) - 1)
    # One more than shown, as the query finds itself, too.
    found, _ = neighbors.find_neighbors(vectors[queries], vectors, count + 1)
    others = [
        line[line != query][:count]
        for line, query in zip(found, queries, strict=True)
    ]
    shown = np.column_stack([queries, others])
    return NeighborGrid(images[rows[shown]], classes[shown], groups[shown])


def _draw_queries(classes, groups, generator):
    """Returns rows of each class and group in turn, sorted by them."""
    cells = {}
    for row in generator.permutation(len(classes)):
        cells.setdefault((classes[row], groups[row]), []).append(row)
    turns = sorted(
        (turn, cell, row)
        for cell, members in cells.items()
        for turn, row in enumerate(members)
    )
    chosen = [(cell, turn, row) for turn, cell, row in turns[:NUM_QUERIES]]
    return np.array([row for *_, row in sorted(chosen)])


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
    down = height + 2 * _FRAME + _CAPTION
    right = width + 2 * _FRAME + _GAP
    shape = rows * down, columns * right + _QUERY_GAP, 3
    canvas = np.full(shape, 255, np.uint8)
    colors = [group_styles(groups)[name]["color"] for name in groups]
    figure = Figure(
        np.array(shape[1::-1]) / _PIXELS_PER_INCH + [2.3, 1.0],
        dpi=_PIXELS_PER_INCH,
        layout="constrained",
    )
    panel = figure.subplots()
    for row, column in np.ndindex(rows, columns):
        top, left = row * down, column * right + _QUERY_GAP * (column > 0)
        bottom, end = top + height + 2 * _FRAME, left + width + 2 * _FRAME
        block = canvas[top:bottom, left:end]
        color = colors[grid.groups[row, column]]
        block[:] = [int(color[start : start + 2], 16) for start in (1, 3, 5)]
        block[_FRAME:-_FRAME, _FRAME:-_FRAME] = grid.images[row, column]
        same = grid.classes[row, column] == grid.classes[row, 0]
        panel.text(
            (left + end) / 2,
            bottom + _CAPTION * 0.42,
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
        own, shared = (
            (values[row, 1:] == values[row, 0]).sum()
            for values in (grid.groups, grid.classes)
        )
        name = groups[grid.groups[row, 0]]
        panel.annotate(
            f"  {own} of {columns - 1} {name}\n"
            f"  {shared} of {columns - 1} same class",
            (1.0, (row + 0.4) * down),
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
    handles = [
        Patch(color=color, label=name)
        for name, color in zip(groups, colors, strict=True)
    ]
    figure.legend(
        handles=handles,
        loc="outside lower left",
        ncols=len(groups),
        frameon=False,
    )
    return figure
