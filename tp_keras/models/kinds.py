"""Kinds of tasks as a table: head, target, loss and answer of each.

A model puts out *scores* for each task: logits of its classes or flags, or
what its head tells a number by. What a client gets is an *answer*: logits
again, and numbers in their unit.
"""

import dataclasses
import operator
from collections.abc import Callable

import numpy as np
from keras import ops

from tp_keras import tasks
from tp_keras.errors import UserError
from tp_keras.tasks import Task

# Numbers that a head tells apart: so many in a tolerance, and in all.
_LEVELS_IN_TOLERANCE = 5
_MOST_LEVELS = 128


@dataclasses.dataclass(frozen=True)
class Kind:
    """How tasks of a kind are learned.

    Attributes:
        units: Function of a task: the outputs of its dense layer.
        loss: Function `(task, labels, scores, label_smoothing)` to the loss
            of each label; none is missing.
        number: Function `(task, scores)` to numbers `[batch]` in their unit,
            None where labels are classes or flags.
    """

    units: Callable[[Task], int]
    loss: Callable
    number: Callable | None = None


def head_kind(task: Task, number_head: str) -> Kind:
    """Returns the kind of a task's head, of numbers one of `NUMBER_HEADS`."""
    if task.kind != tasks.REGRESSION:
        return KINDS[task.kind]
    if number_head not in NUMBERS:
        raise UserError(
            f"Expected a number_head out of {', '.join(NUMBERS)}. "
            f"Received: number_head={number_head}"
        )
    return NUMBERS[number_head]


def levels(task: Task) -> np.ndarray:
    """Returns the numbers that a head tells apart, float32 `[levels]`."""
    steps = _LEVELS_IN_TOLERANCE * (task.high - task.low) / task.tolerance
    count = min(max(round(steps), 1) + 1, _MOST_LEVELS)
    return np.linspace(task.low, task.high, count, dtype=np.float32)


def _crossentropy(task, labels, scores, label_smoothing):
    """Cross-entropy of classes; Szegedy et al., arXiv:1512.00567.

    Of classes with an order the smoothing goes to those nearby.
    """
    labels = ops.reshape(labels, (-1,))
    target = ops.one_hot(labels, task.num_classes, dtype=scores.dtype)
    spread = label_smoothing / task.num_classes
    if task.kind == tasks.ORDINAL:
        places = ops.arange(task.num_classes, dtype=scores.dtype)
        distance = ops.abs(places - ops.cast(labels, scores.dtype)[:, None])
        spread = label_smoothing * ops.softmax(-distance, axis=-1)
    target = (1.0 - label_smoothing) * target + spread
    return -ops.sum(target * ops.log_softmax(scores, axis=-1), axis=-1)


def _flag_crossentropy(task, labels, scores, label_smoothing):
    target = ops.cast(labels, scores.dtype)
    target = (1.0 - label_smoothing) * target + label_smoothing / 2
    losses = ops.softplus(scores) - target * scores
    # Each flag weighs as much as a task of two classes: as a mean over all of
    # them none learns anything beside tasks of classes.
    return losses * task.num_classes


def _number(task, scores):
    # Scaled so that scores are of order 1.
    scale = (task.high - task.low) / 4.0
    return (task.low + task.high) / 2.0 + scale * scores[..., 0]


def _expected_number(task, scores):
    return ops.sum(ops.softmax(scores, axis=-1) * levels(task), axis=-1)


def _passed_number(task, scores):
    step = levels(task)[1] - levels(task)[0]
    return task.low + step * ops.sum(ops.sigmoid(scores), axis=-1)


def _robust_loss(task, labels, number):
    """Huber's loss in tolerances: squares within one, beyond it the error."""
    error = ops.abs(ops.reshape(labels, (-1,)) - number) / task.tolerance
    return ops.where(error < 1.0, 0.5 * ops.square(error), error - 0.5)


def _regression_loss(task, labels, scores, label_smoothing):
    return _robust_loss(task, labels, _number(task, scores))


def _distribution_loss(task, labels, scores, label_smoothing):
    """Distance of the distribution from a bell at the label, and of its mean.

    Gao et al., "Age estimation using expectation of label distribution
    learning", IJCAI 2018.
    """
    labels = ops.reshape(labels, (-1,))
    deviation = task.tolerance / 2.0
    distance = (levels(task) - labels[:, None]) / deviation
    target = ops.log_softmax(-0.5 * ops.square(distance), axis=-1)
    found = ops.log_softmax(scores, axis=-1)
    divergence = ops.sum(ops.exp(target) * (target - found), axis=-1)
    mean = _expected_number(task, scores)
    return divergence + _robust_loss(task, labels, mean)


def _ordinal_loss(task, labels, scores, label_smoothing):
    """Whether each level is passed; Niu et al., CVPR 2016 (OR-CNN)."""
    steps = levels(task)
    passed = ops.reshape(labels, (-1, 1)) > (steps[1:] + steps[:-1]) / 2
    passed = ops.cast(passed, scores.dtype)
    losses = ops.softplus(scores) - passed * scores
    return ops.sum(losses, axis=-1) * (steps[1] - steps[0]) / task.tolerance


_CLASSES = operator.attrgetter("num_classes")

KINDS = {
    tasks.BINARY: Kind(lambda task: 1, _crossentropy),
    tasks.CATEGORICAL: Kind(_CLASSES, _crossentropy),
    tasks.ORDINAL: Kind(_CLASSES, _crossentropy),
    tasks.MULTI_LABEL: Kind(_CLASSES, _flag_crossentropy),
}
# By the names of `tp_keras.config.NUMBER_HEADS`.
NUMBERS = {
    "distribution": Kind(
        lambda task: len(levels(task)), _distribution_loss, _expected_number
    ),
    "ordinal": Kind(
        lambda task: len(levels(task)) - 1, _ordinal_loss, _passed_number
    ),
    "regression": Kind(lambda task: 1, _regression_loss, _number),
}


def answer(task: Task, values: np.ndarray) -> np.ndarray:
    """Returns what a client understands of a model's answers.

    Of logits `[batch, classes]` these are probabilities, float32, of classes
    with the sum 1; of numbers `[batch, 1]` those within their limits `[batch]`.
    """
    values = np.asarray(values, np.float32)
    if task.kind == tasks.REGRESSION:
        return np.clip(values[:, 0], task.low, task.high)
    if task.kind == tasks.MULTI_LABEL:
        return 1.0 / (1.0 + np.exp(-values))
    exponentials = np.exp(values - values.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)
