"""What the labels answer, in one form for every kind of task."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np

from tp_keras.tasks import MISSING
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

# Classes with fewer rows say nothing about what they look like.
LEAST_ROWS = 10


@dataclasses.dataclass(frozen=True)
class Question:
    """One class of several, one flag or one number, asked of every portrait.

    Attributes:
        task: What it is a part of.
        labels: Of classes and of a flag int `[count]`, -1 where missing; of a
            number float `[count]`, NaN where missing.
        classes: Names of the classes; of a flag without and with it; none of a
            number.
        flag: Name of the flag.
    """

    task: Task
    labels: np.ndarray
    classes: tuple[str, ...] = ()
    flag: str | None = None

    @property
    def name(self) -> str:
        """The name of the task, and of the flag, for files."""
        return "_".join(filter(None, [self.task.name, self.flag]))

    @property
    def title(self) -> str:
        """The name as a reader shall see it."""
        words = filter(None, [self.task.name, self.flag])
        return ": ".join(words).replace("_", " ")

    @functools.cached_property
    def known(self) -> np.ndarray:
        """Whether each row has a label, bool `[count]`."""
        if self.is_number:
            return np.isfinite(self.labels)
        return self.labels > MISSING

    @property
    def is_number(self) -> bool:
        """Whether the answer is a number."""
        return self.task.kind == REGRESSION

    @functools.cached_property
    def counts(self) -> np.ndarray:
        """The number of rows of each class, int `[classes]`."""
        known = self.labels[self.known]
        return np.bincount(known, minlength=len(self.classes))

    @functools.cached_property
    def supported(self) -> np.ndarray:
        """The labels of classes with `LEAST_ROWS` or more rows, ascending."""
        return np.flatnonzero(self.counts >= LEAST_ROWS)

    @functools.cached_property
    def usable(self) -> np.ndarray:
        """Rows whose label can be foretold, bool `[count]`; or none."""
        if self.is_number:
            values = self.labels[self.known]
            varies = len(values) >= LEAST_ROWS and np.ptp(values) > 0
            return self.known & varies
        several = len(self.supported) > 1
        return self.known & np.isin(self.labels, self.supported) & several

    def describe(self, label) -> str:
        """Returns a label as a reader shall see it."""
        if self.is_number:
            return f"{label:.3g} {self.task.unit}".strip()
        return self.classes[label]


def ask(schema: Schema, labels: Mapping[str, np.ndarray]) -> list[Question]:
    """Returns the questions that the labels of some rows answer."""
    questions = []
    for task in schema.tasks:
        values = labels[task.name]
        if task.kind != MULTI_LABEL:
            questions.append(Question(task, values, task.classes))
            continue
        for flag, own in zip(task.classes, values.T, strict=True):
            names = (f"no {flag}", flag)
            questions.append(Question(task, own, names, flag))
    return questions
