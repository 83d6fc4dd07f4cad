import dataclasses

import numpy as np
import pytest
import sklearn.metrics

from tests.evaluation.predictions import one_hot
from tests.evaluation.predictions import random_predictions
from tests.portrait_factory import EVERY_KIND
from tp_keras.data.labels import ranges_of
from tp_keras.errors import UserError
from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.evaluation.flag_figures import ranking_figures
from tp_keras.records.intervals import wilson_interval
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

# Eight portraits, five of group a and three of group b.
GROUP = Task("group", "binary", ("a", "b"))
SHAPE = Task("shape", "categorical", ("flat", "wavy", "none"))
RANK = Task("rank", "ordinal", ("low", "mid", "high"))
SIZE = Task("size", "regression", unit="cm", low=0, high=40, tolerance=2)
MARKS = Task("marks", "multi_label", ("dot", "line"))
GROUPS = np.array([0, 0, 0, 0, 0, 1, 1, 1])
SHAPES = np.array([0, 0, 1, 1, -1, 0, 2, -1])
PREDICTED = np.array([0, 1, 1, 1, 2, 0, 0, 0])


def evaluate(answers, labels, schema=EVERY_KIND, **kwargs):
    kwargs = {"seed": 0, "split": "test", "num_bootstraps": 50} | kwargs
    return evaluate_predictions(answers, labels, schema, **kwargs)


def evaluate_one(task, answers, labels, groups=None, **kwargs):
    """Evaluates a task in two groups."""
    groups = np.zeros(len(labels), int) if groups is None else groups
    schema = Schema((8, 8, 3), (GROUP, task), protected="group")
    labels = {"group": groups, task.name: np.asarray(labels)}
    return evaluate({task.name: np.asarray(answers)}, labels, schema, **kwargs)


def by_hand():
    return evaluate_one(SHAPE, one_hot(PREDICTED, 3), SHAPES, GROUPS)


def figure(records, metric, group="all", class_name=None, **criteria):
    record = find_one(
        records, metric=metric, group=group, class_name=class_name, **criteria
    )
    return record.value, record.count


def test_classes_by_hand():
    records = by_hand()
    assert figure(records, "accuracy") == (4 / 6, 6)
    assert figure(records, "accuracy", "a") == (3 / 4, 4)
    assert figure(records, "accuracy", "b") == (1 / 2, 2)
    # Recalls: 2/3, 1 and 0; of a 1/2 and 1; of b 1 and 0.
    balanced = "balanced_accuracy"
    assert figure(records, balanced) == (pytest.approx(5 / 9), 6)
    assert figure(records, balanced, "a") == (0.75, 4)
    assert figure(records, balanced, "b") == (0.5, 2)
    # F1: 2/3, 4/5 and 0; of a 2/3 and 4/5; of b 2/3 and 0.
    assert figure(records, "macro_f1") == (pytest.approx(22 / 45), 6)
    assert figure(records, "macro_f1", "a") == (pytest.approx(11 / 15), 4)
    assert figure(records, "macro_f1", "b") == (pytest.approx(1 / 3), 2)
    # All confidences are 1, so the error is the share of wrong ones.
    error = "expected_calibration_error"
    assert figure(records, error, "a") == (pytest.approx(1 / 4), 4)
    assert figure(records, "precision", class_name="wavy") == (2 / 3, 3)
    assert figure(records, "recall", class_name="wavy") == (1.0, 2)
    # No wavy one of b is labelled, and none is predicted.
    for metric in ("recall", "precision"):
        assert figure(records, metric, "b", "wavy") == (None, 0)
    cell = {"class_name": "flat", "predicted_class": "wavy"}
    assert figure(records, "confusion", **cell) == (1 / 3, 3)
    assert figure(records, "confusion", "b", **cell) == (0.0, 1)
    assert figure(records, "bin_accuracy", bin=14) == (4 / 6, 6)
    assert figure(records, "bin_confidence", bin=14) == (1.0, 6)
    assert figure(records, "bin_accuracy", bin=3) == (None, 0)
    assert not find(records, metric="mean_class_error")


def test_classes_with_an_order_by_hand():
    # The expected class of the second row is 1, though 0 and 2 are likelier.
    probabilities = [[1, 0, 0], [0.5, 0, 0.5], [0, 0, 1], [0, 1, 0]]
    records = evaluate_one(RANK, probabilities, [0, 1, 0, -1])
    assert figure(records, "accuracy") == (2 / 3, 3)
    assert figure(records, "mean_class_error") == (2 / 3, 3)
    # That of what is predicted: 1, 0 and 1.
    assert figure(records, "bin_confidence", bin=14) == (1.0, 2)
    assert figure(records, "bin_confidence", bin=0) == (0.0, 1)


def test_numbers_by_hand():
    labels = [1.0, 12.0, 19.0, 33.0, np.nan]
    answers = [3.0, 12.0, 14.0, 34.0, 7.0]
    records = evaluate_one(SIZE, answers, labels, np.array([0, 0, 1, 1, 0]))
    # Off by 2, 0, -5 and 1.
    assert figure(records, "mae", variant="cm") == (2.0, 4)
    assert figure(records, "mae", "b") == (3.0, 2)
    assert figure(records, "mean_error") == (-0.5, 4)
    assert figure(records, "within_tolerance", variant="2 cm") == (0.75, 4)
    assert figure(records, "spearman") == (1.0, 4)
    assert figure(records, "r2") == (pytest.approx(1 - 30 / 538.75), 4)
    ranges = find(records, metric="mae", group="all")[1:]
    names = [record.class_name for record in ranges]
    assert names == [f"{5 * index}-{5 * index + 4}" for index in range(9)]
    assert figure(records, "mae", class_name="15-19") == (5.0, 1)
    assert figure(records, "mae", class_name="20-24") == (None, 0)
    cell = {"class_name": "15-19", "predicted_class": "10-14"}
    assert figure(records, "confusion", **cell) == (1.0, 1)


@pytest.mark.parametrize(
    "low, high, first, last, count",
    [
        (0, 116, "0-9", "110-119", 12),
        (0, 1, "0-0.1", "0.9-1", 10),
        (1, 8, "1", "8", 8),
        (-50, 450, "-50--1", "450-499", 11),
    ],
)
def test_ranges_of_numbers(low, high, first, last, count):
    task = dataclasses.replace(SIZE, low=low, high=high)
    starts, names = ranges_of(task)
    assert (names[0], names[-1], len(names)) == (first, last, count)
    assert starts[0] <= low and len(starts) == count


def test_flags_by_hand():
    probabilities = [[0.9, 0.1], [0.4, 0.2], [0.6, 0.3], [0.2, 0.4]]
    labels = [[1, 0], [1, 0], [0, -1], [0, 0]]
    records = evaluate_one(MARKS, probabilities, labels)
    # Of four pairs one is in the wrong order.
    assert figure(records, "auc", class_name="dot") == (0.75, 4)
    # Found at ranks 1 and 3: precisions 1 and 2/3.
    precision = figure(records, "average_precision", class_name="dot")
    assert precision == (pytest.approx(5 / 6), 4)
    assert figure(records, "accuracy", class_name="dot") == (0.5, 4)
    # Nobody has a line.
    assert figure(records, "auc", class_name="line") == (None, 3)
    assert figure(records, "accuracy", class_name="line") == (1.0, 3)
    # The means are over what is defined.
    assert figure(records, "auc") == (0.75, 4)
    assert figure(records, "accuracy") == (0.75, 4)


def test_many_rankings_agree_with_scikit_learn():
    rng = np.random.default_rng(0)
    # Scores with ties, as a model in half precision gives them.
    scores = rng.integers(12, size=80) / 12
    hits = rng.random(80) < scores
    weights = rng.integers(3, size=(5, 80)).astype(float)
    areas, precisions = ranking_figures(scores, hits, weights)
    for area, precision, own in zip(areas, precisions, weights, strict=True):
        weighted = {"sample_weight": own}
        assert area == pytest.approx(
            sklearn.metrics.roc_auc_score(hits, scores, **weighted)
        )
        assert precision == pytest.approx(
            sklearn.metrics.average_precision_score(hits, scores, **weighted)
        )


def take(rows, *columns):
    return [{name: own[rows] for name, own in each.items()} for each in columns]


def test_groups_and_labelled_rows_equal_an_evaluation_of_their_rows_alone():
    answers, labels = random_predictions(300, schema=EVERY_KIND)
    # Of some nobody knows the group.
    labels["origin"][:40] = -1
    records = evaluate(answers, labels)
    assert {r.group for r in records} == {"all", *EVERY_KIND.groups}
    alone = evaluate(*take(labels["origin"] == 1, answers, labels))
    twins = find(alone, group="all")
    own = find(records, group="south")
    assert len(twins) == len(own) > 100
    for record, twin in zip(own, twins, strict=True):
        # Intervals are drawn by another stream of chance.
        free = {"group": "south", "low": record.low, "high": record.high}
        assert record == dataclasses.replace(twin, **free)
    labelled = evaluate(*take(labels["mood"] >= 0, answers, labels))
    assert find(labelled, task="mood") == find(records, task="mood")
    schema = dataclasses.replace(EVERY_KIND, protected=None)
    assert evaluate(answers, labels, schema) == find(records, group="all")


def test_intervals_hold_their_values():
    records = by_hand()
    for criteria, shares in (
        ({"metric": "accuracy"}, (4, 6)),
        ({"metric": "precision", "class_name": "wavy"}, (2, 3)),
    ):
        record = find_one(records, group="all", **criteria)
        assert (record.low, record.high) == wilson_interval(*shares)
    answers, labels = random_predictions(400, schema=EVERY_KIND)
    for record in evaluate(answers, labels):
        if record.value is None or record.metric == "bin_confidence":
            assert record.low is None and record.high is None
        elif record.count > 1:
            assert record.low <= record.value <= record.high


@pytest.mark.parametrize("task, metric", [("age", "mae"), ("signs", "auc")])
def test_bootstrap_intervals_are_as_wide_as_the_figures_vary(task, metric):
    widths, values = [], []
    for seed in range(30):
        answers, labels = random_predictions(120, seed, EVERY_KIND)
        (record,) = find(
            evaluate({task: answers[task]}, labels, num_bootstraps=100),
            metric=metric,
            group="all",
            class_name=None,
        )
        values.append(record.value)
        widths.append(record.high - record.low)
    # 95 % lie within 1.96 standard deviations on either side.
    assert np.mean(widths) == pytest.approx(3.92 * np.std(values), rel=0.35)


def test_chance_depends_on_the_seed_and_on_no_other_task_or_order():
    answers, labels = random_predictions(200, schema=EVERY_KIND)
    everything = evaluate(answers, labels)
    other = evaluate(answers, labels, seed=2)
    assert [r.value for r in everything] == [r.value for r in other]
    assert [r.low for r in everything] != [r.low for r in other]
    turned = dataclasses.replace(EVERY_KIND, tasks=EVERY_KIND.tasks[::-1])
    alone = evaluate({"smile": answers["smile"]}, labels, turned)
    assert find(everything, task="smile") == alone


def test_without_labelled_rows_every_figure_is_undefined():
    answers, labels = random_predictions(30, schema=EVERY_KIND)
    # That is no task.
    answers["embedding"] = np.zeros((30, 64), np.float32)
    count = len(evaluate(answers, labels))
    for own in labels.values():
        own[...] = np.nan if own.dtype == np.float32 else -1
    where = {"seed": 7, "split": "test[:30]", "dataset": "a/b"}
    records = evaluate(answers, labels, **where)
    assert len(records) == count
    assert {record.task for record in records} == set(EVERY_KIND.task_names)
    stamps = {(r.value, r.count, r.seed, r.split, r.dataset) for r in records}
    assert stamps == {(None, 0, *where.values())}


def test_one_row_is_not_certain():
    records = evaluate_one(SHAPE, one_hot([1], 3), [1])
    for metric in ("accuracy", "balanced_accuracy"):
        record = find_one(records, metric=metric, group="a")
        assert (record.value, record.count) == (1.0, 1)
        assert record.low < 0.3
    (mae, *_) = find(evaluate_one(SIZE, [3.0], [1.0]), metric="mae")
    assert (mae.value, mae.count, mae.low) == (2.0, 1, None)


@pytest.mark.parametrize(
    "task, answers, labels, message",
    [
        (SHAPE, one_hot([0], 2), [0], r"shape \(1, 3\).*Received: .*\(1, 2\)"),
        (SHAPE, one_hot([0, 1], 3), [0], r"shape \(1, 3\).* \(2, 3\)"),
        (SHAPE, [[2.0, -1.0, 0.0]], [0], "from -1 to 2"),
        (SHAPE, [[0.5, 0.5, 0.5]], [0], "add up to 1. Received"),
        (SHAPE, [[np.nan, 1.0, 0.0]], [0], "finite answers of shape"),
        (SHAPE, one_hot([0], 3), [3], "labels of shape between -1 and 2"),
        (MARKS, [[0.5, 1.5]], [[0, 1]], "from 0.5 to 1.5"),
        (SIZE, [[1.0]], [1.0], r"of size of shape \(1,\)"),
        (SIZE, [1.0], [41.0], "between 0 and 40"),
    ],
)
def test_bad_input_is_refused(task, answers, labels, message):
    with pytest.raises(UserError, match=message):
        evaluate_one(task, answers, labels)


@pytest.mark.parametrize(
    "name, count, message",
    [("other", 9, "Received: other, "), ("smile", 0, "num_bootstraps=0")],
)
def test_refuses_to_evaluate_nothing(name, count, message):
    answers, labels = random_predictions(5, schema=EVERY_KIND)
    with pytest.raises(UserError, match=message):
        evaluate({name: answers["smile"]}, labels, num_bootstraps=count)
