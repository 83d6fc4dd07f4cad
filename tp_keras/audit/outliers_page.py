"""Outliers as sentences, tables and plots, from records alone."""

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

from tp_keras.audit.check import Peculiarity
from tp_keras.audit.outliers import FLAGGED
from tp_keras.audit.outliers import REASONS
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.audit.portrait_sheet import draw_sheet
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_count
from tp_keras.tasks import Schema

_TEXT = f"""\
<p>The {FLAGGED:.0%} of the portraits that are most unlike the others, whatever
there are: by their pixels, by their place in the embedding, by what principal
components can't redraw. Each is of the kind in which it is oddest.
<code>outliers.csv</code> lists them, the oddest first, with the reasons.</p>"""


def peculiarities(
    records: Sequence[Record], schema: Schema
) -> list[Peculiarity]:
    """Says of which kinds the oddest portraits are."""
    kinds = [
        record
        for record in find(records, metric="flagged_share")
        if record.class_name and record.value
    ]
    kinds.sort(key=lambda record: -record.value)
    found = []
    for record in kinds[:3]:
        hits = round(record.value * record.count)
        name = _KINDS.get(record.class_name, record.class_name)
        text = (
            f"Of the {FLAGGED:.0%} oddest portraits {hits:,} "
            f"{'is' if hits == 1 else 'are'} {name}: "
            f"{REASONS[record.class_name]}."
        )
        found.append(Peculiarity(0.6 * record.value / FLAGGED, text))
    return found


# In a sentence, where the name of a kind is no adjective.
_KINDS = {"no face": "without a face", "far": "far from all others"}


def section(
    records: Sequence[Record],
    lists: Mapping,
    drawn: Mapping,
    portraits: PortraitSet,
) -> Section:
    """Makes the section of the page; see `Measured` for the arguments."""
    return Section(
        "Outliers",
        _TEXT,
        [item.text for item in peculiarities(records, portraits.schema)],
        plots=list(_plots(lists["outliers"], drawn, portraits)),
        tables=[_table(records)],
    )


def _table(records) -> Table:
    frame = figure_table(
        find(records, metric="flagged_share"),
        {
            "split": lambda record: record.split or ALL,
            "kind": lambda record: record.class_name or ALL,
        },
        "metric",
        {"flagged_share": "share flagged"},
        more={"n": format_count},
    )
    note = "Shares of the portraits. Where a split has more, it is odder."
    return Table("Flagged portraits", note, frame)


def _plots(listed, drawn, portraits) -> Iterator[Plot]:
    rows = dict(zip(listed["index"], listed["reason"], strict=True))
    for name, worst in drawn.items():
        kind = name.removeprefix("outliers: ")
        if not len(worst):
            continue
        texts = [
            f"{portraits.split_names[portraits.splits[row]]} "
            f"{portraits.indices[row]}: {rows[portraits.indices[row]]}"
            for row in worst
        ]
        file_name = f"outliers_{kind.replace(' ', '_').replace('-', '_')}.png"
        yield Plot(
            file_name,
            f"Outliers: {kind}",
            f"{REASONS[kind].capitalize()}. The oddest first, with split, "
            "index and all that is odd.",
            draw_sheet(list(portraits.images(worst)), texts),
        )
