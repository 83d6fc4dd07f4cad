"""Tables of text files: every cell a text, every bad line told by number."""

import csv
import os
import pathlib
from collections.abc import Callable

import pandas as pd

from tp_keras.errors import UserError

# What stands for "not known", in any case of letters.
MISSING = ("", "na", "n/a", "nan", "null", "none", "?")

_SEPARATORS = ",;\t"


def read_table(
    path: str | os.PathLike, layout: Callable[[str], dict] = lambda line: {}
) -> pd.DataFrame:
    """Reads a table as texts.

    Args:
        path: A file with a line of column names, whose cells are separated by
            commas, semicolons or tabs, whichever that line has most of.
        layout: Function of the first line. Of a file without names, whose
            cells are separated by blanks, it returns `names` and `missing`,
            further texts that stand for "not known"; else an empty dict.

    Returns:
        A column of str for each name, None where not known.

    Raises:
        UserError: If the file can't be read, a line has another number of
            cells than there are names, or there is no row.
    """
    text = _read(path)
    line = text.split("\n", 1)[0]
    known = layout(line)
    if known:
        names, lines = known["names"], enumerate(text.split("\n"), start=1)
        numbered = [(number, line.split()) for number, line in lines if line]
    else:
        numbered = _cells(path, text, max(_SEPARATORS, key=line.count))
        names = numbered.pop(0)[1]
    names, double = [*names], {name for name in names if names.count(name) > 1}
    if double or "" in names or len(names) < 2:
        raise UserError(
            f"Expected two or more columns in {path}, each with a name of its "
            f"own. Received: {', '.join(sorted(double) or names)}"
            + " more than once"
            * bool(double)
        )
    for number, row in numbered:
        if len(row) != len(names):
            raise UserError(
                f"Line {number} of {path} does not fit the columns. Expected "
                f"{len(names)} cells. Received: {len(row)}"
            )
    if not numbered:
        raise UserError(
            f"Expected one or more rows below the column names of {path}. "
            "Received: none"
        )
    table = pd.DataFrame([row for _, row in numbered], columns=names)
    unknown = {*known.get("missing", ()), *MISSING}
    return table.mask(table.map(str.lower).isin(unknown), None)


def _read(path):
    """Returns the text of a file from its first letter on."""
    path = pathlib.Path(path)
    if not path.is_file():
        raise UserError(
            "Expected a text file that holds a table. "
            f"Received: {str(path)!r}, where there is none"
        )
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"Expected a table as text in UTF-8. Received: {path}, {error}"
        ) from None
    if not text.strip():
        raise UserError(f"Expected a table. Received: {path}, which is empty")
    return text


def _cells(path, text, separator):
    """Returns the rows of a CSV file with the numbers of their last lines."""
    lines = text.splitlines(keepends=True)
    reader = csv.reader(lines, delimiter=separator, strict=True)
    try:
        return [
            (reader.line_num, [cell.strip() for cell in row])
            for row in reader
            if any(map(str.strip, row))
        ]
    except csv.Error as error:
        raise UserError(
            f"Expected a CSV file. Received: {path}, line {reader.line_num}: "
            f"{error}"
        ) from None
