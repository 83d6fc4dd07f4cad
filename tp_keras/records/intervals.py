"""95 % intervals: Wilson's for shares, the bootstrap for most else."""

import math
import statistics
from collections.abc import Iterator

import numpy as np

CONFIDENCE_LEVEL = 0.95
_TAIL = (1 - CONFIDENCE_LEVEL) / 2
_Z = statistics.NormalDist().inv_cdf(1 - _TAIL)

# Rows times draws in one block: 16 MB of float32.
_BLOCK_SIZE = 1 << 22


def wilson_interval(hits: int, count: int) -> tuple[float, float]:
    """Returns Wilson's score interval of the share `hits / count`.

    Unlike the textbook interval it stays within [0, 1] and does not shrink to
    a point where every row is a hit, or none.

    Args:
        hits: How many rows are hits.
        count: How many rows there are, at least 1.

    Returns:
        Lower and upper end.

    Raises:
        ValueError: If not 0 <= hits <= count, or if count is 0.

    Source:
        E. B. Wilson, Probable inference, the law of succession, and
        statistical inference, 1927.

    Example:
        >>> wilson_interval(9, 10)
        (0.5958..., 0.9821...)
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
    """Returns an interval of the mean of independent shares.

    Used for the balanced accuracy, the mean of recalls. Each end is as far
    from the mean as the ends of Wilson's intervals say, added as variances
    are. With rare classes it holds what it promises better than a bootstrap,
    for which a class of two portraits, both right, is without any doubt.

    Args:
        hits: Integer array [K]: the hits of each share.
        counts: Integer array [K]: the rows of each share, at least 1.

    Returns:
        Lower and upper end.

    Source:
        Zou and Donner, Construction of confidence limits about effect
        measures: a general approach, 2008.
    """
    shares = np.divide(hits, counts)
    ends = np.array(
        [
            wilson_interval(int(hit), int(count))
            for hit, count in zip(hits, counts, strict=True)
        ]
    )
    below, above = np.linalg.norm(ends - shares[:, None], axis=0) / len(shares)
    mean = float(shares.mean())
    return max(mean - float(below), 0.0), min(mean + float(above), 1.0)


def resample_confusion_matrix(
    matrix, num_bootstraps: int, generator: np.random.Generator
) -> np.ndarray:
    """Draws confusion matrices as if the labelled rows were sampled again.

    The bootstrap is stratified by label: each class keeps its number of rows.
    To draw `n` rows of a class with replacement and count their predictions
    is to draw once from the multinomial of its row of the matrix, so no data
    are needed and all draws are made in one call per class.

    Args:
        matrix: Integer array [K, K], labels along the rows.
        num_bootstraps: The number of draws B.
        generator: Source of chance.

    Returns:
        Int64 array [B, K, K].
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

    Args:
        count: The number of rows N.
        num_bootstraps: The number of draws B.
        generator: Source of chance.

    Yields:
        Float32 arrays [b, N], B draws in all: how often each row is drawn.
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

    Source:
        Bonett and Wright, Sample size requirements for estimating Pearson,
        Kendall and Spearman correlations, 2000.
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
