"""Near duplicates as sentences, tables and plots, from records alone."""

from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from tp_keras.audit.check import Peculiarity
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.audit.portrait_sheet import draw_sheet
from tp_keras.evaluation.label_table import label_text
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_count
from tp_keras.records.table import format_with_count
from tp_keras.tasks import Schema

_TEXT = """\
<p>Pairs that show the same picture, perhaps brighter or darker, recompressed,
shifted, turned or zoomed by a few per cent; not mirrored ones. Portraits that
look alike when they are small are compared in their components and, cell by
cell, in their pixels. A cluster is what a chain of pairs connects.
<code>near_duplicates.csv</code> lists all pairs.</p>"""

# From this share on, duplicates are as peculiar as can be: of all portraits, of
# those of a split that another one has as well.
_MANY, _MANY_LEAKED = 0.05, 0.02


def peculiarities(
    records: Sequence[Record], schema: Schema
) -> list[Peculiarity]:
    """Says how many portraits are there twice, and what is wrong with them."""
    whole = find_one(records, metric="duplicate_share", split=None)
    clusters = find_one(records, metric="duplicate_clusters").value or 0
    if not clusters:
        return [Peculiarity(0.0, "No portrait is there twice.")]
    largest = find_one(records, metric="largest_cluster").value
    found = [
        Peculiarity(
            max(min(whole.value / _MANY, 1.0) * 0.6, 0.1),
            f"{_hits(whole):,} of {whole.count:,} portraits ({whole.value:.1%})"
            f" are near duplicates, in {clusters:,.0f} clusters; the largest "
            f"holds {largest:.0f}.",
        )
    ]
    for leaked in find(records, metric="leaked_share"):
        if leaked.value:
            text = (
                f"{_hits(leaked):,} of {leaked.count:,} portraits of the split "
                f"{leaked.split} ({leaked.value:.1%}) "
                f"{'has' if _hits(leaked) == 1 else 'have'} a near duplicate "
                "in another split."
            )
            weight = 0.3 + 0.7 * min(leaked.value / _MANY_LEAKED, 1.0)
            found.append(Peculiarity(weight, text))
    for record in find(records, metric="contradicting_clusters"):
        if record.value:
            strangers = find_one(
                records, metric="contradicting_strangers", task=record.task
            )
            text = (
                f"The labels of {record.task} contradict each other in "
                f"{_hits(record):,} of {record.count:,} clusters of near "
                f"duplicates ({record.value:.0%}); in clusters of strangers "
                f"they would in {strangers.value or 0:.0%}."
            )
            found.append(Peculiarity(0.2 + 0.6 * record.value, text))
    return found


def _hits(record):
    return round(record.value * record.count)


def section(
    records: Sequence[Record],
    lists: Mapping,
    drawn: Mapping,
    portraits: PortraitSet,
) -> Section:
    """Makes the section of the page; see `Measured` for the arguments."""
    sentences = [item.text for item in peculiarities(records, portraits.schema)]
    plots = []
    if len(drawn["near_duplicates"]):
        plots.append(_plot(drawn["near_duplicates"], portraits))
    return Section(
        "Near duplicates",
        _TEXT,
        sentences,
        plots=plots,
        tables=[_splits(records), _contradictions(records)],
    )


def _splits(records) -> Table:
    titles = {
        "duplicate_share": "near duplicates",
        "leaked_share": "with one in another split",
    }
    frame = figure_table(
        [record for record in records if record.metric in titles],
        {"split": lambda record: record.split or ALL},
        "metric",
        titles,
        more={"n": format_count},
    )
    return Table("Near duplicates by split", "Shares of the portraits.", frame)


def _contradictions(records) -> Table:
    titles = {
        "contradicting_clusters": "clusters that contradict",
        "contradicting_strangers": "of strangers",
    }
    frame = figure_table(
        [record for record in records if record.metric in titles],
        {"task": "task"},
        lambda record: titles[record.metric],
        form=format_with_count,
    )
    note = (
        "Shares of the clusters with two labels or more, n; of strangers: of "
        "portraits drawn at random in the place of the members. A number "
        "contradicts if it differs by more than its tolerance."
    )
    return Table("Labels of near duplicates", note, frame)


def _plot(pairs, portraits) -> Plot:
    images = [
        np.concatenate(list(portraits.images(pair)), axis=1) for pair in pairs
    ]
    texts = [_describe(pair, portraits) for pair in pairs]
    return Plot(
        "near_duplicates.png",
        "Which portraits are there twice?",
        "Pairs side by side: those whose labels contradict each other first, "
        "then those in two splits, then by similarity. Below them split and "
        "index, and the labels; a slash where the two differ.",
        draw_sheet(images, texts),
    )


def _describe(pair, portraits):
    both = [
        f"{portraits.split_names[portraits.splits[row]]} "
        f"{portraits.indices[row]}"
        for row in pair
    ]
    texts = [" / ".join(both)]
    for task in portraits.schema.tasks:
        labels = portraits.labels[task.name][pair]
        words = dict.fromkeys(label_text(task, label) for label in labels)
        texts.append(f"{task.name}: {' / '.join(words)}")
    return "; ".join(texts)
