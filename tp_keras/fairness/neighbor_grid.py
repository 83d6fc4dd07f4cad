"""Queries drawn by chance with their neighbours, to be looked at."""

import dataclasses

import numpy as np

from tp_keras.evaluation import neighbors as neighbors_lib

NUM_QUERIES = 10
NUM_NEIGHBORS = 10


@dataclasses.dataclass(frozen=True)
class NeighborGrid:
    """Queries with the portraits nearest to them.

    Attributes:
        images: uint8 `[queries, 1 + neighbours, height, width, 3]`; the query
            comes first, then its neighbours, nearest first.
        classes: Integers `[queries, 1 + neighbours]`, the classes of the task.
        groups: Integers `[queries, 1 + neighbours]`.
    """

    images: np.ndarray
    classes: np.ndarray
    groups: np.ndarray


def make_grid(images, classes, groups, embedding, seed) -> NeighborGrid | None:
    """Draws queries by chance, evenly over classes and groups.

    Whoever looks at the grid must not be shown what somebody picked: the seed
    alone chooses. The gallery holds all portraits with a label and a group but
    the query, ordered by cosine similarity.

    Args:
        images: uint8 array `[count, height, width, 3]`.
        classes: Integer array `[count]`, negative where there is none.
        groups: Integer array `[count]`, likewise.
        embedding: Float array `[count, size]`.
        seed: Int.

    Returns:
        `NeighborGrid`, or None with fewer than two such portraits.

    Example:
        >>> grid = make_grid(images, labels, groups, embedding, seed=0)
        >>> grid.classes.shape
        (10, 11)
    """
    rows = np.flatnonzero((classes >= 0) & (groups >= 0))
    if len(rows) < 2:
        return None
    classes, groups = classes[rows], groups[rows]
    vectors = neighbors_lib.unit_rows(embedding[rows])
    queries = _draw_queries(classes, groups, np.random.default_rng(seed))
    count = min(NUM_NEIGHBORS, len(rows) - 1)
    # One more than shown, as the query finds itself, too.
    found, _ = neighbors_lib.find_neighbors(
        vectors[queries], vectors, count + 1
    )
    others = [
        line[line != query][:count]
        for line, query in zip(found, queries, strict=True)
    ]
    shown = np.column_stack([queries, others])
    return NeighborGrid(images[rows[shown]], classes[shown], groups[shown])


def _draw_queries(classes, groups, generator):
    """Returns rows of each class and group in turn, sorted by them."""
    cells = {}
    for row in generator.permutation(len(classes)):
        cells.setdefault((classes[row], groups[row]), []).append(row)
    turns = sorted(
        (turn, cell, row)
        for cell, members in cells.items()
        for turn, row in enumerate(members)
    )
    chosen = [(cell, turn, row) for turn, cell, row in turns[:NUM_QUERIES]]
    return np.array([row for *_, row in sorted(chosen)])
