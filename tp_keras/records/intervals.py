"""95 % intervals: Wilson's for shares, the bootstrap for most else."""

import math
import statistics
from collections.abc import Iterator

import numpy as np

_TAIL = (1 - 0.95) / 2
_Z = statistics.NormalDist().inv_cdf(1 - _TAIL)

# Rows times draws in one block: 16 MB of float32.
_BLOCK_SIZE = 1 << 22


def wilson_interval(hits: int, count: int) -> tuple[float, float]:
    """Returns Wilson's score interval of the share `hits / count`.

    Unlike the textbook interval it stays within [0, 1] and does not shrink to
    a point where every row is a hit, or none. E. B. Wilson, Probable
    inference, the law of succession, and statistical inference, 1927.

    Raises:
        ValueError: If not 0 <= hits <= count, or if count is 0.
    """
    if not 0 <= hits <= count or count == 0:
        raise ValueError(
            "Expected 0 <= hits <= count and count > 0. "
            f"Received: hits={hits}, count={count}"
        )
    share = hits / count
    spread = _Z**2 / count
    center = share + spread / 2
    radius = math.sqrt(spread * share * (1 - share) + (spread / 2) ** 2)
    # At the edges the formula is exact; its rounding is not.
    low = 0.0 if hits == 0 else (center - radius) / (1 + spread)
    high = 1.0 if hits == count else (center + radius) / (1 + spread)
    return low, high


def mean_of_shares_interval(hits, counts) -> tuple[float, float]:
    """Returns an interval of the mean of independent shares `hits / counts`.

    Such as balanced accuracy, the mean of recalls. Each end is as far from the
    mean as the ends of Wilson's intervals say, added as variances are (Zou and
    Donner, Construction of confidence limits about effect measures, 2008). For
    a bootstrap a class of two portraits, both right, is without any doubt.
    """
    shares = np.divide(hits, counts)
    pairs = zip(hits, counts, strict=True)
    ends = np.array([wilson_interval(int(h), int(n)) for h, n in pairs])
    below, above = np.linalg.norm(ends - shares[:, None], axis=0) / len(shares)
    mean = float(shares.mean())
    return max(mean - float(below), 0.0), min(mean + float(above), 1.0)


def resample_confusion_matrix(
    matrix, num_bootstraps: int, generator: np.random.Generator
) -> np.ndarray:
    """Draws the counts of a matrix [L, K] again: int64 [num_bootstraps, L, K].

    Stratified by label, a row of the matrix: each draw, from the multinomial
    distribution, keeps its sum.
    """
    matrix = np.asarray(matrix)
    resampled = np.zeros((num_bootstraps, *matrix.shape), np.int64)
    for label, row in enumerate(matrix):
        count = row.sum()
        if count:
            resampled[:, label] = generator.multinomial(
                count, row / count, size=num_bootstraps
            )
    return resampled


def resample_rows(
    count: int, num_bootstraps: int, generator: np.random.Generator
) -> Iterator[np.ndarray]:
    """Draws `count` rows with replacement, again and again.

    Yields:
        Float32 arrays [draws, count], `num_bootstraps` draws in all: how often
        each row is drawn.
    """
    size = max(_BLOCK_SIZE // max(count, 1), 1)
    for start in range(0, num_bootstraps, size):
        draws = min(size, num_bootstraps - start)
        rows = generator.integers(max(count, 1), size=(draws, count))
        rows += np.arange(draws)[:, None] * count
        drawn = np.bincount(rows.ravel(), minlength=draws * count)
        yield drawn.reshape(draws, count).astype(np.float32)


def correlation_interval(value: float, count: int) -> tuple[float, float]:
    """Returns an interval of Spearman's correlation of `count` rows.

    Bonett and Wright, Sample size requirements for estimating Pearson, Kendall
    and Spearman correlations, 2000.
    """
    if count <= 3:
        return -1.0, 1.0
    # At 1 Fisher's transform is infinite, and the interval a point.
    middle = math.atanh(min(max(value, -1 + 1e-12), 1 - 1e-12))
    radius = _Z * math.sqrt((1 + value**2 / 2) / (count - 3))
    low, high = math.tanh(middle - radius), math.tanh(middle + radius)
    return min(low, value), max(high, value)


def percentile_interval(samples) -> tuple[float, float]:
    """Returns the middle 95 % of `samples`, an array [B] of resampled figures.

    Draws in which the figure is not defined, NaN, are left out. Where a class
    of few rows is always right, it is so in each draw: the interval then is
    too narrow, and is to be read together with the counts.
    """
    low, high = np.nanquantile(samples, [_TAIL, 1 - _TAIL])
    return float(low), float(high)
