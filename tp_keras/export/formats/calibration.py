"""Which portraits an integer format is calibrated with."""

import itertools

import numpy as np


def choose_rows(labels, count: int, seed: int) -> np.ndarray:
    """Chooses rows by chance, the classes of all tasks in turn.

    A rare class may reach activations that no other reaches. Taken in turn,
    each has as many portraits as it can give; rows without any label come
    last.

    Args:
        labels: Dict of task name to int array `[rows]`, -1 where missing.
        count: Int. How many; all if there are fewer.
        seed: Int.

    Returns:
        Int array of `count` different rows, ascending.

    Example:
        >>> labels = {"gender": np.array([0, 0, 0, 0, 1])}
        >>> choose_rows(labels, 2, seed=0)
        array([2, 4])
    """
    rows = len(next(iter(labels.values())))
    order = np.random.default_rng(seed).permutation(rows)
    queues = [
        order[values[order] == label]
        for values in labels.values()
        for label in np.unique(values[values >= 0])
    ]
    turns = itertools.zip_longest(*queues)
    in_turn = (row for turn in turns for row in turn if row is not None)
    chosen = dict.fromkeys(itertools.chain(in_turn, order))
    return np.sort(np.fromiter(itertools.islice(chosen, count), np.int64))
