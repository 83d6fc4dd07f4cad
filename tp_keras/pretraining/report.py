"""What a training without labels is worth: table, plots, page."""

from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tp_keras.evaluation.paired import ACCURACY
from tp_keras.evaluation.paired import DIFFERENCE
from tp_keras.pretraining.comparison import SCRATCH
from tp_keras.pretraining.comparison import TUNED
from tp_keras.pretraining.comparison import WAYS
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.picture_grid import draw_grid
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import group_styles
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.table import format_figure

_NOTE = (
    "Balanced accuracy on the test portraits, means over the seeds, each of "
    "which has labels of other portraits. A training from scratch had the time "
    "of the one without labels besides. What is added is that of fine-tuning "
    "to that, in points, with an interval over portraits and seeds."
)


def variant(way: str, fraction: float) -> str:
    """Returns the `variant` of records of a way with some of the labels."""
    return f"{way}, {100 * fraction:g} %"


def table_of(
    records: Sequence[Record], fractions: Sequence[float]
) -> pd.DataFrame:
    """Returns a row for each task and share of labels, a column for each way.

    Args:
        records: Records with a `variant` each.
        fractions: Shares of the labels.
    """
    rows = []
    for task in dict.fromkeys(record.task for record in records):
        for fraction in fractions:
            row = {"task": task, "labels": f"{100 * fraction:g} %"}
            for way in WAYS:
                record = find_one(
                    records,
                    task=task,
                    metric=ACCURACY,
                    group=ALL,
                    variant=variant(way, fraction),
                )
                row[way] = format_figure(record)
            row["tuning adds"] = _points(_gain(records, task, fraction))
            rows.append(row)
    return pd.DataFrame(rows)


def _gain(records, task, fraction) -> Record:
    return find_one(
        records,
        task=task,
        metric=DIFFERENCE,
        group=ALL,
        variant=variant(TUNED, fraction),
    )


def _points(record) -> str:
    if record.value is None:
        return "-"
    ends = (100 * end for end in (record.value, record.low, record.high))
    return "{:+.1f} [{:+.1f}, {:+.1f}]".format(*ends)


def sentences(
    records: Sequence[Record], fractions: Sequence[float]
) -> list[str]:
    """Returns what was found, in plain words.

    Args:
        records: As of `table_of`.
        fractions: Likewise.
    """
    lines = []
    for task in dict.fromkeys(record.task for record in records):
        for fraction in fractions:
            found = _gain(records, task, fraction)
            if found.value is None:
                continue
            what = "does not surely change anything"
            if found.low > 0:
                what = "pays"
            elif found.high < 0:
                what = "costs more than it gives"
            lines.append(
                f"{task} with {100 * fraction:g} % of the labels: learning "
                f"without labels first {what} "
                f"({_points(found)} points)."
            )
    return lines


def make_report(
    records: Sequence[Record],
    fractions: Sequence[float],
    maps: tuple[np.ndarray, Sequence[str]],
    history: Sequence[Mapping[str, float]],
    shows_people: bool,
) -> Report:
    """Returns the report of a comparison.

    Args:
        records: As of `table_of`.
        fractions: Likewise.
        maps: What `map_rows` returns.
        history: Rows of the training without labels.
        shows_people: Whether the portraits may show people.
    """
    plots = [
        Plot(
            f"{task}.png",
            f"{task} by the share of portraits with labels",
            "Where a curve lies above that from scratch, the portraits without "
            "labels have taught something that the labels have not.",
            _draw(find(records, task=task), task, fractions),
        )
        for task in dict.fromkeys(record.task for record in records)
    ]
    plots.append(
        Plot(
            "history.png",
            "The training without labels",
            "The entropy of the mean answer falls to 0 where one prototype is "
            "the answer to all, and that of each rises to 1 where all are; "
            "both are collapses.",
            _draw_history(history),
        )
    )
    pictures, titles = maps
    plots.append(
        Plot(
            "maps.png",
            "Where the network looks",
            "Orange: places like the portrait as a whole, and patches that "
            "move its features when they are hidden.",
            draw_grid(pictures, "Where the network looks", (), titles),
        )
    )
    section = Section(
        "What portraits without labels teach",
        sentences=sentences(records, fractions),
        summary=Table("Ways", _NOTE, table_of(records, fractions)),
        plots=plots,
    )
    return Report("Training without labels", [section], shows_people)


def _draw(records, task, fractions) -> Figure:
    """Draws the balanced accuracy of each way by the share of labels."""
    drawn = new_figure(7.5, 4.5)
    axes = drawn.add_subplot()
    styles = group_styles(WAYS)
    for way in WAYS:
        found = [
            find_one(
                records,
                metric=ACCURACY,
                group=ALL,
                variant=variant(way, fraction),
            )
            for fraction in fractions
        ]
        values = [np.nan if one.value is None else one.value for one in found]
        axes.plot(
            [100 * fraction for fraction in fractions],
            values,
            linewidth=2 if way in (SCRATCH, TUNED) else 1,
            **styles[way],
        )
    axes.set_xscale("log")
    axes.set_xticks([100 * fraction for fraction in fractions])
    axes.set_xticklabels([f"{100 * fraction:g}" for fraction in fractions])
    axes.minorticks_off()
    axes.set_xlabel("% of the training portraits with labels")
    axes.set_ylabel("balanced accuracy")
    handles = [Line2D([], [], label=way, **styles[way]) for way in WAYS]
    add_title(drawn, f"{task} by the share of labels", handles, 2)
    return drawn


def _draw_history(history) -> Figure:
    """Draws entropies and what the nearest neighbours know, by epoch."""
    drawn = new_figure(7.5, 4.0)
    axes = drawn.add_subplot()
    names = [
        name
        for name in history[0]
        if name.startswith("val_knn_") or name.endswith("entropy")
    ]
    styles = group_styles(names)
    for name in names:
        axes.plot(
            [row["epoch"] + 1 for row in history],
            [row[name] for row in history],
            **styles[name],
        )
    axes.set_ylim(0, 1)
    axes.set_xlabel("epoch")
    axes.set_ylabel("share of the largest entropy, accuracy")
    handles = [Line2D([], [], label=name, **styles[name]) for name in names]
    add_title(drawn, "The training without labels", handles, 3)
    return drawn
