"""Figures of tasks whose label is one class of several."""

from collections.abc import Iterator

import numpy as np

from tp_keras.evaluation import metrics
from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.figures import resampled
from tp_keras.evaluation.figures import share
from tp_keras.records import intervals
from tp_keras.tasks import ORDINAL
from tp_keras.tasks import Task

NUM_BINS = 15


def equal_width_bins(confidences) -> np.ndarray:
    """Returns the bin of each confidence: bin b holds (b / n, (b + 1) / n]."""
    scaled = np.asarray(confidences, np.float64) * NUM_BINS
    return np.clip(np.ceil(scaled).astype(np.int64) - 1, 0, NUM_BINS - 1)


def expected_calibration_error(confidences, correct, bins) -> float:
    """Returns the mean distance between confidence and accuracy over the bins.

    `sum over bins b of n_b / N * |accuracy_b - confidence_b|`, where 0 means
    that of the predictions made with confidence p a share of p is right. Its
    own noise makes it positive on every finite sample. Guo et al., On
    calibration of modern neural networks, 2017.

    Arguments are arrays [N], N > 0: the probabilities of what is predicted,
    whether it is the label, and the bin of each row.
    """
    gaps = np.asarray(correct, np.float64) - confidences
    sums = np.bincount(bins, weights=gaps, minlength=NUM_BINS)
    return float(np.abs(sums).sum() / len(gaps))


def calibration_interval(
    confidences, correct, bins, num_bootstraps, generator
) -> tuple[float, float]:
    """Returns a 95 % bootstrap interval of the error, rows drawn in their bins.

    Noise of resampling adds to a sum of absolute values: the resampled errors
    are moved back by what their mean exceeds the measured one, or the interval
    could miss it. For the arguments see there.
    """
    gaps = np.asarray(correct, np.float64) - confidences
    in_bins = gaps[:, None] * (bins[:, None] == np.arange(NUM_BINS))
    blocks = intervals.resample_rows(len(gaps), num_bootstraps, generator)
    resampled = np.concatenate(
        [np.abs(counts @ in_bins).sum(-1) / len(gaps) for counts in blocks]
    )
    value = expected_calibration_error(confidences, correct, bins)
    shifted = resampled - max(resampled.mean() - value, 0.0)
    low, high = intervals.percentile_interval(shifted)
    return max(low, 0.0), min(high, 1.0)


def class_figures(
    task: Task, probabilities, labels, num_bootstraps: int, generator
) -> Iterator[dict]:
    """Yields the fields of the records of one task in one group.

    * `accuracy`, with Wilson's interval;
    * `balanced_accuracy` over the classes with labelled rows, with an interval
      made of Wilson's of their recalls;
    * `macro_f1` over the same classes, with a bootstrap interval stratified by
      label;
    * `mean_class_error`, of classes with an order alone: how many classes the
      prediction is away, likewise;
    * `expected_calibration_error` (15 bins of equal width) of the probability
      of what is predicted, with a bootstrap interval;
    * per class `precision` and `recall` (Wilson);
    * `confusion`, one record for each pair of `class_name` (label) and
      `predicted_class`: the share of the rows of that label, with Wilson's
      interval; `value * count` is the number in the cell;
    * `bin_accuracy` (Wilson) and `bin_confidence`, per `bin` of equal width.

    `probabilities` are a float array [N, K], `labels` an integer one [N], none
    of them missing; `generator` is the source of chance.
    """
    predictions = task.predicted(probabilities)
    correct = predictions == labels
    matrix = metrics.confusion_matrix(labels, predictions, task.num_classes)
    draws = intervals.resample_confusion_matrix(
        matrix, num_bootstraps, generator
    )
    yield share("accuracy", correct.sum(), correct.size)
    yield _balanced_accuracy(matrix)
    measured = {"macro_f1": metrics.macro_f1}
    if task.kind == ORDINAL:
        measured["mean_class_error"] = metrics.mean_class_error
    for metric, function in measured.items():
        yield resampled(metric, function(matrix), correct.size, function(draws))
    # In float64, as a sum of many float32 confidences drifts.
    confidences = np.take_along_axis(
        np.asarray(probabilities, np.float64), predictions[:, None], 1
    )[:, 0].clip(0.0, 1.0)
    yield from _calibration(confidences, correct, num_bootstraps, generator)
    for index, name in enumerate(task.classes):
        hits, where = matrix[index, index], {"class_name": name}
        yield share("precision", hits, matrix[:, index].sum(), **where)
        yield share("recall", hits, matrix[index].sum(), **where)
    yield from confusion_figures(task.classes, matrix)


def confusion_figures(names, matrix) -> Iterator[dict]:
    """Yields the fields of a confusion matrix [K, K] of K named classes."""
    for name, row in zip(names, matrix, strict=True):
        for other, hits in zip(names, row, strict=True):
            where = {"class_name": name, "predicted_class": other}
            yield share("confusion", hits, row.sum(), **where)


def _balanced_accuracy(matrix):
    name, support = "balanced_accuracy", matrix.sum(1)
    present = support > 0
    if not present.any():
        return figure(name, None, 0)
    hits = np.diagonal(matrix)[present]
    interval = intervals.mean_of_shares_interval(hits, support[present])
    value = metrics.balanced_accuracy(matrix)
    return figure(name, value, support.sum(), interval)


def _calibration(confidences, correct, num_bootstraps, generator):
    bins = equal_width_bins(confidences)
    value, interval = None, (None, None)
    if correct.size:
        value = expected_calibration_error(confidences, correct, bins)
        interval = calibration_interval(
            confidences, correct, bins, num_bootstraps, generator
        )
    yield figure("expected_calibration_error", value, correct.size, interval)
    for index in range(NUM_BINS):
        inside = bins == index
        count = inside.sum()
        yield share("bin_accuracy", correct[inside].sum(), count, bin=index)
        confidence = confidences[inside].mean() if count else None
        yield figure("bin_confidence", confidence, count, bin=index)
