"""Portraits with some labels: what is asked for, and which they are."""

import dataclasses
import difflib
import re
from collections.abc import Sequence

import numpy as np

from tp_keras.data.labels import is_known
from tp_keras.data.labels import ranges_of
from tp_keras.data.labels import strata
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.tasks import MISSING_NAME
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

# How portraits without any of the flags are asked for.
_NO_FLAG = "none"

_NUMBER = r"(-?\d+(?:\.\d+)?)"
_RANGE = re.compile(rf"{_NUMBER}?-{_NUMBER}?|{_NUMBER}")


@dataclasses.dataclass(frozen=True)
class Filter:
    """What the label of a task must be: one of some texts.

    Attributes:
        wanted: Names of classes or flags; for a number ranges such as
            `"20-30"`, with both ends, `"60-"` or `"7"`; `"missing"` of each.
    """

    task: Task
    wanted: tuple[str, ...]

    def matches(self, labels) -> np.ndarray:
        """Returns which labels of the task it lets pass, bool `[count]`."""
        return np.any([self._is(text, labels) for text in self.wanted], axis=0)

    def _is(self, text, labels):
        known = is_known(self.task, labels)
        if self.task.kind == MULTI_LABEL:
            if text in self.task.classes:
                return labels[:, self.task.classes.index(text)] == 1
            if text == _NO_FLAG:
                return (labels == 0).all(1)
            known = known.any(1)
        elif text in self.task.classes:
            return labels == self.task.classes.index(text)
        if text == MISSING_NAME:
            return ~known
        low, high = _range(text)
        return known & (labels >= low) & (labels <= high)

    def __str__(self):
        return f"{self.task.name}={','.join(self.wanted)}"


def parse_filters(texts: Sequence[str], schema: Schema) -> list[Filter]:
    """Returns the filters of texts such as `"weather=snow,rain"`.

    Raises:
        UserError: If a text is no such pair of a task and what it knows.
    """
    pairs = dict(text.partition("=")[::2] for text in texts)
    if len(pairs) < len(texts) or not all(pairs.values()):
        raise UserError(
            "Expected labels as TASK=CLASS, TASK=CLASS,CLASS or TASK=20-30, "
            f"each task once. Received: {' '.join(texts)}"
        )
    return [
        _parse(find_task(name, schema), text) for name, text in pairs.items()
    ]


def find_task(name: str, schema: Schema) -> Task:
    """Returns the task of a name, or raises an error that guesses."""
    if name not in schema.task_names:
        raise UserError(_unknown("a task", name, schema.task_names))
    return schema.task(name)


def _parse(task, text):
    known = *task.classes, MISSING_NAME
    if task.kind == MULTI_LABEL:
        known = *task.classes, _NO_FLAG, MISSING_NAME
    # A class may have a comma in its name.
    wanted = (text,) if text in known else tuple(text.split(","))
    for part in wanted:
        if part in known or (task.kind == REGRESSION and _range(part)):
            continue
        if task.kind == REGRESSION:
            raise UserError(
                f"Expected a {task.name} as a range from {task.low:g} to "
                f"{task.high:g} such as {task.low:g}-{task.high:g}, a number "
                f"or {MISSING_NAME}. Received: {task.name}={part}"
            )
        raise UserError(_unknown(f"a {task.name}", part, known))
    return Filter(task, wanted)


def _range(text):
    """Returns both ends of a range, None of another text."""
    found = _RANGE.fullmatch(text)
    if not found or text == "-":
        return None
    low, high, number = found.groups()
    if number:
        return float(number), float(number)
    return float(low or -np.inf), float(high or np.inf)


def _unknown(what, text, known):
    near = difflib.get_close_matches(text, known, n=1)
    guess = f" Did you mean {near[0]}?" if near else ""
    return f"Expected {what} out of {', '.join(known)}.{guess} Received: {text}"


def matching_rows(
    portraits: Portraits, filters: Sequence[Filter]
) -> np.ndarray:
    """Returns the rows that pass all filters, ascending.

    Raises:
        UserError: If there is none; it says how many there are of each class.
    """
    passed = {
        item: item.matches(portraits.labels[item.task.name]) for item in filters
    }
    rows = np.flatnonzero(
        np.logical_and.reduce([np.full(len(portraits), True), *passed.values()])
    )
    if not len(rows):
        alone = ", ".join(
            f"{item}: {own.sum():,}" for item, own in passed.items()
        )
        counts = "; ".join(
            f"{item.task.name}: "
            f"{count_labels(item.task, portraits.labels[item.task.name])}"
            for item in filters
        )
        raise UserError(
            f"None of the {len(portraits):,} portraits of {portraits.dataset}, "
            f"split {portraits.split}, has these labels together. Expected "
            f"labels that occur together; there are {counts}. Received: {alone}"
        )
    return rows


def count_labels(task: Task, labels: np.ndarray) -> str:
    """Returns how many there are of each class, flag or range: `"snow 3"`."""
    if task.kind == MULTI_LABEL:
        names, counts = task.classes, (labels == 1).sum(0)
    else:
        names = ranges_of(task)[1] if task.kind == REGRESSION else task.classes
        counts = np.bincount(
            strata(task, labels) + 1, minlength=len(names) + 1
        )[1:]
    texts = [f"{n} {c:,}" for n, c in zip(names, counts, strict=True) if c]
    missing = (~is_known(task, labels).reshape(len(labels), -1).any(1)).sum()
    if missing:
        texts.append(f"{MISSING_NAME} {missing:,}")
    return ", ".join(texts)


def take_labelled(
    parts: Sequence[Portraits], texts: Sequence[str], strict: bool = True
) -> list[Portraits]:
    """Returns of each data set the portraits with some labels.

    Args:
        parts: `Portraits` of data sets. One that lacks a task is not filtered
            by it.
        texts: What `parse_filters` reads.
        strict: Whether one of them has to have the task of each text.

    Raises:
        UserError: If no data set has the task of a text, or one of them has no
            such portrait.
    """
    names = [text.partition("=")[0] for text in texts]
    known = {name for part in parts for name in part.schema.task_names}
    for name in names:
        if strict and name not in known:
            raise UserError(_unknown("labels", name, sorted(known)))
    taken = []
    for part in parts:
        own = [
            text
            for name, text in zip(names, texts, strict=True)
            if name in part.schema.task_names
        ]
        rows = matching_rows(part, parse_filters(own, part.schema))
        taken.append(part.take(rows) if own else part)
    return taken
