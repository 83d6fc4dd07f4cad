"""Draws a curve for each axis, filters as marks, and hidden places."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import PercentFormatter
from matplotlib.ticker import ScalarFormatter

from tp_keras.limits.axes import PLACE
from tp_keras.limits.axes import Axis
from tp_keras.limits.axes import place_box
from tp_keras.limits.measure import LOSS
from tp_keras.limits.measure import value_name
from tp_keras.limits.safe_ranges import SafeRange
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import group_styles
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import Record
from tp_keras.records.record import find

_COLUMNS = 3


def draw_curves(
    records: Sequence[Record],
    ranges: Sequence[SafeRange],
    axes: Sequence[Axis],
    metrics: dict[str, str],
    label: str,
) -> Figure:
    """Draws a panel for each axis with numbers, in it a line for each task.

    Args:
        records: What was measured.
        ranges: Their safe ranges, drawn as lines at the foot of a panel.
        axes: Those to draw.
        metrics: Task -> metric; all of one scale.
        label: What the vertical axis is called; with `%` shares are shown so.
    """
    axes = [axis for axis in axes if axis.has_order]
    rows = -(-len(axes) // _COLUMNS)
    figure = new_figure(9.5, 2.5 * rows + 0.6)
    panels = figure.subplots(rows, _COLUMNS, squeeze=False, sharey=True)
    styles = group_styles(metrics)
    for panel, axis in zip(panels.flat, axes, strict=False):
        for task, metric in metrics.items():
            style = styles[task]
            own = find(records, task=task, metric=metric, variant=axis.name)
            # Reading from a mark to the next needs the same order as values.
            points = [(v, r) for v, r in zip(axis.values, own, strict=False)]
            points = [(v, r) for v, r in points if r.value is not None]
            if not points:
                continue
            x = [value for value, _ in points]
            panel.plot(x, [r.value for _, r in points], markersize=3.5, **style)
            ends = [
                (r.value, r.value) if r.low is None else (r.low, r.high)
                for _, r in points
            ]
            panel.fill_between(
                x, *np.transpose(ends), color=style["color"], alpha=0.2, lw=0
            )
        _draw_ranges(panel, ranges, axis, metrics, styles)
        panel.axvline(axis.unchanged, color="0.7", linewidth=0.8, zorder=0)
        if axis.is_log:
            panel.set_xscale("log")
            panel.xaxis.set_major_formatter(ScalarFormatter())
            panel.minorticks_off()
            panel.set_xticks(_few(axis.values))
        panel.set_title(axis.title, fontsize=9, loc="left")
        panel.set_xlabel(axis.unit, fontsize=8)
        panel.tick_params(labelsize=8)
        panel.grid(color="0.92")
        if "%" in label:
            panel.yaxis.set_major_formatter(PercentFormatter(1.0, 0))
    for panel in panels.flat[len(axes) :]:
        panel.axis("off")
    for row in panels:
        row[0].set_ylabel(label, fontsize=8)
    handles = [
        Line2D([], [], **styles[task], markersize=4, label=task)
        for task in metrics
    ]
    add_title(figure, "", handles)
    return figure


def _few(values):
    """Returns about five of the values, for ticks."""
    step = max(len(values) // 5, 1)
    return list(values)[::step]


def _draw_ranges(panel, ranges, axis, metrics, styles):
    """Draws where each task is safe, one line below the other."""
    for row, task in enumerate(metrics):
        for one in ranges:
            if one.axis == axis.name and one.task == task:
                low = axis.values[0] if one.low is None else one.low
                high = axis.values[-1] if one.high is None else one.high
                height = 0.03 + 0.025 * row
                panel.plot(
                    [low, high],
                    [height, height],
                    transform=panel.get_xaxis_transform(),
                    color=styles[task]["color"],
                    linewidth=2.5,
                    solid_capstyle="butt",
                )


def draw_names(
    records: Sequence[Record], axis: Axis, units: dict[str, str]
) -> Figure:
    """Draws the loss of each task at each name of an axis.

    `units` are the names of the tasks and the units of their losses.
    """
    names = [value_name(value) for value in axis.values]
    figure = new_figure(9.5, 0.24 * len(names) + 1.2)
    panels = figure.subplots(1, len(units), squeeze=False, sharey=True)[0]
    styles = group_styles(units)
    for panel, (task, unit) in zip(panels, units.items(), strict=True):
        own = find(records, task=task, metric=LOSS, variant=axis.name)
        factor = 100 if unit == "points" else 1
        for row, record in enumerate(own):
            if record.value is None:
                continue
            style = styles[task]
            if record.low is not None:
                ends = factor * record.low, factor * record.high
                panel.hlines(row, *ends, color=style["color"], linewidth=1.8)
            panel.plot(factor * record.value, row, markersize=5, **style)
        panel.axvline(0, color="0.6", linewidth=0.8, zorder=0)
        panel.set_title(task, fontsize=9, loc="left")
        panel.set_xlabel(f"lost ({unit})", fontsize=8)
        panel.tick_params(labelsize=8)
        panel.grid(axis="x", color="0.92")
    panels[0].set_yticks(range(len(names)), names)
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    return figure


def draw_places(
    records: Sequence[Record], axis: Axis, units: dict[str, str], face
) -> Figure:
    """Draws what is lost where each place is hidden, over the mean portrait.

    `face` is a float array `[height, width, 3]` of 0..255.
    """
    height, width = face.shape[:2]
    figure = new_figure(9.5, 9.5 / len(units) * height / width * 0.8 + 0.9)
    panels = figure.subplots(1, len(units), squeeze=False)[0]
    for panel, (task, unit) in zip(panels, units.items(), strict=True):
        own = find(records, task=task, metric=LOSS, variant=PLACE)
        values = np.array([record.value or 0 for record in own])
        most = max(values.max(initial=0), 1e-9)
        factor = 100 if unit == "points" else 1
        panel.imshow(face.mean(-1), cmap="gray", vmin=-100, vmax=255)
        for record, value in zip(own, values, strict=True):
            rows, columns = place_box(record.class_name, height, width)
            corner = columns.start - 0.5, rows.start - 0.5
            size = columns.stop - columns.start, rows.stop - rows.start
            strength = float(np.clip(value / most, 0, 1))
            panel.add_patch(
                Rectangle(corner, *size, color="#D55E00", alpha=0.7 * strength)
            )
            middle = corner[0] + size[0] / 2, corner[1] + size[1] / 2
            text = f"{factor * value:.1f}"
            panel.text(*middle, text, fontsize=7, ha="center", va="center")
        panel.set_title(f"{task} ({unit})", fontsize=9, loc="left")
        panel.axis("off")
    return figure
