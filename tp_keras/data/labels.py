"""Which labels are there, and what each row weighs in the loss of a task."""

import functools
import math

import numpy as np

from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# At most about so many ranges of a number are told apart.
_MOST_RANGES = 12


def is_known(task: Task, labels) -> np.ndarray:
    """Returns which labels of a task are there: bool, in their shape."""
    labels = np.asarray(labels)
    return np.isfinite(labels) if task.kind == REGRESSION else labels >= 0


def filled(task: Task, labels) -> np.ndarray:
    """Returns labels that exist, 0, in place of those missing."""
    return np.where(is_known(task, labels), labels, 0).astype(
        np.asarray(labels).dtype
    )


def strata(task: Task, labels) -> np.ndarray:
    """Returns the class of each row, of a number the range that it lies in.

    Rows with flags are of one class.

    Returns:
        int32 `[count]` in 0..`num_strata(task) - 1`, -1 where missing.
    """
    known = is_known(task, labels)
    if task.kind == MULTI_LABEL:
        return np.where(known.any(-1), 0, -1).astype(np.int32)
    if task.kind != REGRESSION:
        return np.asarray(labels, np.int32)
    starts, _ = ranges_of(task)
    ranges = np.searchsorted(starts, filled(task, labels), "right") - 1
    return np.where(known, np.maximum(ranges, 0), -1).astype(np.int32)


def num_strata(task: Task) -> int:
    """Returns the number of classes of `strata`."""
    if task.kind == REGRESSION:
        return len(ranges_of(task)[0])
    return 1 if task.kind == MULTI_LABEL else task.num_classes


@functools.cache
def ranges_of(task: Task) -> tuple[np.ndarray, tuple[str, ...]]:
    """Returns where the ranges of a number start, and how they are called.

    Example:
        >>> starts, names = ranges_of(Task("age", "regression", low=0, ...))
        >>> names[:2]
        ('0-9', '10-19')
    """
    least = (task.high - task.low) / _MOST_RANGES
    size = 10.0 ** math.floor(math.log10(least))
    step = next(size * f for f in (1, 2, 5, 10, 20) if size * f >= least)
    first = math.floor(task.low / step + 1e-9)
    # Of whole numbers the highest one may start a range, as 100 does.
    last = math.floor(task.high / step + (1e-9 if step >= 1 else -1e-9))
    starts = np.arange(first, last + 1) * step
    if step == 1:
        return starts, tuple(f"{start:g}" for start in starts)
    end = step - 1 if step > 1 else step
    return starts, tuple(f"{start:g}-{start + end:g}" for start in starts)


def label_weights(task: Task, labels, balance=0.0) -> np.ndarray:
    """Returns the weight of each label in the loss of its task, float32.

    A missing label weighs 0; the others 1 on average. A number is of the class
    of its range, a flag of the class that it says.

    Args:
        task: `Task`.
        labels: Labels of it as in `Portraits`.
        balance: Float b between 0 and 1. A label of a class with n rows weighs
            in proportion to `n ** -b`: with 1 each class has the same sum.
    """
    if task.kind == MULTI_LABEL:
        columns = np.asarray(labels).T
        return np.stack([_weights(flag, 2, balance) for flag in columns], 1)
    return _weights(strata(task, labels), num_strata(task), balance)


def _weights(labels, num_classes, balance):
    labelled = labels >= 0
    counts = np.bincount(labels[labelled], minlength=num_classes)
    by_class = np.where(counts > 0, np.maximum(counts, 1) ** -float(balance), 0)
    weights = np.where(labelled, by_class[np.maximum(labels, 0)], 0.0)
    total = weights.sum()
    if total > 0:
        weights *= labelled.sum() / total
    return weights.astype(np.float32)
