"""The formats of a bundle as tables."""

import pandas as pd

from tp_keras.export.formats.compare import HITS
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import UNDEFINED
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_count
from tp_keras.records.table import markdown_table

_LEGEND = """\
One thread. ms: median of a request of one portrait; img/s: in batches of 64.
Differences are those of probabilities to the Keras model, of numbers in their
tolerance; same decisions: the share with the same class, flag or, within the
tolerance, number, of the task where it is lowest.
"""


def describe_formats(metadata: dict) -> str:
    """Returns what a bundle's metadata says of its formats, as text.

    That is what was checked on, a table of the formats, one of the share of
    right answers for each group where there were labels, and the warnings.
    """
    entries, data = metadata["formats"], metadata["formats_checked_on"]
    count = data["portraits"]
    if "split" in data:
        said = f"{count} portraits of {data['dataset']}, {data['split']}"
    else:
        said = (
            f"{count} images of noise, as the run's data is gone: without "
            "accuracy"
        )
    records = [
        Record(**{**fields, "variant": name})
        for name, entry in entries.items()
        for fields in entry["records"]
    ]
    rows = [
        _row(name, entry, find(records, variant=name))
        for name, entry in entries.items()
    ]
    lines = [f"\nFormats, checked on {said}.\n"]
    lines += [markdown_table(pd.DataFrame(rows)), _LEGEND]
    if rights := [record for record in records if record.metric in HITS]:
        table = figure_table(
            rights,
            {"task": "task", "group": "group"},
            columns="variant",
            form=_percent,
            more={"n": format_count},
        )
        lines += [
            "Right answers (of numbers those within the tolerance), of all "
            "and of each group:\n",
            markdown_table(table),
        ]
    for entry in entries.values():
        lines += [f"warning: {warning}" for warning in entry["warnings"]]
    return "\n".join(lines)


def latency_table(latencies: dict[str, dict[int, float]]) -> str:
    """Returns what `measure_latencies` measured as a Markdown table."""
    rows = [
        {"format": name, **_speeds({str(b): 1e3 * s for b, s in found.items()})}
        for name, found in latencies.items()
    ]
    return markdown_table(pd.DataFrame(rows))


def _speeds(latencies_ms):
    """Returns the milliseconds of one portrait, and images a second."""
    batch = max(latencies_ms, key=int)
    return {
        "ms": f"{latencies_ms['1']:.3f}",
        "img/s": f"{1e3 * int(batch) / latencies_ms[batch]:,.0f}",
    }


def _row(name, entry, records):
    same = find(records, metric="same_decisions")

    def figures(metric):
        # Of tasks alone: an embedding has another scale.
        tasks = {record.task for record in same}
        found = find(records, metric=metric)
        return [record.value for record in found if record.task in tasks]

    means = figures("mean_difference")
    rights = [r for r in records if r.metric in HITS and r.group == ALL]
    return {
        "format": name,
        "MB": f"{entry['bytes'] / 1e6:.3f}",
        **_speeds(entry["latency_ms"]),
        "largest difference": f"{max(figures('max_difference')):.1e}",
        "mean difference": f"{sum(means) / len(means):.1e}",
        "same decisions": f"{100 * min(r.value for r in same):.2f} %",
        **{record.task: _percent(record) for record in rights},
    }


def _percent(record):
    value = record.value
    return UNDEFINED if value is None else f"{100 * value:.2f} %"
