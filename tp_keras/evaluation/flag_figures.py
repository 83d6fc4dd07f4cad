"""Figures of tasks whose label is a vector of flags."""

from collections.abc import Iterator

import numpy as np

from tp_keras.evaluation.figures import resampled
from tp_keras.evaluation.figures import share
from tp_keras.records import intervals
from tp_keras.tasks import Task


def flag_figures(
    task: Task, probabilities, labels, num_bootstraps: int, generator
) -> Iterator[dict]:
    """Yields the fields of the records of one task in one group.

    Of each flag, named by `class_name`, on the rows where it is labelled, and
    without one the means over the flags that have a figure:

    * `accuracy` of saying that a probability of 0.5 or more is the flag, of
      each flag with Wilson's interval;
    * `auc`, the area under the ROC curve: how often a row with the flag is
      above one without it (bootstrap of the rows);
    * `average_precision`, the mean precision over the rows with the flag
      (bootstrap).

    `probabilities` are a float array [N, flags], and `labels` an integer one,
    -1 where missing. See `class_figures` for the rest.
    """
    blocks = intervals.resample_rows(len(labels), num_bootstraps, generator)
    drawn = np.concatenate(
        [_all_flags(probabilities, labels, counts) for counts in blocks]
    )
    (values,) = _all_flags(probabilities, labels, np.ones((1, len(labels))))
    known = labels >= 0
    for index, metric in enumerate(("accuracy", "auc", "average_precision")):
        defined = np.isfinite(values[index])
        yield resampled(
            metric,
            _mean(values[index, defined]),
            known.any(1).sum(),
            _mean(drawn[:, index, defined]),
        )
        for flag, name in enumerate(task.classes):
            count = known[:, flag].sum()
            where = {"class_name": name}
            if metric == "accuracy":
                hits = (probabilities[:, flag] >= 0.5) == labels[:, flag]
                yield share(metric, hits.sum(), count, **where)
            else:
                value, draws = values[index, flag], drawn[:, index, flag]
                yield resampled(metric, value, count, draws, **where)


def ranking_figures(scores, hits, weights) -> tuple[np.ndarray, np.ndarray]:
    """Returns areas under the ROC curve and average precisions: two [draws].

    Equal scores are one step, as in scikit-learn. NaN where a draw lacks rows
    of one kind. `weights` `[draws, N]` are how often each row was drawn.
    """
    order = np.argsort(-scores, kind="stable")
    steps = np.flatnonzero(np.diff(scores[order], append=-np.inf))
    weights = weights[:, order]
    found = np.cumsum(weights * hits[order], 1, dtype=np.float64)[:, steps]
    passed = np.cumsum(weights, 1, dtype=np.float64)[:, steps]
    false = passed - found
    with np.errstate(divide="ignore", invalid="ignore"):
        gained = np.diff(found, prepend=0)
        precision = np.where(passed > 0, found / passed, 0)
        average = (gained * precision).sum(1) / found[:, -1]
        # A half for rows of the same score.
        below = (found - gained / 2) * np.diff(false, prepend=0)
        area = below.sum(1) / (found[:, -1] * false[:, -1])
    return area, np.where(np.isfinite(area), average, np.nan)


def _all_flags(probabilities, labels, weights) -> np.ndarray:
    """Returns accuracies, areas and precisions `[draws, 3, flags]`."""
    found = np.full((len(weights), 3, labels.shape[1]), np.nan)
    for flag, (scores, own) in enumerate(
        zip(np.transpose(probabilities), labels.T, strict=True)
    ):
        rows = own >= 0
        if rows.any():
            scores, hits, drawn = scores[rows], own[rows] == 1, weights[:, rows]
            right = (scores >= 0.5) == hits
            with np.errstate(divide="ignore", invalid="ignore"):
                found[:, 0, flag] = drawn @ right / drawn.sum(1)
            found[:, 1, flag], found[:, 2, flag] = ranking_figures(
                scores, hits, drawn
            )
    return found


def _mean(values):
    """Returns means over the last axis; NaN where nothing is defined."""
    defined = np.isfinite(values)
    total = np.where(defined, values, 0).sum(-1)
    count = defined.sum(-1)
    return np.where(count, total / np.maximum(count, 1), np.nan)
