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


def calibration_interval(
    confidences,
    correct,
    bins,
    num_bootstraps: int,
    generator: np.random.Generator,
    num_bins: int = NUM_BINS,
) -> tuple[float, float]:
    """Returns a 95 % bootstrap interval of the error.

    Rows are drawn with replacement, each within its bin. Resampling adds noise
    of its own to every bin, and noise adds to a sum of absolute values; the
    resampled errors are therefore moved back by what their mean exceeds the
    measured one, or the interval could miss it.

    Args:
        confidences: Float array [N], N > 0.
        correct: Bool array [N].
        bins: Int array [N]: the bin of each row.
        num_bootstraps: The number of draws.
        generator: Source of chance.
        num_bins: The number of bins.

    Returns:
        Lower and upper end.
    """
    gaps = np.asarray(correct, np.float64) - confidences
    in_bins = gaps[:, None] * (bins[:, None] == np.arange(num_bins))
    resampled = np.concatenate(
        [
            np.abs(counts @ in_bins).sum(-1) / len(gaps)
            for counts in intervals.resample_rows(
                len(gaps), num_bootstraps, generator
            )
        ]
    )
    value = expected_calibration_error(confidences, correct, bins, num_bins)
    shifted = resampled - max(resampled.mean() - value, 0.0)
    low, high = intervals.percentile_interval(shifted)
    return max(low, 0.0), min(high, 1.0)
