"""How sure answers are, and may be: fitted on one split, told on another."""

from collections.abc import Iterator
from collections.abc import Mapping

import numpy as np
from scipy.optimize import minimize_scalar
from sklearn.isotonic import IsotonicRegression

from tp_keras.certainty import confidence
from tp_keras.certainty import half_width
from tp_keras.certainty import with_temperature
from tp_keras.data.labels import is_known
from tp_keras.evaluation.class_figures import calibration_interval
from tp_keras.evaluation.class_figures import equal_width_bins
from tp_keras.evaluation.class_figures import expected_calibration_error
from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.figures import share
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

# An answer is sure where so many of its like are right.
SURE = 2 / 3

# A number is sure where such a share lies within so many tolerances.
_WIDEST = 2.0

# In so many ranges the errors of numbers are told apart.
_RANGES = 5

# Fewer labels than this settle nothing.
_FEWEST = 30

_TEMPERATURES = (0.05, 20.0)
_TINY = 1e-12

# Of the surest answers, the shares whose accuracy is told.
COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.5)


def fit_calibration(
    answers: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    tasks: tuple[Task, ...],
) -> dict[str, dict]:
    """Measures how sure the answers of each task must be.

    * `temperature`: by which logits are divided so that probabilities are most
      likely, given the labels; not for numbers;
    * `threshold`: the least confidence at which two of three answers are right,
      by an isotonic fit; of a number the widest half width that is sure, two
      tolerances;
    * `spread` of a number: within how much two of three lie, in five ranges of
      what is predicted; see `half_width`;
    * `count`, the labels that this rests on.

    Args:
        answers: What `predict_answers` returns for one split that the model
            wasn't trained on.
        labels: Its labels.
        tasks: Those to measure; one with fewer than 30 labels is left out.
    """
    facts = {}
    for task in tasks:
        known, found, true = _known(task, answers, labels)
        if known.sum() < _FEWEST:
            continue
        fit = _fit_number if task.kind == REGRESSION else _fit_classes
        facts[task.name] = {**fit(task, found, true), "count": int(known.sum())}
    return facts


def _known(task, answers, labels):
    """Returns which labels are known, and rows of answers and labels."""
    true, found = np.asarray(labels[task.name]), answers[task.name]
    known = is_known(task, true)
    rows = known.any(-1) if known.ndim > 1 else known
    return known, np.asarray(found, np.float64)[rows], true[rows]


def _fit_classes(task, answers, labels) -> dict:
    chosen = _chosen(task, labels)

    def loss(log_temperature):
        found = with_temperature(task, answers, np.exp(log_temperature))
        if task.kind == MULTI_LABEL:
            found = np.where(labels == 1, found, 1 - found)
        return -np.log(np.maximum(found[chosen], _TINY)).mean()

    best = minimize_scalar(loss, bounds=np.log(_TEMPERATURES), method="bounded")
    temperature = round(float(np.exp(best.x)), 4)
    sure, right = confidences(task, answers, labels, temperature)
    order = np.argsort(sure)
    fitted = IsotonicRegression().fit_transform(sure[order], right[order])
    # Beyond the last one nothing is sure.
    above = np.append(sure[order], 1.01)[np.searchsorted(fitted, SURE)]
    return {
        "temperature": temperature,
        "threshold": round(float(above), 4),
    }


def _chosen(task, labels):
    """Returns the index of the probabilities of what the labels say."""
    if task.kind == MULTI_LABEL:
        return labels >= 0
    return np.arange(len(labels)), labels


def _fit_number(task, answers, labels) -> dict:
    edges = np.quantile(answers, np.arange(1, _RANGES) / _RANGES)
    edges = np.unique(edges)
    ranges = np.searchsorted(edges, answers)
    errors = np.abs(answers - labels)
    widths = [
        float(np.quantile(errors[ranges == i], SURE))
        if (ranges == i).any()
        else float(np.quantile(errors, SURE))
        for i in range(len(edges) + 1)
    ]
    return {
        "threshold": _WIDEST * task.tolerance,
        "spread": {"edges": edges.tolist(), "half_widths": widths},
    }


def confidences(task, answers, labels, temperature=1.0):
    """Returns how sure each answer of known label is, and whether it is right.

    Both are `[count]`, of flags one for each known flag. `answers` are
    probabilities, whose predicted classes no temperature changes.
    """
    sure = confidence(task, with_temperature(task, answers, temperature))
    if task.kind == MULTI_LABEL:
        known = labels >= 0
        return sure[known], ((answers > 0.5) == labels)[known]
    return sure, task.predicted(answers) == labels


def calibration_records(
    answers: Mapping[str, np.ndarray],
    labels: Mapping[str, np.ndarray],
    schema: Schema,
    facts: Mapping[str, dict],
    *,
    num_bootstraps: int = 1000,
    **fields,
) -> list[Record]:
    """Measures what a calibration is worth on a split.

    Of each task, overall:

    * `temperature`, with the number of labels it was fitted to;
    * `calibrated_error`: the `expected_calibration_error` after it, with a
      bootstrap interval, and of flags the one before as well;
    * `sure`: the share of the answers that are sure, and `sure_accuracy`: the
      share of those that are right (of numbers within the tolerance), both
      with Wilson's interval;
    * `accuracy_of_surest` with the `variant` `"90 %"`: that of as many of the
      surest answers.

    Args:
        answers: What `predict_answers` returns for the split.
        labels: Its labels.
        schema: `Schema` of both.
        facts: What `fit_calibration` measured on another split.
        num_bootstraps: How often to resample.
        **fields: Further fields of the records.
    """
    generator = np.random.default_rng(fields.get("seed") or 0)
    records = []
    for task in schema.tasks:
        if task.name in facts and task.name in answers:
            _, found, true = _known(task, answers, labels)
            if not len(true):
                continue
            measured = _figures(
                task, found, true, facts[task.name], num_bootstraps, generator
            )
            where = {"task": task.name, "group": ALL, **fields}
            records += [Record(**where, **row) for row in measured]
    return records


def _figures(task, answers, labels, facts, num_bootstraps, rng) -> Iterator:
    """Yields the fields of the records of one task."""
    if task.kind == REGRESSION:
        # The narrower, the surer.
        sure = -half_width(facts["spread"], answers)
        right = np.abs(answers - labels) <= task.tolerance
        passed = sure >= -facts["threshold"]
    else:
        temperature = facts["temperature"]
        yield figure("temperature", temperature, facts["count"])
        metrics = {"calibrated_error": temperature}
        if task.kind == MULTI_LABEL:
            # Of classes it is among the figures already.
            metrics = {"expected_calibration_error": 1.0, **metrics}
        for metric, value in metrics.items():
            sure, right = confidences(task, answers, labels, value)
            bins = equal_width_bins(sure)
            error = expected_calibration_error(sure, right, bins)
            interval = calibration_interval(
                sure, right, bins, num_bootstraps, rng
            )
            yield figure(metric, error, len(sure), interval)
        passed = sure >= facts["threshold"]
    yield share("sure", passed.sum(), len(passed))
    yield share("sure_accuracy", right[passed].sum(), passed.sum())
    order = np.argsort(-sure, kind="stable")
    for coverage in COVERAGES:
        count = max(round(coverage * len(order)), 1)
        hits = right[order[:count]].sum()
        variant = f"{100 * coverage:.0f} %"
        yield share("accuracy_of_surest", hits, count, variant=variant)
