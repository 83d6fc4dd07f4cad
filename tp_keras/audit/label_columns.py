"""Labels of any kind as columns of classes, to be counted against each other.

A number is of the class of its range, each flag a column of its own.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from tp_keras.data.labels import ranges_of
from tp_keras.data.labels import strata
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

_NO, _YES = "no", "yes"


@dataclasses.dataclass(frozen=True)
class LabelColumn:
    """A label that is one class of several.

    Attributes:
        name: The name of the task, and of the flag: `"signs: hat"`.
        task: The task that it is a label of.
        classes: Names of the classes, of the ranges of a number.
        values: int32 `[count]`, -1 where missing.
        numbers: Of a number float32 `[count]`, NaN where missing; else None.
    """

    name: str
    task: Task
    classes: tuple[str, ...]
    values: np.ndarray
    numbers: np.ndarray | None = None

    def take(self, rows) -> "LabelColumn":
        """Returns the column of some rows."""
        numbers = None if self.numbers is None else self.numbers[rows]
        return dataclasses.replace(
            self, values=self.values[rows], numbers=numbers
        )


def label_columns(
    schema: Schema, labels: Mapping[str, np.ndarray]
) -> list[LabelColumn]:
    """Returns the columns of all tasks, in the order of the schema.

    Args:
        schema: What the labels are.
        labels: Task name -> labels, as in `Portraits`.
    """
    columns = []
    for task in schema.tasks:
        values = np.asarray(labels[task.name])
        if task.kind == MULTI_LABEL:
            columns += [
                LabelColumn(f"{task.name}: {flag}", task, (_NO, _YES), column)
                for flag, column in zip(task.classes, values.T, strict=True)
            ]
            continue
        is_number = task.kind == REGRESSION
        classes = ranges_of(task)[1] if is_number else task.classes
        numbers = values if is_number else None
        found = strata(task, values)
        columns.append(LabelColumn(task.name, task, classes, found, numbers))
    return columns
