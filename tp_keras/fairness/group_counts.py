"""Answers counted by group and class, and the rates that the counts give.

Counts are an array [..., G, S, C]: group, class of the label, answer. A number
has the ranges of `labels.strata` for classes, and one with flags its flags;
the answers of both are wrong and right. What is not defined is NaN.
"""

import numpy as np

from tp_keras.data.labels import is_known
from tp_keras.data.labels import num_strata
from tp_keras.data.labels import strata
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task


def class_names(task: Task) -> tuple[str, ...]:
    """Returns the names of the classes S; of a number the ends of its ranges.

    Example:
        >>> class_names(Task("age", "regression", low=0, high=120, tolerance=5))
        ('0-10', '10-20', ...)
    """
    if task.kind != REGRESSION:
        return task.classes
    ends = np.linspace(task.low, task.high, num_strata(task) + 1)
    return tuple(
        f"{low:.3g}-{high:.3g}"
        for low, high in zip(ends[:-1], ends[1:], strict=True)
    )


def right_answers(task: Task) -> np.ndarray:
    """Returns which answer is right for each class: bool [S, C]."""
    size = len(class_names(task))
    if task.has_classes:
        return np.eye(size, dtype=bool)
    return np.tile([False, True], (size, 1))


def differ(task: Task, first, second) -> np.ndarray:
    """Returns where answers are not the same: bool [N], or [N, flags].

    Numbers are the same within the task's tolerance.

    Args:
        task: `Task`.
        first: Answers in the form of labels, see `Portraits`.
        second: Others, or the labels.
    """
    if task.kind == REGRESSION:
        return ~(np.abs(np.subtract(first, second)) <= task.tolerance)
    return np.not_equal(first, second)


def count_outcomes(
    task: Task, labels, predictions, groups, num_groups: int
) -> np.ndarray:
    """Counts the rows with a label and a group: int64 [G, S, C].

    Args:
        task: `Task`.
        labels: Labels of it as in `Portraits`.
        predictions: What is predicted, in the form of labels.
        groups: Integer array [N], negative where there is none.
        num_groups: The number of groups G.
    """
    classes, answers = strata(task, labels), predictions
    if task.kind == MULTI_LABEL:
        known = is_known(task, labels)
        classes = np.where(known, np.arange(task.num_classes), -1).ravel()
        groups = np.repeat(groups, task.num_classes)
    if not task.has_classes:
        answers = ~differ(task, predictions, labels).ravel()
    shape = (num_groups, *right_answers(task).shape)
    known = (classes >= 0) & (groups >= 0)
    cells = np.ravel_multi_index(
        (groups[known], classes[known], np.asarray(answers, int)[known]), shape
    )
    return np.bincount(cells, minlength=np.prod(shape)).reshape(shape)


def false_positive_rates(outcomes) -> np.ndarray:
    """Returns how often the others are called by a class: [..., G, K].

    Only of tasks with classes. NaN for a class that is all a group has.
    """
    hits = np.diagonal(outcomes, axis1=-2, axis2=-1)
    return share(np.sum(outcomes, -2) - hits, count_negatives(outcomes))


def count_negatives(outcomes) -> np.ndarray:
    """Returns the rows of all classes but one: [..., G, S]."""
    sizes = np.sum(outcomes, -1)
    return sizes.sum(-1, keepdims=True) - sizes


def differences(rates, counted) -> np.ndarray:
    """Returns the largest rate minus the smallest, of each comparable class.

    Args:
        rates: Float array [..., G, S].
        counted: Bool array [G, S]: the rates that count.
    """
    rates = np.asarray(rates)[..., comparable(counted)]
    counted = counted[:, comparable(counted)]
    largest = np.where(counted, rates, -np.inf).max(-2)
    return largest - np.where(counted, rates, np.inf).min(-2)


def comparable(counted) -> np.ndarray:
    """Returns the classes of which two or more groups count: bool [S]."""
    return np.sum(counted, 0) >= 2


def share(part, whole) -> np.ndarray:
    """Returns `part / whole`, NaN where the whole is 0."""
    part, whole = np.broadcast_arrays(part, whole)
    out = np.full(whole.shape, np.nan)
    return np.divide(part, whole, out=out, where=whole > 0)
