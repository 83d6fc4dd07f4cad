"""Records as pictures: confusion, reliability, recall by gender.

Colours are those of Okabe and Ito, which the colour-blind tell apart; female
and male differ in the marker as well.
"""

import os
import pathlib
from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tp_keras import tasks
from tp_keras.evaluation import table
from tp_keras.evaluation.calibration import NUM_BINS
from tp_keras.evaluation.evaluator import GROUPS
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one

# How groups look in every plot of the package.
COLORS = {ALL: "#000000", "female": "#D55E00", "male": "#0072B2"}
MARKERS = {ALL: "s", "female": "o", "male": "D"}
_EMPTY_COLOR = "0.9"

# The accuracy of fewer portraits is hardly a figure; it is drawn hollow.
_FEW_IN_A_BIN = 10


def write_plots(
    folder: str | os.PathLike, records: Sequence[Record]
) -> list[pathlib.Path]:
    """Draws all plots of `records` as PNG files into `folder`.

    Returns:
        The paths written: a confusion plot for each task, the reliability
        diagram, and the recall by gender.
    """
    folder = pathlib.Path(folder)
    figures = {
        f"confusion_{task.name}.png": confusion_plot(records, task)
        for task in table.evaluated_tasks(records)
    }
    figures["reliability.png"] = reliability_plot(records)
    figures["recall_by_gender.png"] = recall_plot(records)
    for name, figure in figures.items():
        FigureCanvasAgg(figure).print_png(folder / name)
    return [folder / name for name in figures]


def confusion_plot(records: Sequence[Record], task: tasks.Task) -> Figure:
    """Draws the confusion matrices of one task, a panel for each group."""
    size = 0.85 * task.num_classes + 0.9
    figure = new_figure(3 * size + 0.8, size + 1.0)
    panels = figure.subplots(1, len(GROUPS), sharey=True)
    for panel, group in zip(panels, GROUPS, strict=True):
        counts = table.confusion_counts(records, task, group)
        totals = [sum(row) for row in counts]
        shares = np.array(
            [
                [cell / total if total else np.nan for cell in row]
                for row, total in zip(counts, totals, strict=True)
            ]
        )
        panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        panel.set_facecolor(_EMPTY_COLOR)
        for (row, column), share in np.ndenumerate(shares):
            defined = np.isfinite(share)
            panel.text(
                column,
                row,
                f"{counts[row][column]}\n{share:.0%}" if defined else "-",
                ha="center",
                va="center",
                fontsize=9,
                color="white" if share > 0.5 else "black",
            )
        panel.set_xticks(range(task.num_classes), task.classes)
        panel.set_yticks(range(task.num_classes), task.classes)
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
        panel.set_title(f"{group} (n = {sum(totals):,})")
        panel.set_xlabel("predicted")
    panels[0].set_ylabel("labelled")
    figure.suptitle(f"{task.name}: number of portraits, and share of the label")
    return figure


def reliability_plot(records: Sequence[Record]) -> Figure:
    """Draws accuracy over confidence, a column for each task."""
    evaluated = table.evaluated_tasks(records)
    figure = new_figure(4.3 * len(evaluated) + 0.4, 5.4)
    panels = figure.subplots(
        2,
        len(evaluated),
        sharex="col",
        sharey="row",
        squeeze=False,
        height_ratios=(3, 1),
    )
    for task, (upper, lower) in zip(evaluated, panels.T, strict=True):
        _draw_reliability(upper, records, task)
        _draw_bin_counts(lower, records, task)
    panels[0, 0].set_ylabel("accuracy")
    panels[1, 0].set_ylabel("portraits")
    _add_title(
        figure,
        panels[0],
        "Reliability: on the dashed line confidence and accuracy agree\n"
        "Gray bars: 95 % intervals of all. "
        f"Hollow: fewer than {_FEW_IN_A_BIN} portraits.",
    )
    return figure


def recall_plot(records: Sequence[Record]) -> Figure:
    """Draws the recall of each class for women and men, with intervals."""
    evaluated = table.evaluated_tasks(records)
    heights = [task.num_classes for task in evaluated]
    figure = new_figure(8.5, 0.62 * sum(heights) + 0.55 * len(heights) + 0.9)
    panels = figure.subplots(
        len(evaluated), 1, sharex=True, squeeze=False, height_ratios=heights
    )[:, 0]
    for task, panel in zip(evaluated, panels, strict=True):
        for offset, group in ((-0.17, "female"), (0.17, "male")):
            _draw_recalls(panel, records, task, group, offset)
        panel.set_yticks(range(task.num_classes), task.classes)
        panel.set_ylim(task.num_classes - 0.5, -0.5)
        panel.set_title(task.name, loc="left", fontsize=11)
        panel.grid(axis="x", color="0.9")
        panel.tick_params(axis="y", length=0)
    panels[0].set_xlim(-0.02, 1.02)
    panels[-1].set_xlabel("recall")
    panels[-1].xaxis.set_major_formatter(PercentFormatter(1.0))
    _add_title(figure, panels, "Recall of each class, with 95 % intervals")
    return figure


def _add_title(figure, panels, title):
    """Puts the title on the left and one legend for all panels beside it."""
    handles = {}
    for panel in panels:
        found, labels = panel.get_legend_handles_labels()
        handles |= dict(zip(labels, found, strict=True))
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    figure.legend(
        [handles[group] for group in GROUPS if group in handles],
        [group for group in GROUPS if group in handles],
        loc="outside upper right",
        ncols=len(GROUPS),
        frameon=False,
    )


def _draw_reliability(panel, records, task):
    panel.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1)
    errors = []
    for group in GROUPS:
        criteria = {"task": task.name, "group": group}
        error = find_one(
            records, metric="expected_calibration_error", **criteria
        )
        if not error.count:
            continue
        errors.append(f"{group} {error.value:.3f}")
        accuracies = find(records, metric="bin_accuracy", **criteria)
        confidences = find(records, metric="bin_confidence", **criteria)
        points = [
            (confidence.value, accuracy)
            for confidence, accuracy in zip(
                confidences, accuracies, strict=True
            )
            if accuracy.count
        ]
        _draw_reliability_of_group(panel, points, group)
    panel.set_title(
        f"{task.name}\ncalibration error: {', '.join(errors)}", fontsize=10
    )
    panel.set_xlim(0, 1.02)
    panel.set_ylim(-0.02, 1.02)
    panel.grid(color="0.93")


def _draw_reliability_of_group(panel, points, group):
    style = {
        "color": COLORS[group],
        "marker": MARKERS[group],
        "markersize": 5,
    }
    many = [(x, y.value) for x, y in points if y.count >= _FEW_IN_A_BIN]
    few = [(x, y.value) for x, y in points if y.count < _FEW_IN_A_BIN]
    panel.plot(*_columns(many), linewidth=1.2, label=group, **style)
    panel.plot(*_columns(few), linestyle="none", fillstyle="none", **style)
    if group == ALL:
        panel.vlines(
            [x for x, _ in points],
            [y.low for _, y in points],
            [y.high for _, y in points],
            color="0.85",
            linewidth=5,
            zorder=1,
        )


def _columns(points):
    return [x for x, _ in points], [y for _, y in points]


def _draw_bin_counts(panel, records, task):
    bins = find(records, metric="bin_accuracy", task=task.name, group=ALL)
    centers = [(record.bin + 0.5) / NUM_BINS for record in bins]
    counts = [record.count for record in bins]
    panel.bar(centers, counts, width=0.9 / NUM_BINS, color="0.75")
    upright = max(counts) < 1000
    for center, count in zip(centers, counts, strict=True):
        if count:
            panel.text(
                center,
                count,
                f"{count} ",
                ha="center",
                va="bottom",
                fontsize=7,
                rotation=0 if upright else 90,
            )
    panel.margins(y=0.25 if upright else 0.7)
    panel.set_xlabel("confidence")


def _draw_recalls(panel, records, task, group, offset):
    for row, class_name in enumerate(task.classes):
        record = find_one(
            records,
            metric="recall",
            task=task.name,
            group=group,
            class_name=class_name,
        )
        if not record.count:
            continue
        y = row + offset
        panel.hlines(
            y, record.low, record.high, color=COLORS[group], linewidth=2
        )
        panel.plot(
            record.value,
            y,
            color=COLORS[group],
            marker=MARKERS[group],
            markersize=6,
            linestyle="none",
            label=group,
        )
        panel.annotate(
            f"{record.value:.0%} of {record.count:,}",
            (1.01, y),
            xycoords=("axes fraction", "data"),
            va="center",
            fontsize=8,
            color=COLORS[group],
        )
