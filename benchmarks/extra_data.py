"""Training portraits for cells that have few: generated, or repeated."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tp_keras.data.portraits import Portraits
from tp_keras.data.portraits import compute_fingerprint
from tp_keras.errors import UserError
from tp_keras.generator.evaluation.attributes import Cell
from tp_keras.generator.evaluation.attributes import all_cells


def cell_shortages(
    portraits: Portraits, per_cell: int = 0, tasks: Sequence[str] = ()
) -> dict[Cell, int]:
    """Returns how many portraits each cell lacks, of those that lack some.

    A cell without a single portrait lacks none: nothing says that there are
    such people, and a generator has never seen one.

    Args:
        portraits: `Portraits`.
        per_cell: What each cell is to be brought up to; 0 for as many as the
            largest has.
        tasks: Names of the tasks whose classes make the cells; the schema's
            conditions where none is given.
    """
    if per_cell < 0:
        raise UserError(
            "Expected a number of portraits for each cell, 0 for that of the "
            f"largest. Received: per_cell={per_cell}"
        )
    names = tasks or portraits.schema.conditions
    counts = {
        cell: len(cell.rows(portraits.labels))
        for cell in all_cells(portraits.schema.get_tasks(names))
    }
    wanted = per_cell or max(counts.values())
    return {
        cell: wanted - count
        for cell, count in counts.items()
        if 0 < count < wanted
    }


def with_generated(
    portraits: Portraits,
    generate,
    per_cell: int = 0,
    seed: int = 0,
    tasks: Sequence[str] = (),
) -> Portraits:
    """Returns portraits and generated ones of the cells that have few.

    What a cell leaves open is as it is in portraits of the cell, so that
    nothing is asked for that hardly exists.

    Args:
        portraits: As of `cell_shortages`, as are the others.
        generate: Function of labels and a seed, `VaeSampler.generate`.
        per_cell: Int.
        seed: Seed of labels and portraits.
        tasks: Names.
    """
    generator = np.random.default_rng(seed)
    rows = [
        generator.choice(cell.rows(portraits.labels), count)
        for cell, count in cell_shortages(portraits, per_cell, tasks).items()
    ]
    if not rows:
        return portraits
    rows = np.concatenate(rows)
    asked = {name: own[rows] for name, own in portraits.labels.items()}
    images = np.concatenate([portraits.images, generate(asked, seed)])
    labels = {
        name: np.concatenate([own, asked[name]])
        for name, own in portraits.labels.items()
    }
    # No images of the data set: numbers after all of theirs.
    more = int(portraits.indices[-1]) + 1 + np.arange(len(rows))
    indices = np.concatenate([portraits.indices, more])
    return dataclasses.replace(
        portraits,
        images=images,
        labels=labels,
        indices=indices,
        storage="memory",
        fingerprint=compute_fingerprint(images, labels, indices),
    )


def with_repeated(
    portraits: Portraits,
    per_cell: int = 0,
    seed: int = 0,
    tasks: Sequence[str] = (),
) -> Portraits:
    """Returns portraits, those of the cells that have few several times.

    What generated portraits have to be better than: the same balance, and no
    generator. Arguments as of `with_generated`.
    """
    generator = np.random.default_rng(seed)
    rows = [np.arange(len(portraits))]
    for cell, count in cell_shortages(portraits, per_cell, tasks).items():
        own = generator.permutation(cell.rows(portraits.labels))
        rows.append(np.resize(own, count))
    return portraits.take(np.sort(np.concatenate(rows)))


def as_many_as(portraits: Portraits, count: int, seed: int = 0) -> Portraits:
    """Returns `count` rows that hold every portrait about equally often.

    So epochs of more and of fewer portraits have equally many steps.

    Raises:
        UserError: If there are more portraits.
    """
    if count < len(portraits):
        raise UserError(
            "Expected a number of rows not below the number of portraits, "
            f"{len(portraits)}. Received: count={count}"
        )
    order = np.random.default_rng(seed).permutation(len(portraits))
    return portraits.take(np.sort(np.resize(order, count)))
