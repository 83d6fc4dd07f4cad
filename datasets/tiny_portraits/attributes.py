"""Reads the attribute file: one row of labels per portrait."""

import pathlib
from typing import NamedTuple

from . import facts
from .bad_items import BadItems
from .errors import DatasetInputError

# How TFDS writes that a label is missing.
MISSING = -1


class Attributes(NamedTuple):
    """The labels of one portrait.

    Attributes:
        line: The line of the attribute file, the header being line 1.
        gender: Class name.
        hair_color: Class name, or -1 where the file says `n/a`.
        hair_type: Class name, or -1 where the file says `n/a`.
    """

    line: int
    gender: str
    hair_color: str | int
    hair_type: str | int

    def labels(self) -> dict[str, str | int]:
        """Returns the labels by feature name."""
        return {name: getattr(self, name) for name in facts.CLASSES}


def read_attributes(
    path: pathlib.Path, bad_items: BadItems
) -> dict[int, Attributes]:
    """Reads and checks the attribute file.

    Args:
        path: `Tiny_Portraits_Attributes.csv`.
        bad_items: Takes up the rows that can't be used.

    Returns:
        The attributes by image index, in ascending order.

    Raises:
        DatasetInputError: If the file as a whole can't be used (missing, not
            text, empty, other columns), or a row is bad and bad items are
            refused.
    """
    lines = _read_lines(path)
    _check_header(path, lines[0])
    table: dict[int, Attributes] = {}
    for number, line in enumerate(lines[1:], start=2):
        if not line:
            continue
        try:
            index, attributes = _parse_row(number, line)
            if index in table:
                raise _RowError(
                    f"repeats the Image_Index {index} of line "
                    f"{table[index].line}",
                    "Delete one of the two rows",
                )
        except _RowError as error:
            reason, remedy = error.args
            bad_items.report([f"{path.name}, line {number}"], reason, remedy)
        else:
            table[index] = attributes
    if not table:
        raise DatasetInputError(
            f"{path} names no portrait: it has no usable row below its "
            "header. Copy the attribute file of the data set again."
        )
    return dict(sorted(table.items()))


class _RowError(Exception):
    """A row is bad; carries the reason and the remedy."""


def _read_lines(path: pathlib.Path) -> list[str]:
    """Returns the lines of a text file, without their ends."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DatasetInputError(
            f"There is no attribute file {path}. Put {facts.CSV_NAME} into "
            "the folder that holds the folder of archives or images."
        ) from None
    if not content.strip():
        raise DatasetInputError(
            f"{path} is empty. Copy the attribute file of the data set again."
        )
    try:
        # Spreadsheets put a byte order mark in front and end lines with CRLF.
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetInputError(
            f"{path}, line {line}, is not UTF-8 text: the file is damaged or "
            "was saved in another encoding. Copy the attribute file of the "
            "data set again."
        ) from None
    # Not str.splitlines, which also splits at characters that no editor
    # counts as the end of a line.
    return [line.rstrip("\r") for line in text.split("\n")]


def _check_header(path: pathlib.Path, header: str) -> None:
    if tuple(header.split(",")) != facts.CSV_COLUMNS:
        raise DatasetInputError(
            f"{path} must start with the line "
            f"{','.join(facts.CSV_COLUMNS)}, these columns in this order. "
            f"Received: {header[:100]!r}. Copy the attribute file of the data "
            "set again."
        )


def _parse_row(number: int, line: str) -> tuple[int, Attributes]:
    """Returns the image index and the attributes of a row."""
    values = line.split(",")
    if len(values) != len(facts.CSV_COLUMNS):
        raise _RowError(
            f"has {len(values)} of {len(facts.CSV_COLUMNS)} columns "
            f"({line[:100]!r}): the file is truncated or damaged",
            "Copy the attribute file again",
        )
    # Not int() alone, which takes ` 7`, `+7` and `1_000` too.
    if not (values[0].isascii() and values[0].isdigit()):
        raise _RowError(
            f"has the Image_Index {values[0]!r} where a number is expected",
            "Correct the row",
        )
    index = int(values[0])
    if index >= facts.INDEX_END:
        raise _RowError(
            f"has the Image_Index {index}; the last one is "
            f"{facts.INDEX_END - 1}",
            "Correct the row",
        )
    labels = []
    for column, value, (name, classes) in zip(
        facts.CSV_COLUMNS[1:], values[1:], facts.CLASSES.items(), strict=True
    ):
        # Every portrait has a gender; only the hair labels may be missing.
        optional = (facts.MISSING_LABEL,) if name != "gender" else ()
        if value in optional:
            labels.append(MISSING)
        elif value in classes:
            labels.append(value)
        else:
            raise _RowError(
                f"has the unknown {column} {value!r}; known are "
                f"{', '.join(classes + optional)}",
                "Correct the row",
            )
    return index, Attributes(number, *labels)
