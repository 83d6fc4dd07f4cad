"""The recall of each class for women and men, as dumbbells."""

from collections.abc import Sequence

from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from tp_keras import tasks
from tp_keras.evaluation.plots import COLORS
from tp_keras.evaluation.plots import MARKERS
from tp_keras.fairness.group_sample import UNSUPPORTED
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import Record
from tp_keras.records.record import find_one

_OFFSETS = {"female": -0.16, "male": 0.16}


def draw_recalls(records: Sequence[Record], task: tasks.Task) -> Figure:
    """Draws the recalls of a task, a row for each class.

    A line joins women and men: its length is what equal odds would bring to
    0. Groups with too few portraits are hollow, their intervals dotted.
    """
    figure = new_figure(8.5, 0.8 * task.num_classes + 1.3)
    panel = figure.subplots()
    for row, class_name in enumerate(task.classes):
        pair = []
        for group, offset in _OFFSETS.items():
            record = find_one(
                records,
                metric="group_recall",
                task=task.name,
                group=group,
                class_name=class_name,
            )
            _draw_recall(panel, record, row + offset)
            if record.value is not None:
                pair.append((record.value, row + offset))
        if len(pair) == 2:
            panel.plot(
                *zip(*pair, strict=True), color="0.7", linewidth=3, zorder=1
            )
    panel.set_yticks(range(task.num_classes), task.classes)
    panel.set_ylim(task.num_classes - 0.5, -0.5)
    panel.set_xlim(-0.02, 1.02)
    panel.set_xlabel("portraits of the class that the model recognises")
    panel.xaxis.set_major_formatter(PercentFormatter(1.0))
    panel.grid(axis="x", color="0.9")
    panel.tick_params(axis="y", length=0)
    figure.suptitle(
        f"{task.name}: recall of each class, with 95 % intervals",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    figure.legend(
        handles=_handles(), loc="outside lower left", ncols=3, frameon=False
    )
    return figure


def _draw_recall(panel, record, y):
    color = COLORS[record.group]
    if record.value is not None:
        few = record.variant == UNSUPPORTED
        panel.hlines(
            y,
            record.low,
            record.high,
            color=color,
            linewidth=1.8,
            linestyle=":" if few else "-",
        )
        panel.plot(
            record.value,
            y,
            color=color,
            marker=MARKERS[record.group],
            markersize=8,
            markerfacecolor="white" if few else color,
            linestyle="none",
        )
        text = f"{record.value:.0%} of {record.count:,}"
    else:
        text = "none"
    panel.annotate(
        text,
        (1.01, y),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=9,
        color=color,
    )


def _handles():
    marks = [
        Line2D(
            [],
            [],
            color=COLORS[group],
            marker=MARKERS[group],
            markersize=7,
            label=group,
        )
        for group in _OFFSETS
    ]
    few = Line2D(
        [],
        [],
        color="0.4",
        marker="o",
        markerfacecolor="white",
        linestyle=":",
        label="too few portraits to count",
    )
    return [*marks, few]
