"""Says in a few lines what a data set holds."""

import pathlib

from .build_record import MISSING_NAME
from .build_record import SKIPPED_NAME
from .build_record import BuildRecord

# What to do where no portrait of a split was found.
_WITHOUT = {
    "train": "add pictures before training",
    "validation": "training then sets a part of train aside",
    "test": "evaluate on validation, or add pictures",
}


def format_summary(record: BuildRecord, folder: pathlib.Path) -> str:
    """Returns the summary of a prepared data set as text of several lines.

    Args:
        record: The record of its build.
        folder: Where it lies.
    """
    counts = [
        f"{split} {count:,}"
        + (f" of {record.found[split]:,}" * (count < record.found[split]))
        for split, count in record.counts.items()
    ]
    empty = [split for split in _WITHOUT if split not in record.counts]
    counts += [f"{split} none" for split in empty]
    lines = [("portraits", ", ".join(counts))]
    for name, labels in record.labels.items():
        numbers = [
            f"{label} {count:,}"
            for label, count in labels.items()
            if label != MISSING_NAME
        ]
        if labels[MISSING_NAME]:
            numbers.append(f"not labelled {labels[MISSING_NAME]:,}")
        lines.append((name, ", ".join(numbers)))
    skipped = "nothing"
    if record.skipped:
        items = "item" if record.skipped == 1 else "items"
        skipped = f"{record.skipped:,} {items}, see {folder / SKIPPED_NAME}"
    lines += [
        *((name, f"{count:,}") for name, count in record.details.items()),
        *(("read", note) for note in record.notes),
        ("skipped", skipped),
        ("built in", f"{record.seconds:,.1f} s from {record.source}"),
        ("lies in", str(folder)),
    ]
    width = max(len(title) for title, _ in lines)
    texts = [f"{title:<{width}}  {text}" for title, text in lines]
    texts += [
        f"No portrait of {split} was found: {_WITHOUT[split]}."
        for split in empty
    ]
    return "\n".join(texts)
