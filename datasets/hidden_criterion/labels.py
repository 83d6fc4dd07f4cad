"""Reads a list: a row of labels for each picture."""

import pathlib
from typing import NamedTuple

from ..building import row_lists
from ..building.bad_items import BadItems
from ..building.row_lists import BadRowError
from ..building.row_lists import Row
from . import facts


class Labels(NamedTuple):
    """The labels of one picture, class names."""

    criterion: str
    gender: str


def read_rows(path: pathlib.Path, bad_items: BadItems) -> dict[str, Row]:
    """Reads a list of file name, criterion and gender, separated by tabs.

    See `row_lists.read_rows`.
    """
    return row_lists.read_rows(
        path,
        lambda text: text.split("\t"),
        _read_labels,
        "file name, criterion and gender, separated by tabs",
        bad_items,
    )


def _read_labels(cells: list[str]) -> Labels:
    """Returns the labels of a row."""
    _, *numbers = cells
    if len(numbers) != len(facts.CLASSES):
        raise BadRowError(
            f"has {len(cells)} of {1 + len(facts.CLASSES)} columns, "
            "which tabs separate"
        )
    for column, number in zip(facts.CLASSES, numbers, strict=True):
        if number not in facts.NUMBERS:
            expected = " or ".join(facts.NUMBERS)
            raise BadRowError(
                f"has the {column} {number!r}; expected {expected}"
            )
    columns = zip(numbers, facts.CLASSES.values(), strict=True)
    return Labels(*(names[facts.NUMBERS.index(n)] for n, names in columns))
