"""Says in a few lines what a data set holds."""

import pathlib

from . import facts
from .build_record import MISSING_NAME
from .build_record import SKIPPED_NAME
from .build_record import BuildRecord

# What to do where no portrait of a split was found.
_WITHOUT = {
    "train": "add the archives that hold some before training",
    "validation": "training then sets a part of train aside",
    "test": "evaluate on validation, or add the archives that hold some",
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
    empty = [
        split for split in facts.SPLIT_RANGES if split not in record.counts
    ]
    counts += [f"{split} none" for split in empty]
    lines = [("portraits", ", ".join(counts))]
    for name, classes in record.labels.items():
        numbers = [
            f"{label} {count:,}"
            for label, count in classes.items()
            if label != MISSING_NAME
        ]
        if classes[MISSING_NAME]:
            numbers.append(f"not labelled {classes[MISSING_NAME]:,}")
        lines.append((name, ", ".join(numbers)))
    skipped = "nothing"
    if record.skipped:
        items = "item" if record.skipped == 1 else "items"
        skipped = f"{record.skipped:,} {items}, see {folder / SKIPPED_NAME}"
    lines += [
        *(("read", note) for note in record.notes),
        ("skipped", skipped),
        ("built in", f"{record.seconds:,.1f} s from {record.source}"),
        ("lies in", str(folder)),
    ]
    width = max(len(title) for title, _ in lines)
    texts = [f"{title:<{width}}  {text}" for title, text in lines]
    for split in empty:
        begin, end = facts.SPLIT_RANGES[split]
        texts.append(
            f"No portrait of {split} was found (image indices {begin:,} to "
            f"{end - 1:,}): {_WITHOUT[split]}."
        )
    return "\n".join(texts)
