"""Labels that the portrait does not look like.

Probabilities from other folds (`tp_keras.audit.out_of_fold`) are turned into a
count and a list of wrong labels by cleanlab (Northcutt, Jiang and Chuang,
Confident learning: estimating uncertainty in dataset labels, 2021). A class is
listed if every repeat, with features and folds of its own, lists it; a number
if it is far from the mean of what they foretell.
"""

import dataclasses
import math
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import pandas as pd
import scipy.stats
from cleanlab.count import compute_confident_joint
from cleanlab.filter import find_label_issues

from tp_keras.audit.check import Measured
from tp_keras.audit.looks import Looks
from tp_keras.audit.out_of_fold import foretell
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.audit.questions import LEAST_ROWS
from tp_keras.audit.questions import Question
from tp_keras.audit.questions import ask
from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.figures import share
from tp_keras.records.record import ALL

# Labels that are made wrong on trial, to tell how many are found.
PLANTED_SHARE = 0.05

# The part of the portraits that labels are judged wrong by.
SUREST_SHARE = 0.1

# A number is listed if it is further off than so many times what is usual
# among rows foretold alike: one of 370 of the normal distribution.
_FAR = 3.0
_NUM_BANDS = 10


@dataclasses.dataclass(frozen=True)
class Issues:
    """Which labels of a question look wrong.

    Attributes:
        found: Whether a row is listed, bool `[count]`.
        scores: How well the label fits, 0 to 1, NaN where nothing is known,
            float `[count]`; of listed rows the smallest first.
        suggested: The label that fits best, as in the question.
    """

    found: np.ndarray
    scores: np.ndarray
    suggested: np.ndarray

    @property
    def ranked(self) -> np.ndarray:
        """The listed rows, the worst first."""
        rows = np.flatnonzero(self.found)
        return rows[np.argsort(self.scores[rows], kind="stable")]


def measure_label_issues(
    *,
    portraits: PortraitSet,
    looks: Looks,
    clusters: np.ndarray | None = None,
    seed: int = 0,
    title: str | None = "foretell labels",
) -> Measured:
    """Finds labels that look wrong, of every task.

    Records of each task and flag, with Wilson's intervals:

    * `label_error_rate`: the estimated share of wrong labels, see
      `error_rates`; of a class, among portraits that look like it. Of a number
      it is the share that is listed;
    * `confident_joint_error_rate`: the estimate of cleanlab, which counts much
      of what the classifier gets wrong;
    * `label_issues`: the share of labels that are listed;
    * `label_agreement`: the share of labels that is foretold;
    * `planted_found`: of labels made wrong on trial, the share that is listed.

    Without support the value is None, and the count that of labelled rows.

    Args:
        portraits: What is audited.
        looks: What `measure_looks` has made of it.
        clusters: int `[count]` of near duplicates; see `foretell`.
        seed: Of folds, features and of what is made wrong on trial.
        title: Of the progress bars; None shows none.

    Returns:
        The records, a list `label_issues_<label>` of split, index, label,
        suggested label and score for each question, and as drawn the rows of
        each list under the same name.
    """
    questions = ask(portraits.schema, portraits.labels)
    usable = [item for item in questions if item.usable.any()]
    trials = [plant(item, seed) for item in usable]
    asked = usable + [trial for trial, _ in trials]
    answers = foretell(looks, asked, clusters, seed, title=title)
    records = [
        figure("label_error_rate", None, item.known.sum(), **_fields(item))
        for item in questions
        if not item.usable.any()
    ]
    lists, drawn = {}, {}
    for place, item in enumerate(usable):
        issues = find_issues(item, answers[place])
        records += _records(item, issues, answers[place].mean(0))
        trial, planted = trials[place]
        found = find_issues(trial, answers[len(usable) + place]).found
        counts = found[planted].sum(), len(planted)
        records.append(share("planted_found", *counts, **_fields(item)))
        name, rows = f"label_issues_{item.file_name}", issues.ranked
        lists[name] = _list(portraits, item, issues, rows)
        drawn[name] = rows
    return Measured(records, lists, drawn)


def plant(
    question: Question, seed: int, part: float = PLANTED_SHARE
) -> tuple[Question, np.ndarray]:
    """Makes a share of the labels wrong, drawn by chance.

    A class becomes any other one that has support, a number that of another
    row of those drawn.

    Returns:
        The question with such labels, and the rows whose label has changed.
    """
    generator = np.random.default_rng([seed, 77])
    rows = np.flatnonzero(question.usable)
    rows = rows[generator.random(len(rows)) < part]
    labels = question.labels.copy()
    if question.is_number:
        labels[rows] = labels[np.roll(rows, 1)]
        return dataclasses.replace(question, labels=labels), rows[
            labels[rows] != question.labels[rows]
        ]
    classes = question.supported
    place = np.searchsorted(classes, labels[rows])
    place += generator.integers(1, len(classes), len(rows))
    labels[rows] = classes[place % len(classes)]
    return dataclasses.replace(question, labels=labels), rows


def find_issues(question: Question, answers: np.ndarray) -> Issues:
    """Finds the labels of a question that look wrong.

    Args:
        question: The labels; with usable rows.
        answers: What `foretell` returned for it.
    """
    if question.is_number:
        return _find_far_numbers(question, answers)
    rows, places = _labelled(question)
    mean, count = answers.mean(0), len(question.labels)
    found, scores = np.zeros(count, bool), np.full(count, np.nan)
    found[rows] = np.all(
        [_list_classes(places, own[rows]) for own in (mean, *answers)], axis=0
    )
    scores[rows] = mean[rows, places]
    # Of a classifier that errs often no more than can be wrong.
    most = math.ceil(next(error_rates(question, mean))["high"] * len(rows))
    order = np.argsort(np.where(found, scores, np.inf), kind="stable")
    found[order[most:]] = False
    suggested = question.supported[mean.argmax(1)]
    return Issues(found, scores, suggested)


def _labelled(question):
    """Returns rows with a label that counts, and its place among those."""
    rows = np.flatnonzero(question.usable)
    return rows, np.searchsorted(question.supported, question.labels[rows])


def _list_classes(labels, probabilities):
    # Of all ways of cleanlab the one with the most planted labels among what
    # it lists, at the same number found (benchmarks/planted_labels.py).
    return find_label_issues(
        labels,
        probabilities.astype(float),
        filter_by="low_self_confidence",
        n_jobs=1,
    )


def _find_far_numbers(question, answers):
    rows, mean = np.flatnonzero(question.usable), answers.mean(0)
    off = _relative((question.labels - mean)[rows], mean[rows])
    found = np.zeros(len(mean), bool)
    scores = np.full(len(mean), np.nan)
    found[rows] = np.abs(off) > _FAR
    scores[rows] = 2 * scipy.stats.norm.sf(np.abs(off))
    return Issues(found, scores, mean)


def _relative(residuals, foretold):
    """Returns residuals in units of what is usual where as much is foretold."""
    num_bands = max(min(_NUM_BANDS, len(residuals) // (5 * LEAST_ROWS)), 1)
    bands = np.array_split(np.argsort(foretold, kind="stable"), num_bands)
    relative = np.empty(len(residuals))
    for band in bands:
        centred = residuals[band] - np.median(residuals[band])
        usual = scipy.stats.median_abs_deviation(centred, scale="normal")
        relative[band] = centred / max(usual, 1e-6)
    return relative


def error_rates(question: Question, mean: np.ndarray) -> Iterator[dict]:
    """Estimates which share of labels is wrong, of all and of each class.

    By the tenth of the portraits foretold to be of each class that is surest:
    there the label is at fault rather than the classifier. Taken for granted
    is that labels of other portraits are wrong as often. Where even the surest
    are mistaken, the estimate is too high.

    Args:
        question: The labels; of classes, with usable rows.
        mean: Probabilities `[count, classes]`, the mean of all repeats.
    """
    rows, places = _labelled(question)
    fields, looks_like = _fields(question), mean[rows].argmax(1)
    certainty, hits, counts = mean[rows].max(1), [], []
    for place in range(len(question.supported)):
        own = np.flatnonzero(looks_like == place)
        own = own[np.argsort(-certainty[own], kind="stable")]
        own = own[: math.ceil(len(own) * SUREST_SHARE)]
        hits.append(np.count_nonzero(places[own] != place))
        counts.append(len(own))
    yield share("label_error_rate", sum(hits), sum(counts), **fields)
    for label, name in enumerate(question.classes):
        own = {**fields, "class_name": name}
        found = np.flatnonzero(question.supported == label)
        if found.size:
            counted = hits[found[0]], counts[found[0]]
            yield share("label_error_rate", *counted, **own)
        else:
            yield figure(
                "label_error_rate", None, question.counts[label], **own
            )


def _records(question, issues, mean):
    fields, rows = _fields(question), np.flatnonzero(question.usable)
    listed = issues.found.sum(), len(rows)
    if question.is_number:
        yield share("label_error_rate", *listed, **fields)
        hits = np.abs(question.labels - mean)[rows] <= question.task.tolerance
    else:
        yield from error_rates(question, mean)
        rows, places = _labelled(question)
        joint = compute_confident_joint(places, mean[rows].astype(float))
        off, count = joint.sum() - joint.trace(), joint.sum()
        yield share("confident_joint_error_rate", off, count, **fields)
        hits = (issues.suggested == question.labels)[rows]
    yield share("label_issues", *listed, **fields)
    yield share("label_agreement", hits.sum(), len(rows), **fields)


def _fields(question):
    return {"task": question.name, "group": ALL}


def _list(portraits: PortraitSet, question, issues, rows: Sequence[int]):
    splits = np.array(portraits.split_names)
    return pd.DataFrame(
        {
            "split": splits[portraits.splits[rows]],
            "index": portraits.indices[rows],
            "label": [question.describe(question.labels[r]) for r in rows],
            "suggested": [question.describe(issues.suggested[r]) for r in rows],
            "score": issues.scores[rows].round(6),
        }
    )
