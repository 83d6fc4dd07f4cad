"""Reads the attribute file: one row of labels per portrait."""

import csv
import io
import shlex
from collections.abc import Iterable
from collections.abc import Sequence
from typing import NamedTuple

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

# In which order it is reported, what is wrong, and what to do about it.
_Defect = tuple[int, str, str]


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
    places = [header.index(column) for column in facts.CSV_COLUMNS]
    cells = {
        line: [row[place] for place in places]
        for line, row in rows.items()
        if len(row) == len(header)
    }
    absent = _find_absent(cells.values(), missing)
    found: dict[int, Attributes] = {}
    first: dict[str, int] = {}
    defects: dict[_Defect, list[int]] = {}
    for line, row in rows.items():
        defect = (
            _find_defect(cells[line], line, first, missing, absent)
            if line in cells
            else _describe_shape(row, header)
        )
        if defect is not None:
            defects.setdefault(defect, []).append(line)
            continue
        index, gender, *hair = cells[line]
        is_missing = [facts.MISSING_LABEL, *missing]
        hair = [MISSING if label in is_missing else label for label in hair]
        found[int(index)] = Attributes(line, gender, *hair)
    for (_, reason, remedy), lines in sorted(
        defects.items(), key=lambda item: item[0][0]
    ):
        items = [f"{name}, line {line}" for line in lines]
        bad_items.report(items, reason, remedy)
    if not found:
        raise DatasetInputError(
            f"{name} names no portrait: it has no usable row below its "
            f"header. {_COPY}."
        )
    named = {row[places[0]] for row in rows.values() if len(row) > places[0]}
    bad_items.indices |= set(map(int, filter(_is_number, named))) - found.keys()
    return dict(sorted(found.items()))


def _read_rows(
    content: bytes, name: str, bad_items: BadItems
) -> tuple[list[str], dict[int, list[str]]]:
    """Returns the names of the columns, and the cells of each row by its line.

    The readers of pandas take a row that was cut off for one with empty cells,
    or leave out what they can't split.
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


def _describe_shape(row: list[str], header: list[str]) -> _Defect:
    """Returns what is wrong with a row of more or fewer cells than columns."""
    reason = (
        f"has {len(row)} of {len(header)} columns "
        f"({','.join(row)[:100]!r}): the file is truncated or damaged"
    )
    return 0, reason, _COPY


def _find_absent(
    rows: Iterable[Sequence[str]], missing: Sequence[str]
) -> list[str]:
    """Returns all that may mean missing: one flag is to read all of them."""
    found = {label for row in rows for label in row[2:]} | set(missing)
    return sorted(
        label
        for label in found - {facts.MISSING_LABEL}
        if label.lower() in _LIKE_MISSING
    )


def _find_defect(
    row: Sequence[str],
    line: int,
    first: dict[str, int],
    missing: Sequence[str],
    absent: Sequence[str],
) -> _Defect | None:
    """Returns what is wrong with the index or the labels of a row, if any."""
    index, *labels = row
    if not _is_number(index):
        reason = f"has the Image_Index {index!r} where a number is expected"
        return 1, reason, _CORRECT
    if int(index) >= facts.INDEX_END:
        last = facts.INDEX_END - 1
        reason = f"has the Image_Index {index}; the last one is {last}"
        return 2, reason, _CORRECT
    index = str(int(index))
    if first.setdefault(index, line) != line:
        reason = f"repeats the Image_Index {index} of line {first[index]}"
        return 3, reason, "Delete one of the two rows"
    # Every portrait has a gender; only the hair labels may be missing.
    for column, (task, classes) in enumerate(facts.CLASSES.items()):
        known = [*classes, *[facts.MISSING_LABEL] * (task != "gender")]
        label = labels[column]
        if label in known or (column and label in missing):
            continue
        remedy = _CORRECT
        if column and label in absent:
            remedy = (
                f"If it means {facts.MISSING_LABEL}, read it so with "
                f"--missing {shlex.join(absent)}"
            )
        reason = (
            f"has the unknown {facts.CSV_COLUMNS[1 + column]} {label!r}; "
            f"known are {', '.join(known)}"
        )
        return 4 + column, reason, remedy
    return None
