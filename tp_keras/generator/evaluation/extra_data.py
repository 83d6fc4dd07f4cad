"""Training portraits for cells that have few: generated, or repeated."""

import dataclasses

import numpy as np

from tp_keras import tasks
from tp_keras.data.portraits import Portraits
from tp_keras.data.portraits import compute_fingerprint
from tp_keras.errors import UserError
from tp_keras.generator.evaluation.attributes import Cell
from tp_keras.generator.evaluation.attributes import all_cells
from tp_keras.generator.evaluation.attributes import draw_cell_labels


def cell_shortages(
    labels: dict[str, np.ndarray], per_cell: int = 0
) -> dict[Cell, int]:
    """Returns how many portraits each cell of gender and hair colour lacks.

    A cell without a single portrait lacks none: nothing says that there are
    such people, and a generator has never seen one.

    Args:
        labels: Dict: task name -> integer array [N], -1 where missing.
        per_cell: What each cell is to be brought up to; 0 for as many as the
            largest has.

    Returns:
        Dict of cells with a number above 0, in the order of `all_cells`.

    Example:
        >>> sum(cell_shortages(train.labels, per_cell=400).values())
        812
    """
    if per_cell < 0:
        raise UserError(
            "Expected a number of portraits for each cell, 0 for that of the "
            f"largest. Received: per_cell={per_cell}"
        )
    counts = {
        cell: len(cell.rows(labels))
        for cell in all_cells()
        if cell.gender is not None
    }
    wanted = per_cell or max(counts.values())
    return {
        cell: wanted - count
        for cell, count in counts.items()
        if 0 < count < wanted
    }


def with_generated(
    portraits: Portraits, generate, per_cell: int = 0, seed: int = 0
) -> Portraits:
    """Returns portraits and generated ones of the cells that have few.

    Args:
        portraits: `Portraits`, real.
        generate: Function of labels, a dict of int32 arrays [M], and a seed to
            uint8 images [M, 108, 84, 3], such as `VaeSampler.generate`.
        per_cell: See `cell_shortages`.
        seed: Seed of labels and portraits.
    """
    generator = np.random.default_rng(seed)
    drawn = [
        draw_cell_labels(cell, portraits.labels, count, generator)
        for cell, count in cell_shortages(portraits.labels, per_cell).items()
    ]
    if not drawn:
        return portraits
    labels = {
        name: np.concatenate([each[name] for each in drawn])
        for name in tasks.TASK_NAMES
    }
    images = generate(labels, seed)
    # No image of the data set: numbers after all of theirs.
    first = int(portraits.indices[-1]) + 1
    return _made(
        portraits,
        np.concatenate([portraits.images, images]),
        {
            name: np.concatenate([portraits.labels[name], labels[name]])
            for name in tasks.TASK_NAMES
        },
        np.concatenate([portraits.indices, np.arange(len(images)) + first]),
    )


def with_repeated(
    portraits: Portraits, per_cell: int = 0, seed: int = 0
) -> Portraits:
    """Returns portraits, those of the cells that have few several times.

    What generated portraits have to be better than: the same balance, and no
    generator. Arguments as of `with_generated`.
    """
    generator = np.random.default_rng(seed)
    rows = [np.arange(len(portraits))]
    for cell, count in cell_shortages(portraits.labels, per_cell).items():
        own = generator.permutation(cell.rows(portraits.labels))
        rows.append(np.resize(own, count))
    return take_portraits(portraits, np.concatenate(rows))


def as_many_as(portraits: Portraits, count: int, seed: int = 0) -> Portraits:
    """Returns `count` rows that hold every portrait equally often.

    Equally often but for one, where it doesn't come out even. So epochs of
    more and of fewer portraits have equally many steps.

    Args:
        portraits: `Portraits`.
        count: Int, at least the number of portraits.
        seed: Seed of which portraits come once more.

    Raises:
        UserError: If there are more portraits.
    """
    if count < len(portraits):
        raise UserError(
            "Expected a number of rows not below the number of portraits, "
            f"{len(portraits)}. Received: count={count}"
        )
    order = np.random.default_rng(seed).permutation(len(portraits))
    return take_portraits(portraits, np.resize(order, count))


def take_portraits(portraits: Portraits, rows) -> Portraits:
    """Returns the portraits of some rows, in ascending order.

    Args:
        portraits: `Portraits`.
        rows: Integer array [N]; a row may come several times.
    """
    rows = np.sort(rows)
    return _made(
        portraits,
        portraits.images[rows],
        {name: own[rows] for name, own in portraits.labels.items()},
        portraits.indices[rows],
    )


def _made(portraits, images, labels, indices):
    return dataclasses.replace(
        portraits,
        images=images,
        labels=labels,
        indices=indices,
        storage="memory",
        fingerprint=compute_fingerprint(images, labels, indices),
    )
