"""Draws figures by data set and group, steps of a loss, and mean faces."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tp_keras.evaluation.generalisation import losses
from tp_keras.evaluation.generalisation import summary
from tp_keras.evaluation.generalisation.likeness import AS_IS
from tp_keras.records import group_plot
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# What comes between the own figure and that of other portraits.
_STEPS = {
    losses.LEFT: "what is left",
    losses.COLOUR: "colour and light",
    losses.FRAMING: "framing",
}
_WORSE, _BETTER, _WHOLE = "#D55E00", "#009E73", "0.75"

_FACES = (
    "as they are",
    "framed like\nthe training",
    "with its colours\nand light as well",
    "the training",
)


def draw_figures(
    records: Sequence[Record], task: Task, groups: Sequence[str]
) -> Figure:
    """Draws the balanced figure of each data set, a mark for each group."""
    metric = losses.metric_names(task)[1]
    shown = [
        dataclasses.replace(record, class_name=summary.short(record.dataset))
        for record in summary.headline(records, task, metric)
    ]
    there = {record.group for record in shown}
    names = [name for name in (ALL, *groups) if name in there]
    rows = len({record.class_name for record in shown})
    figure = new_figure(8.5, group_plot.rows_height(rows, len(names)) + 1.4)
    panel = figure.subplots()
    group_plot.draw_groups(
        panel,
        shown,
        names,
        lambda item: f"{summary.number(item.value, task)} of {item.count:,}",
    )
    lows = [record.low for record in shown if record.low is not None]
    least = 1 if task.kind == REGRESSION else 0.1
    panel.set_xlim(left=math.floor(min(lows, default=0) / least) * least)
    _label(panel, task)
    handles = group_plot.group_handles(names) if len(names) > 1 else ()
    add_title(figure, f"{task.name}, with 95 % intervals", handles)
    return figure


def draw_losses(records: Sequence[Record], tasks: Sequence[Task]) -> Figure:
    """Draws how each task comes from the own figure to that of a data set."""
    figure = new_figure(8.5, 2.2 * len(tasks) + 0.5)
    panels = figure.subplots(len(tasks), squeeze=False)[:, 0]
    for panel, task in zip(panels, tasks, strict=True):
        _draw_steps(panel, find(records, task=task.name, group=ALL), task)
        panel.set_title(task.name, fontsize=10, loc="left")
    return figure


def _draw_steps(panel, records, task):
    """Draws a bar for both ends, and a step for each part between them."""
    metric = losses.metric_names(task)[1]
    own, other = (
        find_one(records, metric=metric, variant=variant)
        for variant in (losses.OWN, AS_IS)
    )
    parts = [
        find_one(records, metric=losses.LOSS, variant=name) for name in _STEPS
    ]
    sign = 1 if task.kind == REGRESSION else -1
    steps = np.array([sign * part.value for part in parts])
    places = own.value + np.cumsum([0, *steps])
    colors = [_WORSE if part.value > 0 else _BETTER for part in parts]
    rows = range(len(parts) + 2)
    starts, widths = [0, *places[:-1], 0], [own.value, *steps, other.value]
    colors = [_WHOLE, *colors, _WHOLE]
    panel.barh(rows, widths, left=starts, color=colors, height=0.6)
    for row, place in enumerate(places):
        panel.vlines(place, row - 0.3, row + 1.3, color="0.4", linewidth=0.8)
    texts = [summary.loss_text(part, task) for part in parts]
    texts = [own, *texts, other]
    for row, text in enumerate(texts):
        if isinstance(text, Record):
            text = f"{summary.number(text.value, task)} of {text.count:,}"
        where = {"xycoords": ("axes fraction", "data"), "va": "center"}
        panel.annotate(text, (1.01, row), fontsize=8, **where)
    panel.set_yticks(rows, ["own portraits", *_STEPS.values(), "as they are"])
    panel.set_ylim(len(texts) - 0.5, -0.5)
    panel.tick_params(axis="y", length=0)
    panel.grid(axis="x", color="0.9")
    panel.set_axisbelow(True)
    room = 0.15 * np.ptp(places) + 0.01 * max(places)
    low, high = min(places) - room, max(places) + room
    # Of errors the bars are to be read from 0.
    low = 0 if task.kind == REGRESSION else max(low, 0)
    panel.set_xlim(low, high if task.kind == REGRESSION else min(high, 1))
    _label(panel, task)


def _label(panel, task):
    """Names the horizontal axis."""
    if task.kind == REGRESSION:
        unit = f" ({task.unit})" if task.unit else ""
        panel.set_xlabel(f"mean absolute error{unit}")
    else:
        panel.set_xlabel("right, each class of the same weight")
        panel.xaxis.set_major_formatter(PercentFormatter(1.0))


def draw_faces(faces) -> Figure:
    """Draws the mean pictures of `Likeness`, `[4, height, width, 3]`."""
    figure = new_figure(8.5, 2.1 * faces.shape[1] / faces.shape[2] + 0.6)
    panels = figure.subplots(1, len(faces))
    for panel, face, title in zip(panels, faces, _FACES, strict=True):
        panel.imshow(face, interpolation="bicubic")
        panel.set_title(title, fontsize=10, va="bottom")
        panel.axis("off")
    return figure
