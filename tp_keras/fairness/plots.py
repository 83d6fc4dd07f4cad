"""Draws recalls, what probes read by layer, and neighbours, by group."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import PercentFormatter

from tp_keras.data.labels import strata
from tp_keras.data.portraits import Portraits
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
_BAND_COLOR = "0.85"

# Title of each panel, and what stands before the names of its metrics.
_PANELS = {
    "among all portraits": "",
    "among portraits of the same class": "conditional_",
}

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
    height = group_plot.rows_height(len(shown), len(groups))
    figure = new_figure(8.5, height + 1.3)
    panel = figure.subplots()
    group_plot.draw_groups(
        panel, found, groups, is_few=lambda item: item.variant == UNSUPPORTED
    )
    label = "portraits of the class that are right"
    panel.set(xlim=(-0.02, 1.02), xlabel=label)
    panel.xaxis.set_major_formatter(PercentFormatter(1.0))
    style = {"color": "0.4", "marker": "o", "markerfacecolor": "white"}
    few = Line2D([], [], linestyle=":", label="too few to count", **style)
    title = f"{task.name}: recall of each class, with 95 % intervals"
    add_title(figure, title, [*group_plot.group_handles(groups), few])
    return figure


def draw_leakage(
    records: Sequence[Record], task: Task, protected: Task
) -> Figure:
    """Draws the probes of each layer, on the right inside each class."""
    figure = new_figure(10.5, 5.2)
    panels = figure.subplots(1, 2, sharey=True)
    records = find(records, task=task.name)
    band = summary.band(records, task)
    found = find(records, metric="group_probe")
    names = (record.variant.split(" ", 1)[1] for record in found)
    layers = list(dict.fromkeys(names))
    lowest = 1 / protected.num_classes
    for panel, (title, given) in zip(panels, _PANELS.items(), strict=True):
        probes = find(records, metric=f"{given}group_probe")
        for kind in _STYLES:
            _draw_probes(panel, probes, kind, layers)
        if all(record.value is None for record in probes):
            text = "too few portraits for a probe"
            panel.text(0.5, 0.5, text, ha="center", transform=panel.transAxes)
        for record in probes[:1]:
            if record.null is not None:
                panel.axhline(record.null, **_CHANCE)
                lowest = min(lowest, record.null)
        names = [name.replace("_", "\n") for name in layers]
        panel.set_xticks(range(len(layers)), names)
        panel.set_xlim(-0.5, len(layers) - 0.5)
        panel.grid(axis="y", color="0.93")
        panel.tick_params(axis="x", length=0)
        panel.set_title(title, fontsize=10)
    label = f"{protected.name} told right (balanced accuracy)"
    panels[0].set(ylabel=label, ylim=(lowest - 0.08, 1.02))
    panels[0].yaxis.set_major_formatter(PercentFormatter(1.0))
    handles = [
        Line2D([], [], **style, label=summary.KIND_NAMES[kind])
        for kind, (style, _) in _STYLES.items()
    ]
    if band is not None:
        panels[0].axhspan(*band, color=_BAND_COLOR, zorder=0)
        ends = "{:.0%} to {:.0%}".format(*band)
        label = f"what {task.name} gives away ({ends})"
        handles.append(Patch(color=_BAND_COLOR, label=label))
    handles.append(Line2D([], [], **_CHANCE, label="guessing"))
    title = f"{task.name}: {protected.name} that probes read from each layer"
    add_title(figure, f"{title}, with 95 % intervals", handles, columns=5)
    return figure


def _draw_probes(panel, records, kind, layers):
    """Draws the probes of a kind that have a value."""
    style, shift = _STYLES[kind]
    points = [
        (place + shift, record)
        for place, layer in enumerate(layers)
        for record in find(records, variant=f"{kind} {layer}")
        if record.value is not None
    ]
    values = [record.value for _, record in points]
    panel.plot([x for x, _ in points], values, linewidth=0.8, **style)
    for x, record in points:
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


def choose_neighbors(classes, groups, embedding, seed) -> np.ndarray | None:
    """Draws queries by chance, evenly over classes and groups.

    `classes` and `groups` are integers [N], negative where there is none, and
    `embedding` is a float array [N, d]. Returns integers [queries, 1 +
    neighbours]: the rows of a query and of its neighbours, nearest first; None
    where fewer than two rows have class and group.
    """
    rows = np.flatnonzero((classes >= 0) & (groups >= 0))
    if len(rows) < 2:
        return None
    vectors = neighbors.unit_rows(embedding[rows])
    # One of each class and group in turn.
    cell, order = ["label", "group"], np.random.default_rng(seed)
    drawn = pd.DataFrame({"label": classes[rows], "group": groups[rows]})
    drawn = drawn.iloc[order.permutation(len(rows))]
    drawn["turn"] = drawn.groupby(cell).cumcount()
    drawn = drawn.sort_values(["turn", *cell])[:NUM_QUERIES]
    queries = drawn.sort_values([*cell, "turn"]).index.to_numpy()
    count = min(NUM_NEIGHBORS, len(rows) - 1)
    # One more than shown, as the query finds itself, too.
    found, _ = neighbors.find_neighbors(vectors[queries], vectors, count + 1)
    pairs = zip(found, queries, strict=True)
    others = [line[line != query][:count] for line, query in pairs]
    return rows[np.column_stack([queries, others])]


def draw_neighbors(portraits: Portraits, task: Task, rows) -> Figure:
    """Draws `choose_neighbors`, with classes in words and groups as frames."""
    classes = strata(task, portraits.labels[task.name])[rows]
    groups, images = portraits.groups[rows], portraits.images[rows]
    names = ("",) if task.kind == MULTI_LABEL else class_names(task)
    group_names = portraits.schema.groups
    styles = group_styles(group_names)
    colors = [styles[name]["color"] for name in group_names]
    height, width = (side + 2 * _FRAME for side in images.shape[2:4])
    pixels = np.uint8([[*bytes.fromhex(color[1:])] for color in colors])
    blocks = np.tile(pixels[groups][:, :, None, None], (height, width, 1))
    blocks[:, :, _FRAME:-_FRAME, _FRAME:-_FRAME] = images
    down, right = height + _CAPTION, width + _GAP
    margins = (0, 0), (0, 0), (0, _CAPTION), (0, _GAP), (0, 0)
    lines = np.pad(blocks, margins, constant_values=255).swapaxes(1, 2)
    canvas = np.concatenate(lines.reshape(len(rows), down, -1, 3))
    between = np.full((len(canvas), _QUERY_GAP, 3), 255, np.uint8)
    canvas = np.hstack([canvas[:, :right], between, canvas[:, right:]])
    size = np.array(canvas.shape[1::-1]) / _PIXELS_PER_INCH + [2.3, 1.0]
    figure = Figure(size, dpi=_PIXELS_PER_INCH, layout="constrained")
    panel = figure.subplots()
    panel.imshow(canvas, interpolation="nearest")
    panel.axis("off")
    for row, column in np.ndindex(groups.shape):
        left = column * right + _QUERY_GAP * (column > 0)
        same = classes[row, column] == classes[row, 0]
        panel.text(
            left + width / 2,
            row * down + height + _CAPTION * 0.42,
            names[classes[row, column]],
            ha="center",
            va="center",
            fontsize=8,
            color="black" if same else "0.45",
            style="normal" if same else "italic",
            weight="bold" if not column else "normal",
        )
    for row in range(len(rows)):
        own, shared = (
            f"  {(values[row, 1:] == values[row, 0]).sum()} of "
            f"{len(values[row]) - 1}"
            for values in (groups, classes)
        )
        panel.annotate(
            f"{own} {group_names[groups[row, 0]]}\n{shared} same class",
            (1.0, (row + 0.4) * down),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=9,
        )
    title = "a query on the left, then the portraits that the model finds most"
    pairs = zip(colors, group_names, strict=True)
    handles = [Patch(color=color, label=name) for color, name in pairs]
    add_title(figure, f"{task.name}: {title} similar", handles, len(colors))
    return figure
