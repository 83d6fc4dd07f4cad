"""The formats of a bundle as tables."""

from tp_keras import tasks
from tp_keras.evaluation.evaluator import GROUPS
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.table import markdown_table

_LEGEND = """\
One thread. ms: median of a request of one portrait; img/s: in batches of 64.
Differences are those of probabilities to the Keras model; same decisions: the
share with the same most probable class, of the task where it is lowest.
"""


def describe_formats(metadata: dict) -> str:
    """Returns what a bundle's metadata says of its formats, as text.

    Args:
        metadata: From `read_metadata`, of a bundle with several formats.

    Returns:
        What was checked on, the tables, and the warnings.
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
    warnings = [w for entry in entries.values() for w in entry["warnings"]]
    return "\n".join(
        [
            f"\nFormats, checked on {said}.\n",
            format_tables(entries),
            *(f"warning: {warning}" for warning in warnings),
        ]
    )


def format_tables(entries: dict[str, dict]) -> str:
    """Returns two tables: the formats, and their accuracy for each gender.

    Args:
        entries: What `metadata.json` says of formats; see `add_formats`.

    Returns:
        Markdown. Without labels the second table is left out.
    """
    records = {
        name: [Record(**fields) for fields in entry["records"]]
        for name, entry in entries.items()
    }
    first = next(iter(records.values()))
    names = [task.name for task in tasks.TASKS if find(first, task=task.name)]
    labelled = bool(find(first, metric="accuracy"))
    header = ["format", "MB", "ms", "img/s", "largest difference"]
    header += ["mean difference", "same decisions"]
    header += names if labelled else []
    rows = [
        _row(name, entry, records[name], names)
        for name, entry in entries.items()
    ]
    text = markdown_table(header, rows) + "\n" + _LEGEND
    if labelled:
        text += "\nAccuracy, of all and of each gender:\n\n"
        text += _accuracy_table(records, names)
    return text


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


def _row(name, entry, records, names) -> list[str]:
    def figures(metric):
        return [
            find_one(records, metric=metric, task=task, group=ALL).value
            for task in names
            if find(records, metric=metric)
        ]

    means = figures("mean_difference")
    return [
        name,
        f"{entry['bytes'] / 1e6:.3f}",
        *_speeds(entry["latency_ms"]),
        f"{max(figures('max_difference')):.1e}",
        f"{sum(means) / len(means):.1e}",
        f"{100 * min(figures('same_decisions')):.2f} %",
        *(f"{100 * value:.2f} %" for value in figures("accuracy")),
    ]


def _accuracy_table(records, names) -> str:
    rows = []
    for task in names:
        for group in GROUPS:
            found = [
                find_one(of, metric="accuracy", task=task, group=group)
                for of in records.values()
            ]
            cells = [
                "-" if record.value is None else f"{100 * record.value:.2f} %"
                for record in found
            ]
            rows.append([task, group, str(found[0].count), *cells])
    return markdown_table(["task", "group", "n", *records], rows)
