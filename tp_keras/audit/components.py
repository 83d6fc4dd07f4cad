"""Rows of many numbers by the few directions in which they vary most."""

from collections.abc import Iterator

import cv2
import numpy as np
import scipy.linalg
from sklearn.decomposition import PCA

# Rows that the directions are found from, and those that go through at once.
_SAMPLE_SIZE = 2048
_BLOCK_SIZE = 4096

# Of the solver that is quick where directions are many. Without a normaliser
# float32 would lose all but the first directions.
_SOLVER = {
    "iterated_power": 3,
    "power_iteration_normalizer": "LU",
    "random_state": 0,
}

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
            pca = PCA(most, svd_solver=solver, **_SOLVER).fit(sample)
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


def small_pictures(thumbnails: np.ndarray, gray: bool) -> np.ndarray:
    """Returns pictures of half the size without their brightness and contrast.

    Args:
        thumbnails: uint8 `[count, height, width, 3]`.
        gray: Whether the colours go as well.

    Returns:
        Float32 `[count, pixels]`: rows of mean 0 and length 1, of less where
        there is hardly any contrast.
    """
    count, height, width, _ = thumbnails.shape
    size = max(height // 2, 1), max(width // 2, 1)
    channels = 1 if gray else 3
    pictures = np.empty((count, size[0] * size[1] * channels), np.float32)
    for block in blocks(count):
        # Below each other, as when the looks are measured.
        tall = thumbnails[block].reshape(-1, width, 3)
        if gray:
            tall = cv2.cvtColor(tall, cv2.COLOR_RGB2GRAY)
        found = cv2.resize(
            tall,
            (size[1], len(tall) // height * size[0]),
            interpolation=cv2.INTER_AREA,
        ).reshape(-1, pictures.shape[1])
        found = found.astype(np.float32)
        found -= found.mean(1, keepdims=True)
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        pictures[block] = found / np.maximum(lengths, 1)
    return pictures


def main_directions(rows: np.ndarray, most: int) -> np.ndarray:
    """Returns the directions in which most of the lengths of rows lies.

    Args:
        rows: Float32 `[count, size]`.
        most: How many directions.

    Returns:
        Float32 `[size, directions]`, orthonormal.
    """
    size = rows.shape[1]
    return scipy.linalg.eigh(
        rows.T @ rows, subset_by_index=(max(size - most, 0), size - 1)
    )[1]
