"""Reads lists without a header: a row of labels for each picture."""

import pathlib
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

from .bad_items import BadItems
from .errors import DatasetInputError


class BadRowError(Exception):
    """A row can't be used; the message continues a sentence on the row."""


class Row(NamedTuple):
    """A row of a list.

    Attributes:
        line: Where it stands; the first line is 1.
        labels: None if it can't be used.
    """

    line: int
    labels: Any | None


def read_rows(
    path: pathlib.Path,
    split: Callable[[str], list[str]],
    read_labels: Callable[[list[str]], Any],
    expected: str,
    bad_items: BadItems,
) -> dict[str, Row]:
    """Reads the rows of a list.

    Args:
        path: A text file without a header.
        split: Function of a row, no empty one, that returns its cells, the
            name of the picture first.
        read_labels: Function of the cells of a row that returns its labels, or
            raises `BadRowError`.
        expected: What the rows are, continuing "Expected rows of".
        bad_items: Takes up the rows that can't be used.

    Returns:
        The rows by name, bad ones as well.

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
        cells = split(text.rstrip("\r"))
        name = cells[0]
        try:
            labels = read_labels(cells)
            if name in rows:
                raise BadRowError(f"repeats {name}")
        except BadRowError as error:
            item = f"{path.name}, line {line}"
            bad_items.report([item], str(error), "Correct the row")
            # Its picture is no further bad item.
            rows.setdefault(name, Row(line, None))
            continue
        rows[name] = Row(line, labels)
    if not any(row.labels for row in rows.values()):
        raise DatasetInputError(
            f"{path} lists no picture. Expected rows of {expected}. Copy the "
            "list again."
        )
    return rows
