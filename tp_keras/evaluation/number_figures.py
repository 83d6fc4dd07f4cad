"""Figures of tasks whose label is a number."""

from collections.abc import Iterator

import numpy as np
import scipy.stats

from tp_keras.data.labels import ranges_of
from tp_keras.data.labels import strata
from tp_keras.evaluation import metrics
from tp_keras.evaluation.class_figures import confusion_figures
from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.figures import resampled
from tp_keras.evaluation.figures import share
from tp_keras.records import intervals
from tp_keras.tasks import Task


def number_figures(
    task: Task, answers, labels, num_bootstraps: int, generator
) -> Iterator[dict]:
    """Yields the fields of the records of one task in one group.

    * `mae`, the mean absolute error, and `mean_error`, positive where the
      predictions are too large, in the unit that `variant` names (bootstrap);
    * `within_tolerance`: the share of rows that are no farther off than the
      tolerance, which `variant` names (Wilson);
    * `r2`, the share of the labels' variance that is explained (bootstrap);
    * `spearman`, the correlation of the ranks (Bonett and Wright);
    * `mae` of each range of labels (bootstrap), such as the `class_name`
      `"20-29"`;
    * `confusion` of the ranges, as of classes.

    `answers` and `labels` are float arrays [N]; no label is missing. See
    `class_figures` for the rest.
    """
    answers, labels = np.float64(answers), np.float64(labels)
    signed = answers - labels
    errors = np.abs(signed)
    _, names = ranges_of(task)
    found, true = (strata(task, values) for values in (answers, labels))
    inside = true[:, None] == np.arange(len(names))
    rows = [errors, signed, signed**2, labels, labels**2]
    rows = np.column_stack([*rows, errors[:, None] * inside, inside])
    count = len(labels)
    values = _from_sums(rows.sum(0, keepdims=True), count)
    blocks = intervals.resample_rows(count, num_bootstraps, generator)
    drawn = np.concatenate([counts @ rows for counts in blocks])
    draws = _from_sums(drawn, count)

    def from_sums(metric, rows=count, key=None, **fields):
        key = metric if key is None else key
        return resampled(metric, values[key][0], rows, draws[key], **fields)

    unit = {"variant": task.unit or None}
    yield from_sums("mae", **unit)
    within = (errors <= task.tolerance).sum()
    limit = f"{task.tolerance:g} {task.unit}".strip()
    yield share("within_tolerance", within, count, variant=limit)
    yield from_sums("r2")
    yield _spearman(answers, labels)
    yield from_sums("mean_error", **unit)
    for index, name in enumerate(names):
        where = {"class_name": name, **unit}
        yield from_sums("mae", inside[:, index].sum(), index, **where)
    matrix = metrics.confusion_matrix(true, found, len(names))
    yield from confusion_figures(names, matrix)


def _from_sums(sums, count) -> dict:
    """Returns figures of draws from sums over their rows."""
    error, signed, squared, label, label_squared, *ranges = sums.T
    half = len(ranges) // 2
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = label_squared - label**2 / count
        return {
            "mae": error / count,
            "mean_error": signed / count,
            "r2": 1 - squared / np.where(variance > 1e-9, variance, np.nan),
            **{i: ranges[i] / ranges[half + i] for i in range(half)},
        }


def _spearman(answers, labels):
    count, value, interval = len(labels), None, (None, None)
    if count > 1 and np.ptp(answers) and np.ptp(labels):
        value = scipy.stats.spearmanr(answers, labels).statistic
        interval = intervals.correlation_interval(value, count)
    return figure("spearman", value, count, interval)
