"""The labels of a row as one number, for tables with a row per pattern.

A pattern says for every task which class is asked for, or that it is unknown:
`prod(classes + 1)` patterns, 72 of the tasks of Tiny Portraits. So few that
what depends on labels can be a table instead of a network.
"""

import math

import keras
import numpy as np

from tp_keras.errors import UserError
from tp_keras.tasks import MISSING
from tp_keras.tasks import TASK_NAMES
from tp_keras.tasks import TASKS

# Unknown is a class of its own, the first.
SIZES = tuple(task.num_classes + 1 for task in TASKS)
NUM_PATTERNS = math.prod(SIZES)

# The classes of every pattern, unknown 0: int `[patterns, tasks]`.
CLASSES = np.stack(np.unravel_index(np.arange(NUM_PATTERNS), SIZES), axis=-1)


def pattern_index(labels):
    """Returns the pattern of every row, int32 `[batch]`.

    Args:
        labels: Dict: task -> integer tensor `[batch]`, -1 where unknown.
    """
    index = 0
    for task, size in zip(TASKS, SIZES, strict=True):
        label = keras.ops.cast(labels[task.name], "int32")
        index = index * size + label - MISSING
    return index


def check_labels(labels, rows) -> dict[str, np.ndarray]:
    """Returns the labels as int32 arrays, after a look at them.

    Args:
        labels: Dict: task -> integers `[rows]`, -1 where unknown.
        rows: Int. The expected number of rows.

    Raises:
        UserError: If a task is missing or unknown, a number of rows is
            another, or a label is no class.
    """
    if set(labels) != set(TASK_NAMES):
        raise UserError(
            f"Expected labels of {', '.join(TASK_NAMES)}. "
            f"Received: labels of {', '.join(labels) or 'nothing'}"
        )
    checked = {}
    for task in TASKS:
        values = np.asarray(labels[task.name])
        if values.shape != (rows,) or values.dtype.kind not in "iu":
            raise UserError(
                f"Expected integer labels of shape ({rows},). Received: "
                f"{task.name} of shape {values.shape}, {values.dtype}"
            )
        if rows and not MISSING <= values.min() <= values.max() < (
            task.num_classes
        ):
            raise UserError(
                f"Expected labels from {MISSING} (unknown) to "
                f"{task.num_classes - 1}. Received: {task.name} from "
                f"{values.min()} to {values.max()}"
            )
        checked[task.name] = values.astype(np.int32)
    return checked


def patterns_of(labels) -> np.ndarray:
    """Returns `pattern_index` of checked labels as a NumPy array."""
    return np.ravel_multi_index(
        [labels[task.name] - MISSING for task in TASKS], SIZES
    )
