"""Draws recalls, what probes read by layer, and neighbours, by group."""

import dataclasses
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from tp_keras.evaluation import neighbors
from tp_keras.fairness import summary
from tp_keras.fairness.group_counts import class_names
from tp_keras.fairness.group_figures import UNSUPPORTED
from tp_keras.records import group_plot
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import group_styles
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import Task

# How each kind of probe looks, not as a group does, and its shift.
_STYLES = {
    "linear": ({"color": "#009E73", "marker": "o", "markersize": 7}, -0.09),
    "mlp": ({"color": "#8F4E8B", "marker": "s", "markersize": 7}, 0.09),
}
_CHANCE = {"color": "0.5", "linestyle": "--", "linewidth": 1}
_HOLLOW = {"markerfacecolor": "white", "linestyle": "none"}
_BAND_COLOR = "0.85"

# Title of each panel, its probes and its controls.
_PANELS = (
    ("among all portraits", "group_probe", "negative_control"),
    (
        "among portraits of the same class",
        "conditional_group_probe",
        "conditional_negative_control",
    ),
)


NUM_QUERIES = 10
NUM_NEIGHBORS = 10

# In pixels of the portraits.
_FRAME, _GAP, _CAPTION, _QUERY_GAP = 5, 6, 22, 26
_PIXELS_PER_INCH = 110


def draw_recalls(
    records: Sequence[Record], task: Task, protected: Task
) -> Figure:
    """Draws the share of each class that is right, a mark for each group."""
    found = find(records, metric="group_recall", task=task.name)
    shown = {record.class_name for record in found if record.count}
    found = [record for record in found if record.class_name in shown]
    groups = protected.classes
    figure = new_figure(
        8.5, group_plot.rows_height(len(shown), len(groups)) + 1.3
    )
    panel = figure.subplots()
    group_plot.draw_groups(
        panel, found, groups, is_few=lambda item: item.variant == UNSUPPORTED
    )
    panel.set_xlim(-0.02, 1.02)
    panel.set_xlabel("portraits of the class that are right")
    panel.xaxis.set_major_formatter(PercentFormatter(1.0))
    style = {"color": "0.4", "marker": "o", "markerfacecolor": "white"}
    few = Line2D([], [], linestyle=":", label="too few to count", **style)
    add_title(
        figure,
        f"{task.name}: recall of each class, with 95 % intervals",
        [*group_plot.group_handles(groups), few],
    )
    return figure


def draw_leakage(
    records: Sequence[Record], task: Task, protected: Task
) -> Figure:
    """Draws the balanced accuracy of the probes, layers from left to right.

    On the left among all rows, with the band of what the label implies; on the
    right inside each class, where nothing is chance.
    """
    figure = new_figure(10.5, 5.2)
    panels = figure.subplots(1, 2, sharey=True)
    records = find(records, task=task.name)
    band = summary.band(records, task)
    found = find(records, metric="group_probe")
    layers = list(dict.fromkeys(map(summary.layer, found)))
    lowest = 1 / protected.num_classes
    for panel, (title, metric, control) in zip(panels, _PANELS, strict=True):
        for kind in _STYLES:
            _draw_probes(panel, records, metric, kind, layers)
            _draw_probes(panel, records, control, kind, layers, hollow=True)
        probes = find(records, metric=metric)
        if all(record.value is None for record in probes):
            text = "too few portraits for a probe"
            panel.text(0.5, 0.5, text, ha="center", transform=panel.transAxes)
        for record in probes[:1]:
            if record.null is not None:
                panel.axhline(record.null, **_CHANCE)
                lowest = min(lowest, record.null)
        panel.set_xticks(
            range(len(layers)), [name.replace("_", "\n") for name in layers]
        )
        panel.set_xlim(-0.5, len(layers) - 0.5)
        panel.grid(axis="y", color="0.93")
        panel.tick_params(axis="x", length=0)
        panel.set_title(title, fontsize=10)
    panels[0].set_ylabel(f"{protected.name} told right (balanced accuracy)")
    panels[0].yaxis.set_major_formatter(PercentFormatter(1.0))
    panels[0].set_ylim(lowest - 0.08, 1.02)
    handles = [
        Line2D([], [], **style, label=summary.KIND_NAMES[kind])
        for kind, (style, _) in _STYLES.items()
    ]
    if band is not None:
        panels[0].axhspan(*band, color=_BAND_COLOR, zorder=0)
        ends = f"{band[0]:.0%} to {band[1]:.0%}"
        label = f"what {task.name} gives away ({ends})"
        handles.append(Patch(color=_BAND_COLOR, label=label))
    label = "control: groups shuffled"
    handles += [
        Line2D([], [], color="0.4", marker="o", label=label, **_HOLLOW),
        Line2D([], [], **_CHANCE, label="guessing"),
    ]
    title = f"{protected.name} that probes read from each layer"
    title = f"{task.name}: {title}, with 95 % intervals"
    add_title(figure, title, handles, columns=5)
    return figure


def _draw_probes(panel, records, metric, kind, layers, hollow=False):
    """Draws the probes of a kind that have a value, controls hollow."""
    style, shift = _STYLES[kind]
    points = [
        (layers.index(summary.layer(record)) + shift, record)
        for record in find(records, metric=metric)
        if record.variant.startswith(f"{kind} ") and record.value is not None
    ]
    line = _HOLLOW if hollow else {"linewidth": 0.8}
    values = [record.value for _, record in points]
    panel.plot([x for x, _ in points], values, **line, **style)
    for x, record in () if hollow else points:
        panel.vlines(x, record.low, record.high, color=style["color"])
        panel.annotate(
            f"{100 * record.value:.0f}",
            (x, record.value),
            (-5 if shift < 0 else 5, 4),
            textcoords="offset points",
            ha="right" if shift < 0 else "left",
            fontsize=8,
            color=style["color"],
        )


@dataclasses.dataclass(frozen=True)
class NeighborGrid:
    """Queries with the portraits nearest to them.

    Attributes:
        images: uint8 `[queries, 1 + neighbours, height, width, 3]`; the query
            comes first, then its neighbours, nearest first.
        classes: Integers `[queries, 1 + neighbours]`.
        groups: The same of the groups.
    """

    images: np.ndarray
    classes: np.ndarray
    groups: np.ndarray


def make_grid(images, classes, groups, embedding, seed) -> NeighborGrid | None:
    """Draws queries by chance, evenly over classes and groups.

    Whoever looks at them must not be shown what somebody picked: the seed alone
    chooses. The gallery holds all portraits with a label and a group; with
    fewer than two there is no grid.

    Args:
        images: uint8 array `[count, height, width, 3]`.
        classes: Integer array `[count]`, negative where there is none.
        groups: Integer array `[count]`, likewise.
        embedding: Float array `[count, size]`.
        seed: Where chance starts.
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

    The classes of the task stand below the portraits, and the groups frame
    them.
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
    title = "a query on the left, then the portraits that the model finds most"
    add_title(
        figure,
        f"{task.name}: {title} similar",
        [
            Patch(color=color, label=name)
            for color, name in zip(colors, groups, strict=True)
        ],
        len(groups),
    )
    return figure
