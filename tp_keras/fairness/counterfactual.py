"""How many answers change when a portrait is shown as another group."""

from collections.abc import Iterator

import numpy as np

from tp_keras.evaluation.figures import share
from tp_keras.fairness.group_counts import differ
from tp_keras.records.record import ALL
from tp_keras.tasks import Task


def measure_flips(
    task: Task, predictions, twin_predictions, groups, protected: Task
) -> Iterator[dict]:
    """Compares the answers to portraits and to their counterfactual twins.

    `counterfactual_flips`, of all pairs and of those of each group of the
    original, is the share whose answers differ, by more than the tolerance of
    a number or in any flag. 0 is wanted.

    Args:
        task: `Task`.
        predictions: Answers to the originals, in the form of labels.
        twin_predictions: Answers to their twins.
        groups: Integer array [N], the groups of the originals.
        protected: The task whose classes are the groups.

    Yields:
        Fields of records.
    """
    flips = differ(task, predictions, twin_predictions)
    flips = flips.reshape(len(flips), -1).any(-1)
    for index, group in enumerate((ALL, *protected.classes), start=-1):
        rows = np.full(len(flips), True) if index < 0 else groups == index
        yield share(
            "counterfactual_flips", flips[rows].sum(), rows.sum(), group=group
        )
