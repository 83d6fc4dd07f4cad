"""Rows of many numbers by the few directions in which they vary most."""

from collections.abc import Iterator

import numpy as np
from sklearn.decomposition import PCA

# Rows that the directions are found from, and those that go through at once.
_SAMPLE_SIZE = 4096
_BLOCK_SIZE = 4096

# Below this share of the largest variance there is rounding.
_LEAST_VARIANCE = 1e-6


class Components:
    """The principal components of rows, found from a sample of them.

    Args:
        values: Array `[count, ...]`; a row each, of any numbers.
        most: The most directions that are kept.

    Attributes:
        points: Float32 `[count, directions]`, whitened, of the
            directions that vary at all.
        errors: Float32 `[count]`: the root mean square of what the components
            leave of each row, in the unit of the values.
    """

    def __init__(self, values: np.ndarray, most: int = 64):
        rows = values.reshape(len(values), -1)
        count = len(rows)
        chosen = np.random.default_rng(0).permutation(count)[:_SAMPLE_SIZE]
        sample = rows[np.sort(chosen)].astype(np.float32)
        most = min(most, *sample.shape)
        # A solver that takes its time where it could find only a few.
        solver = "randomized" if 4 * most < min(sample.shape) else "full"
        with np.errstate(invalid="ignore", divide="ignore"):
            pca = PCA(most, svd_solver=solver, random_state=0).fit(sample)
        variances = pca.explained_variance_
        kept = variances > _LEAST_VARIANCE * max(variances.max(), 1e-12)
        directions = pca.components_[kept]
        self.points = np.zeros((count, max(kept.sum(), 1)), np.float32)
        self.errors = np.empty(count, np.float32)
        for block in blocks(count):
            centered = rows[block].astype(np.float32) - pca.mean_
            found = centered @ directions.T
            left = np.square(centered).mean(1)
            left -= np.square(found).sum(1) / centered.shape[1]
            self.errors[block] = np.sqrt(np.maximum(left, 0))
            if kept.any():
                self.points[block] = found / np.sqrt(variances[kept])


def blocks(count: int) -> Iterator[slice]:
    """Yields slices of rows of which each fits memory in any form."""
    for start in range(0, count, _BLOCK_SIZE):
        yield slice(start, min(start + _BLOCK_SIZE, count))
