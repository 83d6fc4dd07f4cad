"""Reads the table, and makes tasks of its flags."""

import collections
import pathlib
import re
from collections.abc import Iterable
from typing import Any
from typing import NamedTuple

from ..building import row_lists
from ..building.bad_items import BadItems
from ..building.row_lists import BadRowError
from ..building.row_lists import Row
from . import facts
from .table import COLUMNS

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
_ENDING = re.compile(r"\.jpe?g$", re.IGNORECASE)
_PLACES = {flag: place for place, flag in enumerate(facts.FLAGS)}

# What else people put between cells, and how it is called.
_SEPARATORS = {",": "commas", "\t": "tabs", ";": "semicolons"}


class Selfie(NamedTuple):
    """A row of the table, its name aside. Equal ones show one person again.

    Attributes:
        popularity: From 0 to 8.
        flags: -1 (no), 0 (not known) or 1 (yes) of each of `facts.FLAGS`.
    """

    popularity: float
    flags: tuple[int, ...]


def read_rows(path: pathlib.Path, bad_items: BadItems) -> dict[str, Row]:
    """Reads the table: name, popularity and 36 flags, separated by blanks.

    See `row_lists.read_rows`. The labels of a row are a `Selfie`, its name
    lacks the ending of the picture.

    Args:
        path: A text file without a header.
        bad_items: Takes up the rows that can't be used.

    Example:
        >>> rows = read_rows(folder / "selfie_dataset.txt", BadItems())
        >>> rows["selfie_00001"].line
        1
    """
    return row_lists.read_rows(
        path,
        _split,
        _read_row,
        f"name, popularity and {len(facts.FLAGS)} flags, separated by blanks",
        bad_items,
    )


def row_name(file_name: str) -> str:
    """Returns how the table calls a picture: without the ending.

    Example:
        >>> row_name("selfie_00001.JPG")
        'selfie_00001'
    """
    return _ENDING.sub("", file_name)


def tell_tasks(selfie: Selfie) -> dict[str, Any]:
    """Returns the labels of a row by task.

    Of a group of flags that exclude each other the class whose flag alone is
    set; -1 where none is, or several are.

    Args:
        selfie: The row.

    Returns:
        `popularity`, a float; `attributes`, a tuple with 0 (no), 1 (yes) or -1
        (missing) of each of `facts.ATTRIBUTES`; class names of the other tasks,
        -1 where missing.

    Example:
        >>> tell_tasks(Selfie(4.5, (0, 1, *[-1] * 34)))["gender"]
        'female'
    """
    female, male = facts.GENDERS
    genders = {1: female, -1: male, 0: facts.MISSING}
    tasks: dict[str, Any] = {
        "popularity": selfie.popularity,
        "gender": genders[_flag(selfie, facts.GENDER_FLAG)],
        "attributes": tuple(
            {1: 1, -1: 0, 0: facts.MISSING}[_flag(selfie, name)]
            for name in facts.ATTRIBUTES
        ),
    }
    for task in facts.GROUPS:
        classes = _set_classes(selfie, task)
        tasks[task] = classes[0] if len(classes) == 1 else facts.MISSING
    return tasks


def count_unclear(selfies: Iterable[Selfie]) -> dict[str, int]:
    """Returns of how many rows a group of flags tells no class, and why.

    Example:
        >>> count_unclear([Selfie(4.5, (0,) * 36)])["race: none set"]
        1
    """
    counts = {
        f"{task}: {what} set": 0
        for task in facts.GROUPS
        for what in ("none", "several")
    }
    for selfie in selfies:
        for task in facts.GROUPS:
            found = len(_set_classes(selfie, task))
            if found != 1:
                counts[f"{task}: {'several' if found else 'none'} set"] += 1
    return counts


def count_repeats(selfies: Iterable[Selfie]) -> int:
    """Returns how many rows are equal to another, all of these counted."""
    sizes = collections.Counter(selfies).values()
    return sum(size for size in sizes if size > 1)


def _flag(selfie: Selfie, name: str) -> int:
    return selfie.flags[_PLACES[name]]


def _set_classes(selfie: Selfie, task: str) -> list[str]:
    """Returns the classes of a task whose flags are set."""
    flags = facts.GROUPS[task]
    return [name for name in flags if _flag(selfie, flags[name]) == 1]


def _split(text: str) -> list[str]:
    """Returns the cells of a row; more than one blank is no empty cell."""
    name, *cells = filter(None, text.split(" "))
    return [row_name(name), *cells]


def _read_row(cells: list[str]) -> Selfie:
    if len(cells) != len(COLUMNS):
        raise BadRowError(_describe_count(cells))
    _, popularity, *flags = cells
    if (
        not _NUMBER.fullmatch(popularity)
        or not facts.LOWEST <= float(popularity) <= facts.HIGHEST
    ):
        raise BadRowError(
            f"has the popularity {popularity!r}; expected a number from "
            f"{facts.LOWEST} to {facts.HIGHEST}"
        )
    for name, flag in zip(facts.FLAGS, flags, strict=True):
        if flag not in facts.NUMBERS:
            *others, last = facts.NUMBERS
            raise BadRowError(
                f"has the flag {name} {flag!r}; expected {', '.join(others)} "
                f"or {last}"
            )
    numbers = tuple(facts.NUMBERS[flag] for flag in flags)
    return Selfie(float(popularity), numbers)


def _describe_count(cells: list[str]) -> str:
    """Returns what is wrong with a row of too few or too many cells."""
    text = " ".join(cells)
    for separator, name in _SEPARATORS.items():
        if text.count(separator) >= len(facts.FLAGS):
            return f"separates its cells by {name}; expected blanks"
    # Of a short row nobody knows which cells are not there.
    if len(cells) < 3:
        return (
            f"has {len(cells)} of {len(COLUMNS)} cells, which blanks separate"
        )
    return (
        f"has {len(cells) - 2} flags behind name and popularity; expected "
        f"{len(facts.FLAGS)}"
    )
