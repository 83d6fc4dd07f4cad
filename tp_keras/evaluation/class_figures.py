"""Figures of tasks whose label is one class of several."""

from collections.abc import Iterator

import numpy as np

from tp_keras.evaluation import calibration
from tp_keras.evaluation import metrics
from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.figures import resampled
from tp_keras.evaluation.figures import share
from tp_keras.records import intervals
from tp_keras.tasks import ORDINAL
from tp_keras.tasks import Task


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
    * per class `precision` and `recall` (Wilson) and `f1` (bootstrap);
    * `confusion`, one record for each pair of `class_name` (label) and
      `predicted_class`: the share of the rows of that label, with Wilson's
      interval; `value * count` is the number in the cell;
    * `bin_accuracy` (Wilson) and `bin_confidence`, per `bin` of equal width.

    Args:
        task: `Task`.
        probabilities: Float array [N, K].
        labels: Integer array [N], none missing.
        num_bootstraps: How often to resample.
        generator: Source of chance.
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
    yield from _per_class(task, matrix, metrics.f1(draws))
    yield from confusion_figures(task.classes, matrix)


def confusion_figures(names, matrix) -> Iterator[dict]:
    """Yields the fields of the records of a confusion matrix.

    Args:
        names: Names of its K classes.
        matrix: Integer array [K, K], labels along the rows.
    """
    for name, row in zip(names, matrix, strict=True):
        for other, hits in zip(names, row, strict=True):
            yield share(
                "confusion",
                hits,
                row.sum(),
                class_name=name,
                predicted_class=other,
            )


def _balanced_accuracy(matrix):
    support = matrix.sum(1)
    present = support > 0
    if not present.any():
        return figure("balanced_accuracy", None, 0)
    return figure(
        "balanced_accuracy",
        metrics.balanced_accuracy(matrix),
        support.sum(),
        intervals.mean_of_shares_interval(
            np.diagonal(matrix)[present], support[present]
        ),
    )


def _calibration(confidences, correct, num_bootstraps, generator):
    bins = calibration.equal_width_bins(confidences)
    value, interval = None, (None, None)
    if correct.size:
        value = calibration.expected_calibration_error(
            confidences, correct, bins
        )
        interval = calibration.calibration_interval(
            confidences, correct, bins, num_bootstraps, generator
        )
    yield figure("expected_calibration_error", value, correct.size, interval)
    for index in range(calibration.NUM_BINS):
        inside = bins == index
        count = inside.sum()
        yield share("bin_accuracy", correct[inside].sum(), count, bin=index)
        confidence = confidences[inside].mean() if count else None
        yield figure("bin_confidence", confidence, count, bin=index)


def _per_class(task, matrix, drawn_f1):
    hits, support = np.diagonal(matrix), matrix.sum(1)
    for index, name in enumerate(task.classes):
        where = {"class_name": name}
        yield share("precision", hits[index], matrix[:, index].sum(), **where)
        yield share("recall", hits[index], support[index], **where)
        yield resampled(
            "f1",
            metrics.f1(matrix)[index],
            support[index],
            drawn_f1[:, index],
            **where,
        )
