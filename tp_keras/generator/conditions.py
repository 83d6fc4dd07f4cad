"""What a generator is told: the labels of its conditions, as numbers.

`conditions` is in all modules a dict, name -> number of classes. `labels` are
one of name -> integers `[batch]`, a class or -1, unknown, one of its own.
"""

import math

import keras
import numpy as np
from keras import ops

from tp_keras.errors import UserError
from tp_keras.tasks import MISSING

# Priors are fitted by tables with a row for each pattern of labels.
MOST_PATTERNS = 1000


def get_conditions(schema) -> dict[str, int]:
    """Returns the number of classes of each condition of a `Schema`.

    Raises:
        UserError: If there is none, or labels have more than 1,000 patterns.

    Example:
        >>> get_conditions(schema)
        {'weather': 3, 'season': 4}
    """
    conditions = {
        task.name: task.num_classes for task in schema.condition_tasks
    }
    if not conditions:
        raise UserError(
            "A generator is told what to draw. Expected `conditions` in the "
            "metadata of the data set, names of tasks with few classes. "
            f"Received: none, tasks={', '.join(schema.task_names)}"
        )
    if num_patterns(conditions) > MOST_PATTERNS:
        raise UserError(
            "A generator's prior has a row for each combination of labels, "
            f"unknown ones included. Expected at most {MOST_PATTERNS:,}; name "
            f"fewer `conditions`. Received: {num_patterns(conditions):,} of "
            f"conditions={', '.join(conditions)}"
        )
    return conditions


def num_patterns(conditions) -> int:
    """Returns how many patterns of labels there are, unknown ones included."""
    return math.prod(_sizes(conditions))


def pattern_classes(conditions) -> np.ndarray:
    """Returns the classes of every pattern, unknown 0: `[patterns, tasks]`."""
    patterns = np.arange(num_patterns(conditions))
    return np.stack(np.unravel_index(patterns, _sizes(conditions)), axis=-1)


def pattern_index(labels, conditions):
    """Returns the pattern of every row of labels, int32 `[batch]`."""
    index = 0
    for name, size in zip(conditions, _sizes(conditions), strict=True):
        index = index * size + ops.cast(labels[name], "int32") - MISSING
    return index


def one_hot_labels(labels, conditions):
    """Returns labels as rows of ones and zeros, float32 `[batch, columns]`.

    Example:
        >>> one_hot_labels({"weather": [1, -1]}, {"weather": 3})
        [[0, 0, 1, 0], [1, 0, 0, 0]]
    """
    columns = []
    for name, size in zip(conditions, _sizes(conditions), strict=True):
        column = ops.cast(labels[name], "int32") - MISSING
        columns.append(ops.one_hot(column, size, dtype="float32"))
    return ops.concatenate(columns, axis=-1)


def label_inputs(conditions):
    """Returns a dict of symbolic labels, int32 `[batch]`, by condition."""
    return {
        name: keras.Input((), dtype="int32", name=name) for name in conditions
    }


def embed_labels(labels, conditions):
    """Returns the joint embedding of symbolic labels, `[batch, size]`.

    "Unknown" has an embedding of its own. A label has 8 numbers for every four
    classes, begun ones included.
    """
    parts = [
        keras.layers.Embedding(
            size, 8 * math.ceil((size - 1) / 4), name=f"label_{name}_embedding"
        )(labels[name] - MISSING)
        for name, size in zip(conditions, _sizes(conditions), strict=True)
    ]
    return keras.layers.Concatenate(name="label_embedding")(parts)


def _sizes(conditions):
    return [count + 1 for count in conditions.values()]
