"""Records as drawings: confusion, reliability, figures of classes by group.

They draw records of one task that `evaluate_predictions` returned.
"""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from tp_keras.evaluation.class_figures import NUM_BINS
from tp_keras.records.group_plot import draw_groups
from tp_keras.records.group_plot import group_handles
from tp_keras.records.group_plot import rows_height
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# Of so many classes each group has its confusion matrix.
SMALL = 6

_TILTED = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
_EMPTY_COLOR = "0.9"
_MOST_COLUMNS = 3

# A figure of fewer portraits is hardly one; it is drawn hollow.
_FEW = 10

# The share of a panel's height that the longest bar of counts takes.
_BAR_HEIGHT = 0.2


def confusion_plot(
    records: Sequence[Record], task: Task, groups: Sequence[str]
) -> Figure:
    """Draws confusion matrices of classes or ranges, a panel a group."""
    size = len(_matrix(records, task, groups[0])[0])
    side = max((0.85 if size <= SMALL else 0.6) * size, 2.2) + 0.9
    figure, panels = _panels(groups, side, side + 0.5, sharey=True)
    style = {"ha": "center", "va": "center", "in_layout": False}
    style["fontsize"] = 9 if size <= SMALL else 7
    for panel, group in zip(panels, groups, strict=True):
        names, counts = _matrix(records, task, group)
        totals = counts.sum(1, keepdims=True)
        shares = np.where(totals > 0, counts / np.maximum(totals, 1), np.nan)
        panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        panel.set_facecolor(_EMPTY_COLOR)
        for (row, column), share in np.ndenumerate(shares):
            text = f"{counts[row, column]}\n{share:.0%}"
            text = text if np.isfinite(share) else "-"
            color = "white" if share > 0.5 else "black"
            panel.text(column, row, text, color=color, **style)
        crowded = max(map(len, names)) * size > 30
        panel.set_xticks(range(size), names, **(_TILTED if crowded else {}))
        panel.set_yticks(range(size), names)
        panel.tick_params(length=0)
        panel.spines[:].set_visible(False)
        panel.set_title(f"{group} (n = {counts.sum():,})", fontsize=11)
        panel.set_xlabel("predicted")
    panels[0].set_ylabel("labelled")
    add_title(figure, f"{task.name}: number of portraits, share of the label")
    return figure


def reliability_plot(
    records: Sequence[Record], task: Task, groups: Sequence[str]
) -> Figure:
    """Draws accuracy over confidence, a panel a group."""
    figure, panels = _panels(groups, 3.4, 3.5, sharex=True, sharey=True)
    for panel, group in zip(panels, groups, strict=True):
        own = find(records, task=task.name, group=group)
        error = find_one(own, metric="expected_calibration_error")
        accuracies = find(own, metric="bin_accuracy")
        confidences = find(own, metric="bin_confidence")
        panel.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1)
        most = max(record.count for record in accuracies) or 1
        places = [(record.bin + 0.5) / NUM_BINS for record in accuracies]
        heights = [_BAR_HEIGHT * record.count / most for record in accuracies]
        panel.bar(places, heights, 0.9 / NUM_BINS, color="0.88", zorder=0)
        shown = [
            (place.value, record)
            for place, record in zip(confidences, accuracies, strict=True)
            if record.count
        ]
        x = [place for place, _ in shown]
        low, high, y = (
            [getattr(record, name) for _, record in shown]
            for name in ("low", "high", "value")
        )
        fill = ["w" if record.count < _FEW else "k" for _, record in shown]
        panel.vlines(x, low, high, color="0.75", linewidth=4)
        panel.scatter(x, y, 25, fill, edgecolors="k", zorder=3)
        text = "-" if error.value is None else f"{error.value:.3f}"
        title = f"{group} (n = {error.count:,}), error {text}"
        panel.set_title(title, fontsize=10)
        panel.set_xlim(0, 1.02)
        panel.set_ylim(-0.02, 1.02)
        panel.set_xlabel("confidence")
        panel.grid(color="0.93")
    panels[0].set_ylabel("accuracy")
    add_title(figure, f"{task.name}: reliability, with 95 % intervals")
    return figure


def group_plot(
    records: Sequence[Record], task: Task, metric: str, groups: Sequence[str]
) -> Figure:
    """Draws a metric of each class, range or flag for each group."""
    shown = [
        record
        for record in find(records, metric=metric, task=task.name)
        if record.class_name is not None and record.group in groups
    ]
    # Nobody is of some ranges of a number.
    there = {record.class_name for record in shown if record.count}
    if there:
        shown = [record for record in shown if record.class_name in there]
    names = dict.fromkeys(record.class_name for record in shown)
    figure = new_figure(8.5, rows_height(len(names), len(groups)) + 1.4)
    panel = figure.subplots()
    lows = [record.low for record in shown if record.low is not None]
    form, least, title = "{:.0%} of {:,}", 0.1, metric
    if task.kind == REGRESSION:
        unit = f" ({task.unit})" if task.unit else ""
        form, least, title = "{:.1f} of {:,}", 1, f"mean absolute error{unit}"
        panel.set_ylabel(f"labelled{unit}")
    else:
        panel.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))

    def text(record):
        return form.format(record.value, record.count)

    draw_groups(panel, shown, groups, text, lambda r: r.count < _FEW)
    panel.set_xlim(left=math.floor(min(lows, default=0) / least) * least)
    panel.set_xlabel(title.replace("auc", "AUC"))
    handles = group_handles(groups) if len(groups) > 1 else ()
    add_title(figure, f"{task.name}, with 95 % intervals", handles)
    return figure


def cell_count(record: Record) -> int:
    """Returns the number in a cell of a confusion matrix."""
    return round(record.value * record.count) if record.count else 0


def _panels(groups, width, height, **shared):
    """Returns a figure, and a panel of `width` x `height` for each group."""
    columns = min(len(groups), _MOST_COLUMNS)
    rows = math.ceil(len(groups) / columns)
    figure = new_figure(width * columns + 0.6, height * rows + 0.5)
    panels = figure.subplots(rows, columns, squeeze=False, **shared).ravel()
    for panel in panels[len(groups) :]:
        panel.axis("off")
    return figure, panels[: len(groups)]


def _matrix(records, task, group):
    """Returns the classes, and the counts of each pair of them."""
    cells = find(records, metric="confusion", task=task.name, group=group)
    names = list(dict.fromkeys(cell.class_name for cell in cells))
    counts = np.array([cell_count(cell) for cell in cells])
    return names, counts.reshape(len(names), len(names))
