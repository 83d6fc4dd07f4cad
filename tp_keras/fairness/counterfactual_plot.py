"""What changes when only the cues of gender change."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tp_keras import tasks
from tp_keras.evaluation.evaluator import GROUPS
from tp_keras.evaluation.plots import COLORS
from tp_keras.evaluation.plots import MARKERS
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import Record
from tp_keras.records.record import find

FLIPS = "counterfactual_flips"
# Distances and what they are between.
_DISTANCES = {
    "counterfactual_distance": "same hair,\nother gender's cues",
    "class_distance": "another portrait\nof the class",
}


def draw_counterfactuals(records: Sequence[Record], task: tasks.Task) -> Figure:
    """Draws the share of flipped answers, and distances in the embedding."""
    figure = new_figure(10.5, 3.4)
    flips, distances = figure.subplots(1, 2)
    found = {
        record.group: record
        for record in find(records, metric=FLIPS, task=task.name)
    }
    groups = [group for group in GROUPS if group in found]
    _draw_points(flips, [found[group] for group in groups], groups, "{:.1%}")
    flips.set_xlabel("pairs with two different answers")
    flips.xaxis.set_major_formatter(PercentFormatter(1.0))
    flips.set_ylabel("gender of the first")
    rows = [
        record
        for metric in _DISTANCES
        for record in find(records, metric=metric, task=task.name, group="all")
    ]
    names = [_DISTANCES[record.metric] for record in rows]
    _draw_points(distances, rows, names, "{:.3f}")
    distances.set_xlabel("distance in the embedding (1 - cosine)")
    figure.suptitle(
        f"{task.name}: pairs of portraits that differ in the cues of gender "
        "alone",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    return figure


def _draw_points(panel, records, names, form):
    for row, record in enumerate(records):
        if record.value is None:
            continue
        color = COLORS[record.group]
        panel.hlines(row, record.low, record.high, color=color, linewidth=2)
        panel.plot(
            record.value,
            row,
            color=color,
            marker=MARKERS[record.group],
            markersize=8,
            linestyle="none",
        )
        panel.annotate(
            f"{form.format(record.value)} of {record.count:,}"
            if "%" in form
            else form.format(record.value),
            (record.value, row),
            (0, 8),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            color=color,
        )
    panel.set_yticks(range(len(records)), names)
    panel.set_ylim(len(records) - 0.4, -0.8)
    right = max(
        (record.high for record in records if record.value is not None),
        default=1.0,
    )
    panel.set_xlim(-0.03 * right, 1.15 * right or 1.0)
    panel.grid(axis="x", color="0.9")
    panel.tick_params(axis="y", length=0)
