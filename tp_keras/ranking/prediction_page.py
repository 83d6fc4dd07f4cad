"""How well attributes tell a number, as sentences, a table and a plot."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from tp_keras.ranking import prediction as p
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.plot_kit import add_title
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import Record
from tp_keras.records.record import find

_COLUMNS = {
    p.R2: "R2",
    p.SPEARMAN: "Spearman",
    p.CLASSIFIED: "accuracy of classes",
    p.CUT: "by the number, cut",
}
_LEAKING = {
    p.SPLIT: "split whatever they repeat",
    p.BEFORE: "balanced before they are split",
}
_COLORS = {p.BOOSTING: "#0072B2", p.LINEAR: "#E69F00"}

_NOTE = (
    "Means over splits, with 95 % intervals. Classes have equally many "
    "training rows each. Copies split, and balanced before the split, leak: "
    "the same row, or a repetition of it, is trained on and tested."
)

_METHOD = """\
<p>Held out rows are told from all other columns: by gradient boosting, and by a
linear model with a penalty. R2 is what is explained of the variance beyond the
mean of the training rows, so that below 0 the mean would have been better. The
classes are told by a classifier, and by the number that was told, cut where the
training rows are cut.</p>
<p>Rows that repeat others count once, or stay on one side of the split.
<b>Copies split</b> and <b>balanced, then split</b> show what becomes of the
figures where they don't: that is no knowledge, it is the same row.</p>"""


def ways(records: Sequence[Record]) -> list[str]:
    """Returns the ways that were measured, in the order of a table."""
    known = {record.variant for record in find(records, metric=p.R2)}
    order = (p.ONCE, p.TOGETHER, p.AFTER, *p.LEAKS)
    return [way for way in order if way in known]


def table_of(records: Sequence[Record]) -> pd.DataFrame:
    """Returns a row for each way and what learned it."""
    rows = []
    for way in ways(records):
        guess = _one(records, p.LARGEST, way, "guess")
        for learner in (p.BOOSTING, p.LINEAR):
            row = {"rows": way, "by": learner}
            for metric, heading in _COLUMNS.items():
                own = _one(records, metric, way, learner)
                row[heading] = (
                    f"{own.value:.3f} [{own.low:.3f}, {own.high:.3f}]"
                )
            row["largest class"] = f"{guess.value:.3f}"
            rows.append(row)
    return pd.DataFrame(rows)


def sentences(records: Sequence[Record]) -> list[str]:
    """Returns what was found, in plain words."""
    best = {
        way: max(
            (
                _one(records, p.CLASSIFIED, way, learner)
                for learner in (p.BOOSTING, p.LINEAR)
            ),
            key=lambda record: record.value,
        )
        for way in ways(records)
    }
    first = best[p.ONCE]
    guess = _one(records, p.LARGEST, p.ONCE, "guess")
    explained = max(
        _one(records, p.R2, p.ONCE, learner).value
        for learner in (p.BOOSTING, p.LINEAR)
    )
    lines = [
        f"Each row once, the attributes explain {100 * explained:.1f} % of the "
        f"variance of {first.task}, and tell its class for "
        f"{100 * first.value:.1f} % [{100 * first.low:.1f}, "
        f"{100 * first.high:.1f}], where the largest class is "
        f"{100 * guess.value:.1f} %."
    ]
    (share,) = find(records, metric="repeated_rows")
    if share.value:
        lines.append(
            f"{100 * share.value:.1f} % of the {share.count:,} rows repeat "
            "another one."
        )
    for way in p.LEAKS:
        # Few copies change little, and the other way as easily.
        if way in best and best[way].value > first.high:
            lines.append(
                f"Where rows are {_LEAKING[way]} it seems to be "
                f"{100 * best[way].value:.1f} %, as rows that are tested were "
                "trained on."
            )
    return lines


def make_report(records: Sequence[Record]) -> Report:
    """Returns the report of what `predict_column` returned."""
    target = records[-1].task
    plot = Plot(
        "accuracy.png",
        f"Class of {target} told from the other columns",
        "The lower ways leak, and seem better than they are.",
        _draw(records, target),
    )
    section = Section(
        f"How well the other columns tell {target}",
        text=_METHOD,
        sentences=sentences(records),
        summary=Table("Figures", _NOTE, table_of(records)),
        plots=[plot],
    )
    return Report(f"{target} from attributes", [section], shows_people=False)


def _one(records, metric, way, learner):
    (found,) = find(records, metric=metric, variant=way, class_name=learner)
    return found


def _draw(records, target) -> Figure:
    """Draws the accuracy of each way with its interval."""
    order = ways(records)
    drawn = new_figure(7.0, 1.5 + 0.5 * len(order))
    axes = drawn.add_subplot()
    for learner, shift in ((p.BOOSTING, -0.12), (p.LINEAR, 0.12)):
        color = _COLORS[learner]
        for place, way in enumerate(order):
            own = _one(records, p.CLASSIFIED, way, learner)
            where = place + shift
            axes.plot((own.low, own.high), (where, where), color=color)
            label = learner if place == 0 else None
            axes.plot(own.value, where, "o", color=color, label=label)
    for place, way in enumerate(order):
        guess = _one(records, p.LARGEST, way, "guess")
        label = "the largest class" if place == 0 else None
        axes.plot(guess.value, place, "k|", markersize=14, label=label)
    axes.set_yticks(range(len(order)), order)
    axes.invert_yaxis()
    axes.set_xlabel("accuracy of the class")
    handles, _ = axes.get_legend_handles_labels()
    add_title(drawn, f"{target} from the other columns", handles)
    return drawn
