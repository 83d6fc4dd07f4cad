"""The formats of a bundle as tables."""

from tp_keras.export.formats.compare import HITS
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.table import markdown_table

_LEGEND = """\
One thread. ms: median of a request of one portrait; img/s: in batches of 64.
Differences are those of probabilities to the Keras model, of numbers in their
tolerance; same decisions: the share with the same class, flag or, within the
tolerance, number, of the task where it is lowest.
"""


def describe_formats(metadata: dict) -> str:
    """Returns what a bundle's metadata says of its formats, as text.

    Args:
        metadata: From `read_metadata`, of a bundle with several formats.

    Returns:
        What was checked on, a table of the formats, one of the share of right
        answers for each group where there were labels, and the warnings.
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
    records = {
        name: [Record(**fields) for fields in entry["records"]]
        for name, entry in entries.items()
    }
    rights = [r for r in next(iter(records.values())) if r.metric in HITS]
    header = ["format", "MB", "ms", "img/s", "largest difference"]
    header += ["mean difference", "same decisions"]
    header += dict.fromkeys(record.task for record in rights)
    rows = [_row(name, entry, records[name]) for name, entry in entries.items()]
    text = markdown_table(header, rows) + "\n" + _LEGEND
    if rights:
        text += (
            "\nRight answers (of numbers those within the tolerance), of all "
            "and of each group:\n\n" + _rights_table(records, rights)
        )
    warnings = [w for entry in entries.values() for w in entry["warnings"]]
    return "\n".join(
        [
            f"\nFormats, checked on {said}.\n",
            text,
            *(f"warning: {warning}" for warning in warnings),
        ]
    )


def latency_table(latencies: dict[str, dict[int, float]]) -> str:
    """Returns what `measure_latencies` measured as a Markdown table.

    Args:
        latencies: Dict of format to batch size to seconds.
    """
    rows = [
        [name, *_speeds({str(b): 1e3 * s for b, s in batches.items()})]
        for name, batches in latencies.items()
    ]
    return markdown_table(["format", "ms", "img/s"], rows)


def _speeds(latencies_ms) -> list[str]:
    """Returns the milliseconds of one portrait, and images a second."""
    batch = max(latencies_ms, key=int)
    return [
        f"{latencies_ms['1']:.3f}",
        f"{1e3 * int(batch) / latencies_ms[batch]:,.0f}",
    ]


def _row(name, entry, records) -> list[str]:
    same = find(records, metric="same_decisions")

    def figures(metric):
        # Of tasks alone: an embedding has another scale.
        found = [find_one(records, metric=metric, task=r.task) for r in same]
        return [record.value for record in found]

    means = figures("mean_difference")
    rights = [r for r in records if r.metric in HITS and r.group == ALL]
    return [
        name,
        f"{entry['bytes'] / 1e6:.3f}",
        *_speeds(entry["latency_ms"]),
        f"{max(figures('max_difference')):.1e}",
        f"{sum(means) / len(means):.1e}",
        f"{100 * min(record.value for record in same):.2f} %",
        *(_percent(record) for record in rights),
    ]


def _rights_table(records, rights) -> str:
    rows = []
    for first in rights:
        place = {"task": first.task, "group": first.group}
        cells = [
            _percent(find_one(of, metric=first.metric, **place))
            for of in records.values()
        ]
        rows.append([*place.values(), str(first.count), *cells])
    return markdown_table(["task", "group", "n", *records], rows)


def _percent(record):
    return "-" if record.value is None else f"{100 * record.value:.2f} %"
