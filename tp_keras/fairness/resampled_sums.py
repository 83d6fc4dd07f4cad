"""The bootstrap of means, as products of matrices."""

import numpy as np

from tp_keras.records import intervals

# Weights of a block of resamples: 32 MB of float64.
_BLOCK_SIZE = 1 << 22


def resample_sums(
    values: np.ndarray, num_bootstraps: int, generator: np.random.Generator
) -> np.ndarray:
    """Sums the columns over rows that are drawn with replacement.

    A resample is a vector of how often each row was drawn, so that all columns
    of all resamples are one product of matrices.

    Args:
        values: Float array [N, F].
        num_bootstraps: The number of resamples B.
        generator: Source of chance.

    Returns:
        Float64 array [B, F].
    """
    values = np.asarray(values, np.float64)
    count = len(values)
    sums = np.zeros((num_bootstraps, values.shape[1]))
    size = max(_BLOCK_SIZE // max(count, 1), 1)
    for start in range(0, num_bootstraps if count else 0, size):
        number = min(size, num_bootstraps - start)
        drawn = generator.integers(count, size=(number, count))
        drawn += np.arange(number)[:, np.newaxis] * count
        weights = np.bincount(drawn.ravel(), minlength=number * count)
        weights = weights.reshape(number, count).astype(np.float64)
        sums[start : start + number] = weights @ values
    return sums


def finite_interval(samples) -> tuple[float | None, float | None]:
    """Returns the middle 95 % of the samples that are defined.

    Args:
        samples: Float array [B]; NaN or infinite where a resample holds no
            row that counts.

    Returns:
        Lower and upper end, or None twice where no sample is defined.
    """
    samples = np.asarray(samples)
    samples = samples[np.isfinite(samples)]
    if not samples.size:
        return None, None
    return intervals.percentile_interval(samples)
