"""Draws shares of classes, lifts of pairs, and which labels go together."""

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from tp_keras.records import group_plot
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find

# Colours of lifts end here, in powers of two.
_MOST_DOUBLINGS = 3

# Tables of more columns have a line of their own.
_MOST_BESIDE = 8


def draw_classes(records: Sequence[Record], labels: Sequence[str]) -> Figure:
    """Draws the share of each class of some labels, a mark for each split."""
    shares = [
        dataclasses.replace(record, group=record.split or ALL)
        for record in find(records, metric="class_share")
    ]
    splits = list(dict.fromkeys(record.group for record in shares))
    own = [find(shares, task=label) for label in labels]
    sizes = [len({r.class_name for r in found}) for found in own]
    heights = [group_plot.rows_height(size, len(splits)) for size in sizes]
    figure = new_figure(8.5, sum(heights) + 0.7 * len(own) + 0.7)
    panels = figure.subplots(len(own), height_ratios=heights, squeeze=False)
    for panel, label, found in zip(panels[:, 0], labels, own, strict=True):
        group_plot.draw_groups(panel, found, splits)
        panel.set_title(label, loc="left", fontsize=10)
        panel.set_xlim(left=0)
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    handles = group_plot.group_handles(splits) if len(splits) > 1 else ()
    add_title(figure, "Shares of the labelled portraits", handles)
    return figure


def draw_lifts(
    records: Sequence[Record], pairs: Sequence[tuple[str, str]]
) -> Figure:
    """Draws the lift of each pair of classes, a panel for each two labels."""
    # The tallest first, so that those beside each other are of one height.
    tables = {pair: _lifts(records, *pair) for pair in pairs}
    pairs = sorted(pairs, key=lambda pair: -len(tables[pair][0]))
    tables = [tables[pair] for pair in pairs]
    widest = max(len(names[1]) for _, names in tables)
    columns = min(1 if widest > _MOST_BESIDE else 2, len(pairs))
    heights = [0.34 * len(values) + 1.0 for values, _ in tables[::columns]]
    figure = new_figure(10 if columns > 1 else 8.5, sum(heights) + 0.6)
    grid = len(heights), columns
    panels = figure.subplots(*grid, squeeze=False, height_ratios=heights)
    panels = panels.ravel()
    for panel, pair, (values, names) in zip(
        panels, pairs, tables, strict=False
    ):
        limits = {"vmin": -_MOST_DOUBLINGS, "vmax": _MOST_DOUBLINGS}
        doublings = np.log2(np.maximum(values, 2.0**-_MOST_DOUBLINGS))
        panel.imshow(doublings, cmap="RdBu_r", aspect="auto", **limits)
        for row, column in np.argwhere(np.isfinite(values)):
            value = values[row, column]
            strong = abs(doublings[row, column]) > 0.7 * _MOST_DOUBLINGS
            color = "white" if strong else "black"
            look = {"ha": "center", "va": "center", "fontsize": 8}
            panel.text(column, row, f"{value:.2f}", color=color, **look)
        panel.set_yticks(range(len(names[0])), names[0], fontsize=8)
        tilt = {"rotation": 30, "ha": "right"} if len(names[1]) > 6 else {}
        panel.set_xticks(range(len(names[1])), names[1], fontsize=8, **tilt)
        panel.set_title(" and ".join(pair), loc="left", fontsize=10)
        panel.tick_params(length=0)
    for panel in panels[len(pairs) :]:
        panel.axis("off")
    add_title(figure, "How many times as often as if labels were independent")
    return figure


def draw_associations(
    records: Sequence[Record], labels: Sequence[str]
) -> Figure:
    """Draws Cramer's V of every two labels as a table of colours."""
    values = np.full((len(labels), len(labels)), np.nan)
    places = {label: place for place, label in enumerate(labels)}
    for record in find(records, metric="cramers_v", split=None):
        if record.value is not None:
            place = places[record.task], places[record.variant]
            values[place] = values[place[::-1]] = record.value
    side = 0.55 * len(labels)
    figure = new_figure(side + 3, side + 1.8)
    panel = figure.subplots()
    panel.imshow(values, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(np.isfinite(values)):
        color = "white" if values[row, column] > 0.6 else "black"
        text = f"{values[row, column]:.2f}".removeprefix("0")
        look = {"ha": "center", "va": "center", "fontsize": 8}
        panel.text(column, row, text, color=color, **look)
    tilt = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    panel.set_xticks(range(len(labels)), labels, fontsize=8, **tilt)
    panel.set_yticks(range(len(labels)), labels, fontsize=8)
    panel.tick_params(length=0)
    add_title(figure, "Cramer's V")
    return figure


def _lifts(records, first, second):
    """Returns lifts [A, B], NaN where not defined, and the names of both."""
    found = find(records, metric="lift", task=first, variant=second)
    names = [
        list(dict.fromkeys(getattr(record, field) for record in found))
        for field in ("class_name", "predicted_class")
    ]
    numbers = [math.nan if r.value is None else r.value for r in found]
    return np.reshape(numbers, [*map(len, names)]), names
