"""Which portraits to show: some, by chance, or of each kind as many."""

from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tp_keras.data.labels import strata
from tp_keras.errors import UserError
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import Task


def choose_rows(
    rows: np.ndarray,
    count: int,
    seed: int,
    labels: Mapping[str, np.ndarray] | None = None,
    balance: Sequence[Task] = (),
) -> np.ndarray:
    """Draws some of the rows, or all if there are fewer, without repetition.

    Args:
        rows: Integers `[n]`.
        count: How many to draw.
        seed: Settles which.
        labels: Task name -> labels of all portraits, for `balance`.
        balance: Tasks whose combinations of labels shall be equally frequent,
            as far as there are enough; a number counts by its range. Rows
            without one of these labels are left out. None: as they come.

    Returns:
        Row numbers: ascending, or of a balanced draw by combination.

    Raises:
        UserError: If no row has the labels to balance.
    """
    order = np.random.default_rng(seed).permutation(rows)
    if not balance:
        return np.sort(order[:count])
    keys = {}
    for task in balance:
        own = labels[task.name][order]
        columns = own.T if task.kind == MULTI_LABEL else [strata(task, own)]
        keys |= {(task.name, i): column for i, column in enumerate(columns)}
    drawn = pd.DataFrame(keys | {"row": order})
    names = [*keys]
    drawn = drawn[(drawn[names] >= 0).all(axis=1)]
    if drawn.empty:
        raise UserError(
            "Expected portraits that have the labels to balance. Received: "
            f"{len(rows):,} portraits without "
            f"{', '.join(task.name for task in balance)}"
        )
    # One of each combination in turn.
    drawn["turn"] = drawn.groupby(names).cumcount()
    drawn = drawn.sort_values("turn", kind="stable")[:count]
    return drawn.sort_values([*names, "row"])["row"].to_numpy()
