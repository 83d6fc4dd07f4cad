"""Do the probabilities mean what they say? Confidence against accuracy."""

import numpy as np

from tp_keras.records import intervals

NUM_BINS = 15


def equal_width_bins(confidences, num_bins: int = NUM_BINS) -> np.ndarray:
    """Returns the bin of each confidence: bin b holds (b / n, (b + 1) / n].

    Args:
        confidences: Float array [N] of numbers in [0, 1].
        num_bins: The number of bins n.

    Returns:
        Int64 array [N].
    """
    scaled = np.asarray(confidences, np.float64) * num_bins
    return np.clip(np.ceil(scaled).astype(np.int64) - 1, 0, num_bins - 1)


def equal_mass_bins(confidences, num_bins: int = NUM_BINS) -> np.ndarray:
    """Returns the bin of each confidence, all bins holding as many rows.

    Args:
        confidences: Float array [N].
        num_bins: The number of bins; their sizes differ by at most one row.

    Returns:
        Int64 array [N].
    """
    count = len(confidences)
    bins = np.empty(count, np.int64)
    order = np.argsort(confidences, kind="stable")
    bins[order] = np.arange(count) * num_bins // max(count, 1)
    return bins


def expected_calibration_error(
    confidences, correct, bins, num_bins: int = NUM_BINS
) -> float:
    """Returns the mean distance between confidence and accuracy over the bins.

    `sum over bins b of n_b / N * |accuracy_b - confidence_b|`, where 0 means
    that of the predictions made with confidence p a share of p is right. Its
    own noise makes it positive on every finite sample.

    Args:
        confidences: Float array [N], N > 0: the largest probability of a row.
        correct: Bool array [N]: whether the prediction is the label.
        bins: Int array [N]: the bin of each row.
        num_bins: The number of bins.

    Source:
        Guo et al., On calibration of modern neural networks, 2017.
    """
    gaps = np.asarray(correct, np.float64) - confidences
    sums = np.bincount(bins, weights=gaps, minlength=num_bins)
    return float(np.abs(sums).sum() / len(gaps))


def calibration_intervals(
    confidences,
    correct,
    binnings,
    num_bootstraps: int,
    generator: np.random.Generator,
    num_bins: int = NUM_BINS,
) -> list[tuple[float, float]]:
    """Returns a 95 % bootstrap interval of the error for each way of binning.

    Rows are drawn with replacement, each within its bin of the full sample.
    Resampling adds noise of its own to every bin, and noise adds to a sum of
    absolute values; the resampled errors are therefore moved back by what
    their mean exceeds the measured one, or the interval could miss it.

    Args:
        confidences: Float array [N], N > 0.
        correct: Bool array [N].
        binnings: List of int arrays [N], one per way of binning.
        num_bootstraps: The number of draws.
        generator: Source of chance.
        num_bins: The number of bins.

    Returns:
        List of (lower, upper), in the order of `binnings`.
    """
    count = len(confidences)
    gaps = np.asarray(correct, np.float64) - confidences
    errors = np.empty((len(binnings), num_bootstraps))
    for draw in range(num_bootstraps):
        rows = generator.integers(count, size=count)
        drawn_gaps = gaps[rows]
        for which, bins in enumerate(binnings):
            sums = np.bincount(bins[rows], drawn_gaps, minlength=num_bins)
            errors[which, draw] = np.abs(sums).sum() / count
    results = []
    for bins, resampled in zip(binnings, errors, strict=True):
        value = expected_calibration_error(confidences, correct, bins, num_bins)
        shifted = resampled - max(resampled.mean() - value, 0.0)
        low, high = intervals.percentile_interval(shifted)
        results.append((max(low, 0.0), min(high, 1.0)))
    return results
