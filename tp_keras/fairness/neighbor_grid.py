"""Queries and their neighbours, chosen to be looked at."""

import dataclasses

import numpy as np

from tp_keras import tasks
from tp_keras.evaluation import neighbors as neighbors_lib

NUM_QUERIES = 10
NUM_NEIGHBORS = 10


@dataclasses.dataclass(frozen=True)
class NeighborGrid:
    """Queries with the portraits nearest to them.

    Attributes:
        images: uint8 `[queries, 1 + neighbours, height, width, 3]`; the query
            comes first, then its neighbours, nearest first.
        labels: Integers `[queries, 1 + neighbours]`, the classes of the task.
        genders: Integers `[queries, 1 + neighbours]`.
    """

    images: np.ndarray
    labels: np.ndarray
    genders: np.ndarray


def make_grid(images, labels, genders, embedding, seed) -> NeighborGrid | None:
    """Draws queries by chance, evenly over classes and genders.

    Whoever looks at the grid must not be shown what somebody picked: the seed
    alone chooses. The gallery holds all portraits with a label and a gender
    but the query, ordered by cosine similarity.

    Args:
        images: uint8 array `[count, height, width, 3]`.
        labels: Integer array `[count]`, `tasks.MISSING` where there is none.
        genders: Integer array `[count]`, likewise.
        embedding: Float array `[count, size]`.
        seed: Int.

    Returns:
        `NeighborGrid`, or None with fewer than two such portraits.

    Example:
        >>> grid = make_grid(images, labels, genders, embedding, seed=0)
        >>> grid.labels.shape
        (10, 11)
    """
    rows = np.flatnonzero(
        (labels != tasks.MISSING) & (genders != tasks.MISSING)
    )
    if len(rows) < 2:
        return None
    labels, genders = labels[rows], genders[rows]
    vectors = neighbors_lib.unit_rows(embedding[rows])
    queries = _draw_queries(labels, genders, np.random.default_rng(seed))
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
    return NeighborGrid(
        images=images[rows[shown]],
        labels=labels[shown],
        genders=genders[shown],
    )


def _draw_queries(labels, genders, generator):
    """Returns rows of each class and gender in turn, sorted by them."""
    groups = {}
    for row in generator.permutation(len(labels)):
        groups.setdefault((labels[row], genders[row]), []).append(row)
    turns = sorted(
        (turn, group, row)
        for group, members in groups.items()
        for turn, row in enumerate(members)
    )
    chosen = [(group, turn, row) for turn, group, row in turns[:NUM_QUERIES]]
    return np.array([row for *_, row in sorted(chosen)])
