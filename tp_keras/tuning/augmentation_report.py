"""What the comparison of augmentations found: table, plot, page, settings."""

import dataclasses
from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from tp_keras.config import AugmentConfig
from tp_keras.evaluation.paired import ACCURACY
from tp_keras.evaluation.paired import DIFFERENCE
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import group_styles
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.tuning.safe_augmentations import CANDIDATES
from tp_keras.tuning.safe_augmentations import HARMS
from tp_keras.tuning.safe_augmentations import HELPS
from tp_keras.tuning.safe_augmentations import NOTHING
from tp_keras.tuning.safe_augmentations import SAFE
from tp_keras.tuning.safe_augmentations import augmentation
from tp_keras.tuning.safe_augmentations import verdict

_NOTE = (
    "Balanced accuracy with the change less that without, in points, means "
    "over the seeds. All intervals together hold in 19 of 20 cases. A change "
    "harms or helps where an interval says so; it is safe where no group "
    "surely loses more than the margin; else it is open, and left out."
)


def names_in(records: Sequence[Record]) -> list[str]:
    """Returns the candidates that records are of, in the order of a table."""
    known = {record.variant for record in find(records, metric=DIFFERENCE)}
    return [name for name in CANDIDATES if name in known]


def verdicts(records: Sequence[Record], margin: float) -> dict[str, str]:
    """Returns candidate -> what is to be thought of it."""
    return {name: verdict(records, name, margin) for name in names_in(records)}


def chosen_settings(
    found: dict[str, str], base: Sequence[str] = ()
) -> AugmentConfig:
    """Returns the base, the changes that are safe or help, and no other."""
    kept = [name for name, what in found.items() if what in (SAFE, HELPS)]
    changes = {name: CANDIDATES[name] for name in kept}
    return dataclasses.replace(augmentation(NOTHING, base), **changes)


def table_of(records: Sequence[Record], margin: float) -> pd.DataFrame:
    """Returns a row for each candidate: verdict, then task and group."""
    rows = []
    for name, what in verdicts(records, margin).items():
        row = {"change": name, "strength": CANDIDATES[name], "verdict": what}
        for record in find(records, metric=DIFFERENCE, variant=name):
            text = "-"
            if record.value is not None:
                value, low, high = (
                    100 * end for end in (record.value, record.low, record.high)
                )
                text = f"{value:+.1f} [{low:+.1f}, {high:+.1f}]"
            row[f"{record.task}, {record.group}"] = text
        rows.append(row)
    return pd.DataFrame(rows)


def sentences(records: Sequence[Record], margin: float) -> list[str]:
    """Returns what was found, in plain words."""
    found = verdicts(records, margin)
    lines = []
    for record in find(records, metric=ACCURACY, group=ALL, variant=NOTHING):
        text = "not known" if record.value is None else f"{record.value:.3f}"
        lines.append(
            f"Without a change the balanced accuracy of {record.task} is "
            f"{text} (n = {record.count:,})."
        )
    for what, text in (
        (HARMS, "These change what the label says"),
        (HELPS, "These help"),
        (SAFE, f"These cost no group more than {100 * margin:g} points"),
    ):
        names = [name for name, own in found.items() if own == what]
        if names:
            lines.append(f"{text}: {', '.join(names)}.")
    left = {*found} - {
        name for name, own in found.items() if own in (HARMS, HELPS, SAFE)
    }
    if left:
        names = ", ".join(name for name in found if name in left)
        lines.append(
            f"Of these it can't be told: {names}. More seeds, more portraits "
            "to judge by or more epochs tell more."
        )
    return lines


def make_report(
    records: Sequence[Record], margin: float, shows_people: bool
) -> Report:
    """Returns the report of a comparison."""
    tasks = list(dict.fromkeys(record.task for record in records))
    plots = [
        Plot(
            f"{task}.png",
            f"What each change does to {task}",
            "Left of zero it costs. What colours and covered places do tells "
            "what the label is told by.",
            _draw(find(records, task=task), task),
        )
        for task in tasks
    ]
    summary = Table("Changes", _NOTE, table_of(records, margin))
    section = Section(
        "Which changes are safe",
        sentences=sentences(records, margin),
        summary=summary,
        plots=plots,
    )
    return Report("Safe augmentations", [section], shows_people)


def _draw(records, task) -> Figure:
    """Draws the differences of a task, a row for each candidate."""
    names = names_in(records)
    found = find(records, metric=DIFFERENCE)
    groups = list(dict.fromkeys(record.group for record in found))
    styles = group_styles(groups)
    drawn = new_figure(7.5, 1.6 + 0.42 * len(names))
    axes = drawn.add_subplot()
    for record in found:
        if record.value is None:
            continue
        place = names.index(record.variant)
        place += 0.22 * (groups.index(record.group) - (len(groups) - 1) / 2)
        color = styles[record.group]["color"]
        ends = 100 * record.low, 100 * record.high
        axes.plot(ends, (place, place), color=color, linewidth=1.2)
        axes.plot(
            100 * record.value, place, markersize=5, **styles[record.group]
        )
    axes.axvline(0, color="#7F7F7F", linewidth=0.8)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("points of balanced accuracy, against none of these")
    handles = [
        Line2D([], [], linestyle="", label=group, **styles[group])
        for group in groups
    ]
    add_title(drawn, f"What each change does to {task}", handles)
    return drawn
