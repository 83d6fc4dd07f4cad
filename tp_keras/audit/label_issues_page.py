"""Labels that look wrong as sentences, tables and a gallery."""

import html
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

from tp_keras.audit.check import Peculiarity
from tp_keras.audit.label_issues import PLANTED_SHARE
from tp_keras.audit.label_issues import SUREST_SHARE
from tp_keras.audit.tiles import tiles
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_count
from tp_keras.tasks import Schema

_MOST_SHOWN = 20

# A twentieth of all labels wrong is as peculiar as it gets by half.
_WEIGHT = 10

_TEXT = f"""\
<p>Each label is foretold from portraits of other folds, by what lies where in
the picture. The share of wrong labels is estimated from the {SUREST_SHARE:.0%}
of the portraits that the classifier is surest of, where it does not err itself;
taken for granted is that labels of other portraits are wrong as often. Listed
is what looks wrong by every repeat (cleanlab). Below each portrait: its label,
what it looks like, the probability of its label.</p>"""

_TITLES = {
    "label_error_rate": "wrong, estimated",
    "label_issues": "listed",
    "planted_found": "planted ones found",
    "label_agreement": "foretold",
    "confident_joint_error_rate": "by confident joint",
}

_NOTE = f"""\
Planted: {PLANTED_SHARE:.0%} of the labels were made wrong on trial. Foretold: \
how often classifier and label agree (of a number within its tolerance); where \
that is rare, estimates are too high, and that by the confident joint before \
all. Brackets hold 95 % intervals."""


def section(
    records: Sequence[Record], lists: Mapping, drawn: Mapping, portraits
) -> Section:
    """Makes the section of the page; see `Measured` for the arguments."""
    text = [_TEXT]
    for name, rows in drawn.items():
        if not len(rows):
            continue
        shown = lists[name][:_MOST_SHOWN]
        captions = [
            (row.label, f"{row.suggested}?", f"{row.score:.3f}", f"{row.index}")
            for row in shown.itertuples(index=False)
        ]
        title = name.removeprefix("label_issues_").replace("_", " ")
        title = f"{title}: {len(shown)} of {len(rows):,} listed"
        images = portraits.images(rows[:_MOST_SHOWN])
        text += [f"<h3>{html.escape(title)}</h3>", tiles(images, captions)]
    found = sorted(
        peculiarities(records, portraits.schema), key=lambda one: -one.weight
    )
    return Section(
        "Label issues",
        "\n".join(text),
        [one.text for one in found],
        _summary(records),
        tables=list(_tables(records)),
    )


def peculiarities(
    records: Sequence[Record], schema: Schema
) -> list[Peculiarity]:
    """Says how many labels are wrong, and where most of them are."""
    found = []
    for whole in find(records, metric="label_error_rate", class_name=None):
        own = find(records, task=whole.task)
        if whole.value is None:
            text = f"Labels of {whole.task} can't be checked: too few, or all "
            text += f"alike (n = {whole.count:,})."
            found.append(Peculiarity(0.1, text))
            continue
        found.append(Peculiarity(_weight(whole), _whole(whole, own)))
        found += _worst_class(whole, own)
    return found


def _weight(record):
    return min(_WEIGHT * record.low, 1.0)


def _share(record):
    return f"{record.value:.1%} [{record.low:.1%}, {record.high:.1%}]"


def _whole(whole, own) -> str:
    (listed,) = find(own, metric="label_issues")
    (planted,) = find(own, metric="planted_found")
    count = f"{round(listed.value * listed.count):,} of {listed.count:,}"
    trial = ""
    if planted.value is not None:
        trial = f" Of wrong labels planted on trial {planted.value:.0%} are."
    if not find(own, metric="confident_joint_error_rate"):
        return (
            f"{count} numbers of {whole.task} are far from what the portraits "
            f"look like, and listed.{trial}"
        )
    return (
        f"{whole.task}: an estimated {_share(whole)} of the labels are wrong; "
        f"{count} are listed.{trial}"
    )


def _worst_class(whole, own) -> Iterator[Peculiarity]:
    """Tells the class that stands out, if there is one."""
    classes = [
        record
        for record in find(own, metric="label_error_rate")
        if record.class_name and record.value is not None
    ]
    worst = max(classes, key=lambda record: record.low, default=None)
    if worst and worst.low > whole.high:
        text = (
            f"Of portraits that surely look {worst.class_name} "
            f"({worst.task}), {_share(worst)} carry another label."
        )
        yield Peculiarity(_weight(worst) / 2, text)


def _form(record):
    if record.value is None:
        return f"not supported (n = {record.count:,})"
    return _share(record)


def _summary(records) -> Table:
    frame = figure_table(
        find(records, class_name=None),
        {"label": "task"},
        "metric",
        _TITLES,
        _form,
        {
            "n": lambda record: (
                format_count(record) * (record.metric == "label_issues")
            )
        },
    )
    return Table("Label issues", _NOTE, frame)


def _tables(records) -> Iterator[Table]:
    found = [
        record
        for record in find(records, metric="label_error_rate")
        if record.class_name
    ]
    if found:
        frame = figure_table(
            found,
            {"label": "task", "looks like": "class_name"},
            lambda record: "labelled otherwise",
            form=_form,
            more={"n": format_count},
        )
        note = "Of the portraits that surely look like a class."
        yield Table("Wrong labels by class", note, frame)
