"""Reads a list: a row of labels for each picture."""

import pathlib
from collections.abc import Collection
from typing import NamedTuple

from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from . import facts


class Labels(NamedTuple):
    """The labels of one picture, class names."""

    criterion: str
    gender: str


class Row(NamedTuple):
    """A row of a list.

    Attributes:
        line: Where it stands; the first line is 1.
        labels: None if it can't be used.
    """

    line: int
    labels: Labels | None


def read_rows(path: pathlib.Path, bad_items: BadItems) -> dict[str, Row]:
    """Reads a list of file name, criterion and gender, separated by tabs.

    Args:
        path: A text file without a header.
        bad_items: Takes up the rows that can't be used.

    Returns:
        The rows by file name, bad ones as well.

    Raises:
        DatasetInputError: If the list as a whole can't be used, or a row is
            bad and bad items are refused.
    """
    try:
        # Nothing but a line break ends a row.
        lines = path.read_text("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DatasetInputError(
            f"{path} is no UTF-8 text ({error.reason} at byte {error.start}). "
            "Copy the list again."
        ) from None
    rows: dict[str, Row] = {}
    for line, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        name, *numbers = text.rstrip("\r").split("\t")
        defect = _find_defect(name, numbers, rows)
        if defect is not None:
            item = f"{path.name}, line {line}"
            bad_items.report([item], defect, "Correct the row")
            rows.setdefault(name, Row(line, None))
            continue
        columns = zip(numbers, facts.CLASSES.values(), strict=True)
        labels = (names[facts.NUMBERS.index(n)] for n, names in columns)
        rows[name] = Row(line, Labels(*labels))
    if not any(row.labels for row in rows.values()):
        raise DatasetInputError(
            f"{path} lists no picture. Expected rows of file name, criterion "
            "and gender, separated by tabs. Copy the list again."
        )
    return rows


def _find_defect(
    name: str, numbers: list[str], rows: Collection[str]
) -> str | None:
    """Returns what is wrong with a row that comes after others, or None."""
    if len(numbers) != len(facts.CLASSES):
        return (
            f"has {1 + len(numbers)} of {1 + len(facts.CLASSES)} columns, "
            "which tabs separate"
        )
    for column, number in zip(facts.CLASSES, numbers, strict=True):
        if number not in facts.NUMBERS:
            expected = " or ".join(facts.NUMBERS)
            return f"has the {column} {number!r}; expected {expected}"
    return f"repeats {name}" if name in rows else None
