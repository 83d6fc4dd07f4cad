"""Labels told in another way: numbers as classes, classes as flags."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.tasks import CATEGORICAL
from tp_keras.tasks import MISSING
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task


def number_as_classes(
    portraits: Portraits, name: str, edges: np.ndarray
) -> Portraits:
    """Returns portraits whose number is one of the classes between edges.

    Args:
        portraits: `Portraits`.
        name: Name of a task of numbers.
        edges: Ascending floats; a number that equals one is below it.

    Raises:
        UserError: If it is no number.
    """
    task = portraits.schema.task(name)
    if task.kind != REGRESSION:
        raise UserError(
            f"Expected a task of numbers. Received: {name}, {task.kind}"
        )
    ends = [f"{edge:.3g}" for edge in edges]
    names = [f"up to {ends[0]}"]
    names += [f"up to {end}" for end in ends[1:]] + [f"above {ends[-1]}"]
    values = portraits.labels[name]
    classes = np.where(
        np.isnan(values), MISSING, np.searchsorted(edges, values)
    )
    return _replaced(
        portraits, {name: (Task(name, CATEGORICAL, tuple(names)), classes)}
    )


def classes_as_flags(portraits: Portraits, names: Sequence[str]) -> Portraits:
    """Returns portraits whose classes are flags that may exclude each other.

    Args:
        portraits: `Portraits`.
        names: Names of tasks with classes.

    Raises:
        UserError: If one has none.
    """
    changed = {}
    for name in names:
        task = portraits.schema.task(name)
        if not task.has_classes:
            raise UserError(
                f"Expected tasks with classes. Received: {name}, {task.kind}"
            )
        values = portraits.labels[name][:, None]
        flags = (values == np.arange(task.num_classes)).astype(np.int32)
        changed[name] = (
            Task(name, MULTI_LABEL, task.classes),
            np.where(values == MISSING, MISSING, flags),
        )
    return _replaced(portraits, changed)


def _replaced(portraits, changed):
    """Returns portraits with other tasks and labels of some names."""
    schema = portraits.schema
    tasks = [
        changed[task.name][0] if task.name in changed else task
        for task in schema.tasks
    ]
    schema = dataclasses.replace(
        schema,
        tasks=tasks,
        protected=None if schema.protected in changed else schema.protected,
        conditions=[name for name in schema.conditions if name not in changed],
    )
    labels = {
        name: values.astype(np.int32) for name, (_, values) in changed.items()
    }
    return dataclasses.replace(
        portraits, schema=schema, labels=portraits.labels | labels
    )
