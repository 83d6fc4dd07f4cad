"""Do the probabilities mean what they say? Confidence against accuracy."""

import numpy as np

from tp_keras.records import intervals

NUM_BINS = 15


def equal_width_bins(confidences, num_bins: int = NUM_BINS) -> np.ndarray:
    """Returns the bin of each confidence: bin b holds (b / n, (b + 1) / n]."""
    scaled = np.asarray(confidences, np.float64) * num_bins
    return np.clip(np.ceil(scaled).astype(np.int64) - 1, 0, num_bins - 1)


def expected_calibration_error(
    confidences, correct, bins, num_bins: int = NUM_BINS
) -> float:
    """Returns the mean distance between confidence and accuracy over the bins.

    `sum over bins b of n_b / N * |accuracy_b - confidence_b|`, where 0 means
    that of the predictions made with confidence p a share of p is right. Its
    own noise makes it positive on every finite sample. Guo et al., On
    calibration of modern neural networks, 2017.

    Args:
        confidences: Float array [N], N > 0: the probability of what is
            predicted.
        correct: Bool array [N]: whether the prediction is the label.
        bins: Int array [N]: the bin of each row.
        num_bins: The number of bins.
    """
    gaps = np.asarray(correct, np.float64) - confidences
    sums = np.bincount(bins, weights=gaps, minlength=num_bins)
    return float(np.abs(sums).sum() / len(gaps))


def calibration_interval(
    confidences, correct, bins, num_bootstraps, generator, num_bins=NUM_BINS
) -> tuple[float, float]:
    """Returns a 95 % bootstrap interval of the error, rows drawn in their bins.

    Resampling adds noise of its own to every bin, and noise adds to a sum of
    absolute values; the resampled errors are therefore moved back by what
    their mean exceeds the measured one, or the interval could miss it. For the
    arguments see there.
    """
    gaps = np.asarray(correct, np.float64) - confidences
    in_bins = gaps[:, None] * (bins[:, None] == np.arange(num_bins))
    blocks = intervals.resample_rows(len(gaps), num_bootstraps, generator)
    resampled = np.concatenate(
        [np.abs(counts @ in_bins).sum(-1) / len(gaps) for counts in blocks]
    )
    value = expected_calibration_error(confidences, correct, bins, num_bins)
    shifted = resampled - max(resampled.mean() - value, 0.0)
    low, high = intervals.percentile_interval(shifted)
    return max(low, 0.0), min(high, 1.0)
