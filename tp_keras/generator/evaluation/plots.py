"""Plots of a generator's figures, made of its records."""

import dataclasses
from collections.abc import Sequence

from matplotlib.figure import Figure

from tp_keras.generator.config import GenerationSettings
from tp_keras.generator.evaluation.candidates import BLUR_1
from tp_keras.generator.evaluation.candidates import CANDIDATES
from tp_keras.generator.evaluation.candidates import EIGENFACES
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.candidates import REAL
from tp_keras.generator.evaluation.candidates import RECONSTRUCTIONS
from tp_keras.generator.evaluation.distances import KERNEL_SCORE
from tp_keras.generator.evaluation.independent import INDEPENDENT
from tp_keras.generator.evaluation.spectrum import OCTAVE_POWER
from tp_keras.records import group_plot
from tp_keras.records import plot_kit
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.tasks import Schema

_COLOR, _OTHER_COLOR = "#D55E00", "#555555"

# Beside a score above this all others would lie in one place.
_FARTHEST = 1.5

# Of whom the power is drawn, but for rivals.
_IN_OCTAVES = (GENERATED, REAL, BLUR_1, RECONSTRUCTIONS, EIGENFACES)

TOLD = {
    "two_sample_accuracy": "told from real",
    "blurred_two_sample_accuracy": "told from real, matching blur",
}


def read_candidate(record: Record) -> tuple[str, str]:
    """Returns whose figure it is, and what it is called."""
    if record.metric in TOLD:
        return record.variant, TOLD[record.metric]
    name, _, space = record.variant.rpartition(" ")
    metric = "kernel score" if record.metric == KERNEL_SCORE else record.metric
    return name, f"{metric}, {space.replace('_', ' ')}"


def all_candidates(records: Sequence[Record]) -> dict[str, str]:
    """Returns name -> what it is, of rivals that were measured as well."""
    named = dict(CANDIDATES)
    for record in find(records, metric=OCTAVE_POWER):
        named.setdefault(record.variant, "portraits of another generator")
    return named


def draw_scores(
    records: Sequence[Record], settings: GenerationSettings
) -> Figure:
    """Draws each distance, a panel for each, a row for each candidate.

    Of independent judges it is what all of them say together.
    """
    panels, names = {}, list(all_candidates(records))
    for record in records:
        if record.metric in (KERNEL_SCORE, "two_sample_accuracy"):
            name, title = read_candidate(record)
            if f" {INDEPENDENT}_" not in record.variant:
                panels.setdefault(title, {})[name] = record
    figure = plot_kit.new_figure(3.3 * len(panels) + 1.2, 3.6)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for panel, (title, found) in zip(axes, panels.items(), strict=True):
        for row, name in enumerate(names):
            record = found.get(name)
            if record is None or record.value is None:
                continue
            color = _COLOR if name == GENERATED else _OTHER_COLOR
            if record.value > _FARTHEST:
                panel.text(
                    *(0.97, row, f"{record.value:.1f} \N{RIGHTWARDS ARROW}"),
                    transform=panel.get_yaxis_transform(),
                    ha="right",
                    va="center",
                    color=color,
                )
                continue
            panel.hlines(row, record.low, record.high, color, linewidth=2)
            panel.plot(record.value, row, "o", markersize=6, color=color)
        if not panel.lines:
            panel.text(0.5, 3, "not defined", ha="center", color="0.4")
            panel.set_xlim(0, 1)
        panel.set_title(title, loc="left", fontsize=10)
        panel.set_yticks(range(len(names)), names)
        panel.set_ylim(len(names) - 0.5, -0.5)
        panel.grid(axis="x", color="0.9")
        for place in (0, 1) if title.startswith("kernel") else ():
            panel.axvline(place, color="0.6", linestyle="--", linewidth=1)
    title = "Distance from real test portraits, with 95 % intervals"
    plot_kit.add_title(figure, f"{title}\n{settings.caption}")
    return figure


def draw_fidelity(
    records: Sequence[Record], schema: Schema, settings: GenerationSettings
) -> Figure:
    """Draws the fidelity of each cell, a mark for each condition."""
    names = [task.name for task in schema.condition_tasks]
    shown = [
        dataclasses.replace(record, group=record.task)
        for record in find(records, metric="cell_fidelity")
        if record.value is not None
    ]
    cells = {record.class_name for record in shown}
    height = group_plot.rows_height(len(cells), len(names))
    figure = plot_kit.new_figure(8.0, height + 1.4)
    panel = figure.subplots()
    group_plot.draw_groups(
        panel, shown, names, text=lambda record: f"{record.value:.2f}"
    )
    panel.axvline(1, color="0.6", linestyle="--", linewidth=1)
    panel.set_xlim(left=0)
    panel.set_xlabel("judge's accuracy on generated, divided by that on real")
    title = "Fidelity of combinations, with 95 % intervals"
    title += f"\n{settings.caption}"
    plot_kit.add_title(figure, title, group_plot.group_handles(names), 3)
    return figure


def draw_octaves(
    records: Sequence[Record], settings: GenerationSettings
) -> Figure:
    """Draws the power of candidates by octave, as a share of that of real."""
    shown = find(records, metric=OCTAVE_POWER)
    octaves = list(dict.fromkeys(record.class_name for record in shown))[::-1]
    figure = plot_kit.new_figure(8.0, 4.4)
    panel = figure.subplots()
    rivals = [n for n in all_candidates(records) if n not in CANDIDATES]
    styles = plot_kit.group_styles([*_IN_OCTAVES, *rivals])
    for name in (*_IN_OCTAVES, *rivals):
        found = [
            record
            for record in find(shown, variant=name)
            if record.value is not None and record.value > 0
        ]
        places = [octaves.index(record.class_name) for record in found]
        values = [record.value for record in found]
        width = 2.5 if name == GENERATED else 1.2
        style = {"linewidth": width, "zorder": 1 + width, **styles[name]}
        panel.plot(places, values, label=name, **style)
        ends = ([one.low for one in found], [one.high for one in found])
        panel.vlines(places, *ends, styles[name]["color"], linewidth=width)
    panel.axhline(1, color="0.6", linestyle="--", linewidth=1)
    panel.set_yscale("log")
    panel.set_xticks(range(len(octaves)), octaves)
    panel.set_xlabel("cycles per pixel: coarse on the left, fine on the right")
    panel.set_ylabel("power, divided by that of test portraits")
    handles, _ = panel.get_legend_handles_labels()
    title = "Power by octave of frequency, with 95 % intervals"
    plot_kit.add_title(figure, f"{title}\n{settings.caption}", handles)
    return figure
