"""The one number of an answer that is explained, for every kind of task.

Not a probability: where that is near 1 it hardly moves, whatever is hidden.
Of classes it is the logit of one above the mean logit of the others, of a flag
its logit, of a number the number.
"""

import numpy as np

from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# Probabilities of 0 and 1 have no logit.
_LEAST = 1e-7


def explained_columns(task: Task, answers) -> np.ndarray:
    """Returns which class or flag is explained where none is named.

    That is the class which is answered, the flag which is surest, and 0 of a
    number.

    Args:
        task: `Task`.
        answers: Answers of it: `[count, classes]`, or `[count]` of a number.

    Returns:
        An int64 array `[count]`.
    """
    answers = np.asarray(answers)
    if task.kind == REGRESSION:
        return np.zeros(len(answers), np.int64)
    if task.kind == MULTI_LABEL:
        return np.abs(answers - 0.5).argmax(-1)
    return task.predicted(answers)


def score(task: Task, answers, columns) -> np.ndarray:
    """Returns the explained number of each answer, float64 `[count]`.

    Logits follow from probabilities but for a constant, which the mean of the
    others takes away: so a function that answers with probabilities is
    explained as the network inside.

    Args:
        task: `Task`.
        answers: As of `explained_columns`.
        columns: The class or flag of each, an int or an array `[count]`.

    Example:
        >>> score(Task("sky", "binary", ("clear", "grey")), [[0.9, 0.1]], 0)
        array([2.19722458])
    """
    values = np.asarray(answers, np.float64)
    if task.kind == REGRESSION:
        return values
    values = np.clip(values, _LEAST, 1 - _LEAST)
    logits = np.log(values)
    if task.kind == MULTI_LABEL:
        logits -= np.log1p(-values)
    columns = np.broadcast_to(columns, len(values))
    chosen = np.take_along_axis(logits, columns[:, None], 1)[:, 0]
    if task.kind == MULTI_LABEL:
        return chosen
    return chosen - (logits.sum(-1) - chosen) / (task.num_classes - 1)
