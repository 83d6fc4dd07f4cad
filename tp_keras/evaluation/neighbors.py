"""Nearest neighbours by cosine similarity, block by block."""

import numpy as np

from tp_keras.errors import UserError

# Similarities of a block of queries: 64 MB of float32.
_BLOCK_SIZE = 1 << 24


def unit_rows(vectors) -> np.ndarray:
    """Scales rows [N, d] to length 1, so that inner products are cosines.

    A row of zeros stays what it is: its similarity to every other is 0. What
    is not finite is a `UserError`.
    """
    vectors = np.asarray(vectors)
    broken = ~np.isfinite(vectors).all(axis=1)
    if broken.any():
        raise UserError(
            "Expected embeddings of finite numbers. Received: NaN or infinity "
            f"in {broken.sum()} of {len(vectors)} rows, first in row "
            f"{broken.argmax()}"
        )
    vectors = vectors.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def find_neighbors(
    queries, gallery, count: int, skip_self: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Finds the rows of the gallery that are most similar to each query.

    Rows of equal similarity come in an order without meaning: who compares
    groups of rows shuffles the gallery first.

    Args:
        queries: Float32 array [Q, d] of unit rows.
        gallery: Float32 array [N, d] of unit rows.
        count: How many rows to find for each query.
        skip_self: Whether both are the same rows, and none its own neighbour.

    Returns:
        Row numbers, int64 [Q, count], the most similar first, and their
        similarities, float32 [Q, count].
    """
    rows = np.empty((len(queries), count), np.int64)
    similarities = np.empty((len(queries), count), np.float32)
    for block in blocks(len(queries), len(gallery)):
        found = queries[block] @ gallery.T
        if skip_self:
            numbers = np.arange(block.start, block.stop)
            found[numbers - block.start, numbers] = -np.inf
        best = np.argpartition(-found, count - 1, axis=1)[:, :count]
        values = np.take_along_axis(found, best, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        rows[block] = np.take_along_axis(best, order, axis=1)
        similarities[block] = np.take_along_axis(values, order, axis=1)
    return rows, similarities


def blocks(num_queries: int, num_rows: int):
    """Yields slices of queries whose similarities to all rows fit memory."""
    size = max(_BLOCK_SIZE // max(num_rows, 1), 1)
    for start in range(0, num_queries, size):
        yield slice(start, min(start + size, num_queries))
