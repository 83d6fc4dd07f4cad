"""Reads the attribute file: one row of labels per portrait."""

import csv
import io
import shlex
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

import pandas as pd

from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from . import facts

# How TFDS writes that a label is missing.
MISSING = -1

_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
# How other programs write, in any case, that something is missing.
_LIKE_MISSING = ("", "-", "-1", "?", "<na>", "n/a", "na", "nan", "none", "null")
_COPY = "Copy the attribute file again"
_CORRECT = "Correct the row"

# The lines of rows that share what is wrong, and what to do about it.
_Defect = tuple[list[int], str, str]


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
    content: bytes, name: str, bad_items: BadItems, missing: Sequence[str] = ()
) -> dict[int, Attributes]:
    """Reads and checks the attribute file.

    The columns may stand in any order and among others, quoted or not,
    separated by commas, semicolons or tabs, with blanks around. Where the file
    differs from the original in that, the notes of `bad_items` say so.

    Args:
        content: The bytes of the file.
        name: The name of the file.
        bad_items: Takes up the rows that can't be used.
        missing: What means `n/a` in the hair columns, beside `n/a`.

    Returns:
        The attributes by image index, in ascending order.

    Raises:
        DatasetInputError: If the file as a whole can't be used (not text,
            empty, without one of the columns), or a row is bad and bad items
            are refused.
    """
    header, rows = _read_rows(content, name, bad_items)
    columns = list(facts.CSV_COLUMNS)
    place = header.index(columns[0])
    named = {row[place] for row in rows.values() if len(row) > place}

    def refuse(defects):
        """Reports rows by what is wrong with them, and takes them out."""
        for lines, reason, remedy in defects:
            items = [f"{name}, line {line}" for line in lines]
            bad_items.report(items, reason, remedy)
            for line in lines:
                del rows[line]

    refuse(_find_misshapen(header, dict(rows)))
    table = pd.DataFrame(list(rows.values()), list(rows), header, dtype=object)
    refuse(_find_bad_indices(table[columns[0]]))
    table = table.loc[list(rows), columns].astype({columns[0]: int})
    refuse(_find_repeats(table[columns[0]]))
    refuse(_find_bad_labels(table.loc[list(rows)], missing))
    if not rows:
        raise DatasetInputError(
            f"{name} names no portrait: it has no usable row below its "
            f"header. {_COPY}."
        )
    table = table.loc[list(rows)].sort_values(columns[0])
    labels = table.mask(table.isin([facts.MISSING_LABEL, *missing]), MISSING)
    rest = [labels[column] for column in columns[1:]]
    attributes = map(Attributes, table.index.tolist(), *rest)
    found = dict(zip(table[columns[0]].tolist(), attributes, strict=True))
    bad_items.indices |= set(map(int, filter(_is_number, named))) - found.keys()
    return found


def _read_rows(
    content: bytes, name: str, bad_items: BadItems
) -> tuple[list[str], dict[int, list[str]]]:
    """Returns the names of the columns, and the cells of each row by its line.

    Split by the standard library: pandas' readers take a row that was cut off
    for one with empty cells, or leave out what they can't split.
    """
    try:
        text = content.decode("utf-8-sig")  # Spreadsheets mark the encoding.
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DatasetInputError(
            f"{name}, line {line}, is not UTF-8 text: the file is damaged or "
            f"was saved in another encoding. {_COPY}."
        ) from None
    if not text.strip():
        raise DatasetInputError(f"{name} is empty. {_COPY}.")
    separator = _find_separator(text.lstrip().splitlines()[0], name)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        skipinitialspace=True,
        strict=True,  # Nothing is guessed.
    )
    rows = {}
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows[reader.line_num] = cells
    except csv.Error as error:
        raise DatasetInputError(
            f"{name}, line {reader.line_num}, can't be split into columns "
            f"({error}). {_COPY}."
        ) from None
    header = rows.pop(min(rows))
    if all(len(row) == len(header) + 1 for row in rows.values()):
        # R writes row names without a column name in front of them; others
        # end each row with a separator.
        in_front = any(row[-1] for row in rows.values())
        header = ["", *header] if in_front else [*header, ""]
    if separator != ",":
        bad_items.notes.append(f"{name}: separated by {_SEPARATORS[separator]}")
    others = [
        column or f"column {number}"
        for number, column in enumerate(header, start=1)
        if column not in facts.CSV_COLUMNS
    ]
    if others:
        bad_items.notes.append(f"{name}: not read: {', '.join(others)}")
    return header, rows


def _find_separator(header: str, name: str) -> str:
    """Returns what stands between the columns, which must all be there."""
    for separator in _SEPARATORS:
        # What is wrong with its quotes is said where all lines are split.
        [cells] = csv.reader(
            [header], delimiter=separator, skipinitialspace=True
        )
        found = [cell.strip() for cell in cells]
        if all(found.count(column) == 1 for column in facts.CSV_COLUMNS):
            return separator
    raise DatasetInputError(
        f"{name} must start with a line that names the columns "
        f"{','.join(facts.CSV_COLUMNS)}, each once, separated by commas, "
        f"semicolons or tabs. Received: {header[:100]!r}. {_COPY}."
    )


def _is_number(text: str) -> bool:
    # Not int() alone, which takes ` 7`, `+7` and `1_000` too.
    return text.isascii() and text.isdigit() and len(text) < 10


def _find_misshapen(header: list[str], rows: dict) -> Iterator[_Defect]:
    """Yields the rows of more or fewer cells than there are columns."""
    for line, row in rows.items():
        if len(row) != len(header):
            reason = (
                f"has {len(row)} of {len(header)} columns "
                f"({','.join(row)[:100]!r}): the file is truncated or damaged"
            )
            yield [line], reason, _COPY


def _find_bad_indices(column: pd.Series) -> Iterator[_Defect]:
    """Yields the rows without an image index of the data set."""
    is_number = column.map(_is_number)
    for value, lines in _by_value(column[~is_number]):
        reason = f"has the Image_Index {value!r} where a number is expected"
        yield lines, reason, _CORRECT
    numbers = column[is_number].map(int)
    for value, lines in _by_value(numbers[numbers >= facts.INDEX_END]):
        reason = (
            f"has the Image_Index {value}; the last one is "
            f"{facts.INDEX_END - 1}"
        )
        yield lines, reason, _CORRECT


def _find_repeats(indices: pd.Series) -> Iterator[_Defect]:
    """Yields the rows of portraits that have a row before."""
    first = indices.drop_duplicates()
    first = dict(zip(first, first.index, strict=True))
    for line, index in indices[indices.duplicated()].items():
        reason = f"repeats the Image_Index {index} of line {first[index]}"
        yield [line], reason, "Delete one of the two rows"


def _find_bad_labels(
    table: pd.DataFrame, missing: Sequence[str]
) -> Iterator[_Defect]:
    """Yields the rows of each unknown label; a row no more than once."""
    # The flag that reads all of them, so that nobody has to try again.
    absent = sorted(
        value
        for value in {*table["Hair_Color"], *table["Hair_Type"], *missing}
        if value.lower() in _LIKE_MISSING and value != facts.MISSING_LABEL
    )
    for column, classes in zip(
        facts.CSV_COLUMNS[1:], facts.CLASSES.values(), strict=True
    ):
        # Every portrait has a gender; only the hair labels may be missing.
        optional = column != "Gender"
        known = [*classes, *[facts.MISSING_LABEL] * optional]
        labels = table[column]
        labels = labels[~labels.isin([*known, *missing * optional])]
        table = table.drop(index=labels.index)
        for value, lines in _by_value(labels):
            reason = f"has the unknown {column} {value!r}"
            remedy = _CORRECT
            if optional and value in absent:
                remedy = (
                    f"If it means {facts.MISSING_LABEL}, read it so with "
                    f"--missing {shlex.join(absent)}"
                )
            yield lines, f"{reason}; known are {', '.join(known)}", remedy


def _by_value(column: pd.Series) -> Iterator[tuple[Any, list[int]]]:
    """Yields each value of a column and its lines, by the first of them."""
    for value, lines in column.groupby(column, sort=False).groups.items():
        yield value, list(lines)
