"""The page of which rule of attributes a label may be."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from tp_keras.explain.criterion import INFORMATION
from tp_keras.explain.criterion import RULE
from tp_keras.explain.evidence import LIKENESS
from tp_keras.explain.regions import EVIDENCE
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import format_figure

_NOTE = (
    "Explained: the share of the label's entropy that is known when the rule "
    "is, by which rules are ranked. Then their balanced accuracy: the mean of "
    "how many of both classes a rule tells. The "
    "rules were ranked on the first split; the second says what is left of it "
    "where nothing was chosen. With a run that has learned the label: how "
    "alike the places are that it and the rule are told by, the correlation "
    "over patches of what hiding them changes, on portraits of the second "
    "split."
)

_IN_PLOT = 12


def splits_of(records: Sequence[Record]) -> list[str]:
    """Returns the split that was ranked by, and that which is measured."""
    rules = find(records, metric=RULE)
    return list(dict.fromkeys(record.split for record in rules))


def ranked(records: Sequence[Record]) -> list[Record]:
    """Returns a record of each rule on the first split, the best first."""
    split = splits_of(records)[0]
    told = {
        record.variant: record.value
        for record in find(records, metric=INFORMATION, split=split)
    }
    first = find(records, metric=RULE, group=ALL, split=split)
    known = [record for record in first if record.value is not None]
    return sorted(known, key=lambda record: -told[record.variant])


def table_of(records: Sequence[Record]) -> pd.DataFrame:
    """Returns a row for each rule: split by split, the second by group."""
    splits, rows = splits_of(records), []
    for best in ranked(records):
        row = {"rule": best.variant}
        for record in find(records, metric=INFORMATION, variant=best.variant):
            row[f"explained, {record.split}"] = format_figure(record)
        own = find(records, metric=RULE, variant=best.variant)
        for split in splits:
            for record in find(own, split=split):
                if record.group != ALL and split != splits[-1]:
                    continue
                where = "" if record.group == ALL else f", {record.group}"
                text = "-"
                if record.value is not None:
                    ends = f"[{record.low:.3f}, {record.high:.3f}]"
                    text = f"{record.value:.3f} {ends}"
                row[f"{split}{where}"] = text
        for record in find(records, metric=LIKENESS, variant=best.variant):
            row["same places"] = format_figure(record)
        rows.append(row)
    return pd.DataFrame(rows)


def sentences(records: Sequence[Record]) -> list[str]:
    """Returns what was found, in plain words."""
    best, *others = ranked(records)
    (again,) = find(
        records,
        metric=RULE,
        group=ALL,
        split=splits_of(records)[-1],
        variant=best.variant,
    )
    lines = [
        f"What tells most of {best.task}: {best.variant}. It explains "
        f"{_explained(records, best)} on {best.split}, and is right for "
        f"{100 * best.value:.1f} %, the classes weighing the same; "
        f"{100 * again.value:.1f} % [{100 * again.low:.1f}, "
        f"{100 * again.high:.1f}] on {again.split} (n = {again.count:,})."
    ]
    if others:
        lines.append(
            f"Next: {others[0].variant}, {_explained(records, others[0])}."
        )
    if best.null is not None:
        lines.append(
            "If the label had nothing to do with any attribute, the best of "
            f"all rules would stay below {100 * best.null:.1f} % in 19 of 20 "
            "cases."
        )
    by_place = find(records, metric=EVIDENCE)
    if by_place:
        most = sorted(by_place, key=lambda record: -record.value)[:3]
        told = ", ".join(
            f"{record.class_name} {100 * record.value:.0f} %" for record in most
        )
        lines.append(
            f"Of what moves the answer of the network of {best.task} most lies "
            f"in these ninths of the view: {told} (everywhere alike: 11 %)."
        )
    return lines


def _explained(records, rule) -> str:
    """Returns how much of the label a rule tells on its split."""
    (own,) = find(
        records, metric=INFORMATION, variant=rule.variant, split=rule.split
    )
    return f"{100 * own.value:.1f} % of the label's entropy"


def make_report(records: Sequence[Record]) -> Report:
    """Returns the report of a ranking."""
    plot = Plot(
        "rules.png",
        "The rules that tell most",
        "In the order of what they explain; on both splits, with 95 % "
        "intervals. Right of the dashed line is what "
        "chance would hardly reach.",
        _draw(records),
    )
    section = Section(
        "Which rule it may be",
        sentences=sentences(records),
        summary=Table("Rules", _NOTE, table_of(records)),
        plots=[plot],
    )
    return Report("The criterion", [section], shows_people=False)


def _draw(records) -> Figure:
    """Draws the best rules, on both splits."""
    best = ranked(records)[:_IN_PLOT]
    drawn = new_figure(8.0, 1.6 + 0.38 * len(best))
    axes = drawn.add_subplot()
    for split, color, shift in zip(
        splits_of(records), ("#56B4E9", "#D55E00"), (-0.12, 0.12), strict=False
    ):
        for place, rule in enumerate(best):
            (own,) = find(
                records,
                metric=RULE,
                group=ALL,
                split=split,
                variant=rule.variant,
            )
            if own.value is None:
                continue
            where = place + shift
            axes.plot((own.low, own.high), (where, where), color=color)
            label = split if place == 0 else None
            axes.plot(own.value, where, "o", color=color, label=label)
    if best[0].null is not None:
        axes.axvline(best[0].null, color="#7F7F7F", linestyle="--")
    axes.set_yticks(np.arange(len(best)), [rule.variant for rule in best])
    axes.invert_yaxis()
    axes.set_xlabel("balanced accuracy")
    handles, _ = axes.get_legend_handles_labels()
    add_title(drawn, f"What tells most of {best[0].task}", handles)
    return drawn
