"""What the labels answer, in one form for every kind of task."""

import dataclasses
import functools
from collections.abc import Mapping

import numpy as np

from tp_keras.audit.label_columns import label_columns
from tp_keras.tasks import MISSING
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

# Classes with fewer rows say nothing about what they look like.
LEAST_ROWS = 10


@dataclasses.dataclass(frozen=True)
class Question:
    """One class of several, one flag or one number, asked of every portrait.

    Attributes:
        name: The name of the task, and of the flag: `"signs: hat"`.
        task: What it is a part of.
        labels: Of classes and of a flag int `[count]`, -1 where missing; of a
            number float `[count]`, NaN where missing.
        classes: Names of the classes; none of a number.
    """

    name: str
    task: Task
    labels: np.ndarray
    classes: tuple[str, ...] = ()

    @property
    def file_name(self) -> str:
        """The name as a part of the names of files."""
        return self.name.replace(": ", "_").replace(" ", "_")

    @functools.cached_property
    def known(self) -> np.ndarray:
        """Whether each row has a label, bool `[count]`."""
        if self.is_number:
            return np.isfinite(self.labels)
        return self.labels > MISSING

    @property
    def is_number(self) -> bool:
        """Whether the answer is a number."""
        return not self.classes

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
    """Returns the questions that labels answer, as `label_columns` tells."""
    return [
        Question(column.name, column.task, column.values, column.classes)
        if column.numbers is None
        else Question(column.name, column.task, column.numbers)
        for column in label_columns(schema, labels)
    ]
