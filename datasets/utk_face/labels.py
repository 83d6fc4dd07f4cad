"""Reads the labels out of the name of a picture."""

import re
from typing import NamedTuple

from ..building.file_reader import BadFileError
from . import facts

# How TFDS writes that a class is missing.
MISSING = -1

# Two of the names have a blank before this ending, or lack its first dot.
_ENDING = re.compile(r"\s*\.?(jpe?g)?(\.chip)?\.jpe?g$", re.IGNORECASE)

# Three names have age and gender and no race; the date comes next.
_STAMP = re.compile(r"\d{8,}")


class Labels(NamedTuple):
    """The labels of one picture.

    Attributes:
        age: In years.
        gender: Class name.
        race: Class name, or -1 where missing.
    """

    age: float
    gender: str
    race: str | int


def read_labels(name: str) -> Labels:
    """Reads the labels out of a name such as `26_1_2_20170116182504123.jpg`.

    Args:
        name: `[age]_[gender]_[race]_[date&time].jpg.chip.jpg`; the race may
            be left out.

    Raises:
        BadFileError: If there are no labels in it, or unknown ones.

    Example:
        >>> read_labels("61_1_20170109142408075.jpg.chip.jpg")
        Labels(age=61.0, gender='female', race=-1)
    """
    *words, stamp = _ENDING.sub("", name).split("_")
    if len(words) not in (2, 3) or not _STAMP.fullmatch(stamp):
        raise BadFileError(
            f"has no labels in its name, as in {facts.EXAMPLE_NAME}"
        )
    age, gender, race = (*words, None)[:3]
    return Labels(
        float(_read_number("age", age, facts.OLDEST)),
        _read_class("gender", gender),
        MISSING if race is None else _read_class("race", race),
    )


def _read_class(what: str, text: str) -> str:
    classes = facts.CLASSES[what]
    return classes[_read_number(what, text, len(classes) - 1)]


def _read_number(what: str, text: str, largest: int) -> int:
    if not re.fullmatch(r"[0-9]{1,3}", text) or int(text) > largest:
        raise BadFileError(
            f"has the {what} {text!r} in its name; expected a whole number "
            f"from 0 to {largest}"
        )
    return int(text)
