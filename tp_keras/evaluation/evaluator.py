"""From probabilities and labels to records."""

from collections.abc import Iterator

import numpy as np
import tqdm

from tp_keras import tasks
from tp_keras.errors import UserError
from tp_keras.evaluation import calibration
from tp_keras.evaluation import figures
from tp_keras.evaluation import metrics
from tp_keras.records import intervals
from tp_keras.records.record import ALL
from tp_keras.records.record import Record

GROUPS = (ALL, *tasks.GENDER.classes)

# The probabilities of a row add up to 1 but for the rounding of float16.
_SUM_TOLERANCE = 1e-2


def evaluate_predictions(
    probabilities: dict[str, np.ndarray],
    labels: dict[str, np.ndarray],
    *,
    seed: int,
    split: str,
    dataset: str | None = None,
    num_bootstraps: int = 1000,
) -> list[Record]:
    """Measures predictions, overall and per gender.

    For every task with probabilities and every group of `GROUPS`:

    * `accuracy`, with Wilson's interval;
    * `balanced_accuracy` over the classes with labelled rows, with an interval
      made of Wilson's of their recalls;
    * `macro_f1` over the same classes, with a bootstrap interval stratified by
      label;
    * `expected_calibration_error` (15 bins of equal width) and
      `expected_calibration_error_equal_mass`, with a bootstrap interval;
    * per class `precision` and `recall` (Wilson) and `f1` (bootstrap);
    * `confusion`, one record for each pair of `class_name` (label) and
      `predicted_class`: the share of the rows of that label, with Wilson's
      interval; `value * count` is the number in the cell;
    * `bin_accuracy` (Wilson) and `bin_confidence`, per `bin` of equal width.

    Args:
        probabilities: Task name -> float array [N, K], rows that add up to 1.
            Outputs that are no task, such as embeddings, are left alone.
        labels: Task name -> integer array [N], `tasks.MISSING` where there is
            none. Has a label for each task that is evaluated, and `gender`,
            which makes the groups.
        seed: Seed of the run, kept in the records; resampling starts from it.
        split: Split of the data set, kept in the records.
        dataset: Name of the data set, kept in the records.
        num_bootstraps: How often to resample.

    Returns:
        Records by task, group and metric.

    Raises:
        UserError: If there is nothing to evaluate, or if probabilities and
            labels do not fit each other or the vocabulary.

    Example:
        >>> probabilities = model.predict_answers(portraits.images)
        >>> records = evaluate_predictions(
        ...     probabilities, portraits.labels, seed=0, split="test"
        ... )
    """
    evaluated = [task for task in tasks.TASKS if task.name in probabilities]
    if not evaluated:
        raise UserError(
            "There are no predictions to evaluate. Expected probabilities of "
            f"one or more of {', '.join(tasks.TASK_NAMES)}. Received: "
            f"{sorted(probabilities)}"
        )
    if num_bootstraps < 1:
        raise UserError(
            "`num_bootstraps` must be at least 1. "
            f"Received: num_bootstraps={num_bootstraps}"
        )
    genders = _check_labels(labels, tasks.GENDER)
    for task in evaluated:
        _check_probabilities(
            probabilities[task.name], _check_labels(labels, task), task
        )
        if len(labels[task.name]) != len(genders):
            raise UserError(
                f"Labels of {task.name} and of gender must have as many rows. "
                f"Received: {len(labels[task.name])} and {len(genders)} rows"
            )
    masks = {ALL: np.ones(len(genders), bool)}
    for index, name in enumerate(tasks.GENDER.classes):
        masks[name] = genders == index
    records = []
    parts = [(task, group) for task in evaluated for group in GROUPS]
    for task, group in tqdm.tqdm(parts, "resampling", delay=2, leave=False):
        rows = masks[group] & (labels[task.name] != tasks.MISSING)
        measure = _Measure(
            task,
            np.asarray(probabilities[task.name])[rows],
            np.asarray(labels[task.name])[rows],
            num_bootstraps,
            # A stream of its own for each part: a figure stays the same
            # whichever other tasks are evaluated along with it.
            np.random.default_rng(
                [seed, tasks.TASKS.index(task), GROUPS.index(group)]
            ),
        )
        records.extend(
            Record(
                task=task.name,
                group=group,
                seed=seed,
                split=split,
                dataset=dataset,
                **fields,
            )
            for fields in measure.all_figures()
        )
    return records


class _Measure:
    """The figures of one task on the labelled rows of one group."""

    def __init__(self, task, probabilities, labels, num_bootstraps, generator):
        self.task = task
        self.num_bootstraps = num_bootstraps
        self.generator = generator
        predictions = probabilities.argmax(-1)
        self.correct = predictions == labels
        # In float64, as a sum of many float32 confidences drifts.
        self.confidences = np.clip(
            probabilities.max(-1).astype(np.float64), 0.0, 1.0
        )
        self.matrix = metrics.confusion_matrix(
            labels, predictions, task.num_classes
        )

    def all_figures(self) -> Iterator[dict]:
        count = self.correct.size
        yield figures.share("accuracy", self.correct.sum(), count)
        yield self._balanced_accuracy()
        resampled = intervals.resample_confusion_matrix(
            self.matrix, self.num_bootstraps, self.generator
        )
        yield figures.figure(
            "macro_f1",
            metrics.macro_f1(self.matrix),
            count,
            intervals.percentile_interval(metrics.macro_f1(resampled)),
        )
        yield from self._calibration()
        yield from self._per_class(metrics.f1(resampled))
        yield from self._confusion()
        yield from self._reliability()

    def _balanced_accuracy(self):
        support = self.matrix.sum(1)
        present = support > 0
        if not present.any():
            return figures.figure("balanced_accuracy", np.nan, 0)
        return figures.figure(
            "balanced_accuracy",
            metrics.balanced_accuracy(self.matrix),
            support.sum(),
            intervals.mean_of_shares_interval(
                np.diagonal(self.matrix)[present], support[present]
            ),
        )

    def _calibration(self):
        binnings = {
            "expected_calibration_error": calibration.equal_width_bins,
            "expected_calibration_error_equal_mass": (
                calibration.equal_mass_bins
            ),
        }
        if not self.correct.size:
            for name in binnings:
                yield figures.figure(name, np.nan, 0)
            return
        bins = [binning(self.confidences) for binning in binnings.values()]
        limits = calibration.calibration_intervals(
            self.confidences,
            self.correct,
            bins,
            self.num_bootstraps,
            self.generator,
        )
        for name, binned, interval in zip(binnings, bins, limits, strict=True):
            value = calibration.expected_calibration_error(
                self.confidences, self.correct, binned
            )
            yield figures.figure(name, value, self.correct.size, interval)

    def _per_class(self, resampled_f1):
        values = metrics.f1(self.matrix)
        hits = np.diagonal(self.matrix)
        support = self.matrix.sum(1)
        predicted = self.matrix.sum(0)
        for index, name in enumerate(self.task.classes):
            yield figures.share(
                "precision", hits[index], predicted[index], class_name=name
            )
            yield figures.share(
                "recall", hits[index], support[index], class_name=name
            )
            yield figures.figure(
                "f1",
                values[index],
                support[index],
                intervals.percentile_interval(resampled_f1[:, index]),
                class_name=name,
            )

    def _confusion(self):
        for index, row in enumerate(self.matrix):
            for other, hits in enumerate(row):
                yield figures.share(
                    "confusion",
                    hits,
                    row.sum(),
                    class_name=self.task.classes[index],
                    predicted_class=self.task.classes[other],
                )

    def _reliability(self):
        bins = calibration.equal_width_bins(self.confidences)
        for index in range(calibration.NUM_BINS):
            inside = bins == index
            count = inside.sum()
            yield figures.share(
                "bin_accuracy", self.correct[inside].sum(), count, bin=index
            )
            confidence = self.confidences[inside].mean() if count else np.nan
            yield figures.figure("bin_confidence", confidence, count, bin=index)


def _check_labels(labels, task) -> np.ndarray:
    if task.name not in labels:
        raise UserError(
            f"The labels of {task.name} are needed. "
            f"Received: labels of {sorted(labels)}"
        )
    array = np.asarray(labels[task.name])
    if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
        raise UserError(
            f"Labels of {task.name} must be an integer array of shape [N]. "
            f"Received: shape {array.shape} of {array.dtype}"
        )
    strange = array[(array < tasks.MISSING) | (array >= task.num_classes)]
    if strange.size:
        raise UserError(
            f"Labels of {task.name} must lie in 0..{task.num_classes - 1}, or "
            f"be {tasks.MISSING} where missing. Received: {strange[0]}"
        )
    return array


def _check_probabilities(probabilities, labels, task) -> None:
    array = np.asarray(probabilities)
    expected = (len(labels), task.num_classes)
    if array.shape != expected:
        raise UserError(
            f"Probabilities of {task.name} must have shape {expected}. "
            f"Received: shape {array.shape}"
        )
    # `not (...)` so that a NaN is caught as well.
    sums = array.sum(-1, dtype=np.float64)
    if not (array >= 0).all() or not (np.abs(sums - 1) <= _SUM_TOLERANCE).all():
        raise UserError(
            f"Probabilities of {task.name} must be at least 0 and add up to 1 "
            "in each row. Received: sums from "
            f"{sums.min():.4g} to {sums.max():.4g}, smallest {array.min():.4g}"
        )
