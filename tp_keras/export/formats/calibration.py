"""Which portraits an integer format is calibrated with."""

import itertools

import numpy as np

from tp_keras.data.labels import strata
from tp_keras.data.portraits import Portraits


def choose_rows(portraits: Portraits, count: int, seed: int) -> np.ndarray:
    """Chooses rows by chance, the `strata` of all tasks in turn.

    A rare class may reach activations that no other reaches. Taken in turn,
    each has as many portraits as it can give; rows without any label come
    last.

    Args:
        portraits: `Portraits`.
        count: How many; all if there are fewer.
        seed: Decides which.

    Returns:
        Int array of `count` different rows, ascending.
    """
    order = np.random.default_rng(seed).permutation(len(portraits))
    queues = []
    for task in portraits.schema.tasks:
        classes = strata(task, portraits.labels[task.name])[order]
        queues += [order[classes == c] for c in np.unique(classes) if c >= 0]
    turns = itertools.zip_longest(*queues)
    in_turn = (row for turn in turns for row in turn if row is not None)
    chosen = dict.fromkeys(itertools.chain(in_turn, order))
    return np.sort(np.fromiter(itertools.islice(chosen, count), np.int64))
