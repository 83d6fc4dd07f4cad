import numpy as np
import pytest
import sklearn.metrics

from tests.evaluation.predictions import one_hot
from tests.evaluation.predictions import random_predictions
from tp_keras import tasks
from tp_keras.errors import UserError
from tp_keras.evaluation.evaluator import GROUPS
from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.records import record as records_lib
from tp_keras.records.intervals import wilson_interval

# Eight portraits, five female and three male.
GENDERS = np.array([0, 0, 0, 0, 0, 1, 1, 1])
HAIR_TYPES = np.array([0, 0, 1, 1, -1, 0, 2, -1])
PREDICTED = np.array([0, 1, 1, 1, 2, 0, 0, 0])


def evaluate(probabilities, labels, **kwargs):
    kwargs = {"seed": 0, "split": "test", "num_bootstraps": 50} | kwargs
    return evaluate_predictions(probabilities, labels, **kwargs)


def by_hand():
    return evaluate(
        {"hair_type": one_hot(PREDICTED, 3)},
        {"gender": GENDERS, "hair_type": HAIR_TYPES},
    )


def figure(records, metric, group="all", **criteria):
    record = records_lib.find_one(
        records, metric=metric, group=group, **criteria
    )
    return record.value, record.count


def test_by_hand_overall_and_per_gender():
    records = by_hand()
    assert figure(records, "accuracy") == (4 / 6, 6)
    assert figure(records, "accuracy", "female") == (3 / 4, 4)
    assert figure(records, "accuracy", "male") == (1 / 2, 2)
    # Recalls: 2/3, 1 and 0; of women 1/2 and 1; of men 1 and 0.
    balanced = "balanced_accuracy"
    assert figure(records, balanced) == (pytest.approx(5 / 9), 6)
    assert figure(records, balanced, "female") == (0.75, 4)
    assert figure(records, balanced, "male") == (0.5, 2)
    # F1: 2/3, 4/5 and 0; of women 2/3 and 4/5; of men 2/3 and 0.
    assert figure(records, "macro_f1") == (pytest.approx(22 / 45), 6)
    assert figure(records, "macro_f1", "female") == (pytest.approx(11 / 15), 4)
    assert figure(records, "macro_f1", "male") == (pytest.approx(1 / 3), 2)
    # All confidences are 1, so the error is the share of wrong ones.
    error = "expected_calibration_error"
    assert figure(records, error, "female") == (pytest.approx(1 / 4), 4)


def test_by_hand_per_class():
    records = by_hand()
    wavy = {"class_name": "wavy"}
    assert figure(records, "precision", **wavy) == (2 / 3, 3)
    assert figure(records, "recall", **wavy) == (1.0, 2)
    assert figure(records, "f1", **wavy) == (pytest.approx(0.8), 2)
    # No man with wavy hair is labelled, and none is predicted.
    assert figure(records, "recall", "male", **wavy) == (None, 0)
    assert figure(records, "precision", "male", **wavy) == (None, 0)
    assert figure(records, "f1", "male", **wavy) == (None, 0)
    assert figure(records, "recall", "male", class_name="bald") == (0.0, 1)


def test_by_hand_confusion_and_reliability():
    records = by_hand()
    cell = {"class_name": "straight", "predicted_class": "wavy"}
    assert figure(records, "confusion", **cell) == (1 / 3, 3)
    assert figure(records, "confusion", "male", **cell) == (0.0, 1)
    assert figure(records, "bin_accuracy", bin=14) == (4 / 6, 6)
    assert figure(records, "bin_confidence", bin=14) == (1.0, 6)
    assert figure(records, "bin_accuracy", bin=3) == (None, 0)


def test_groups_equal_an_evaluation_of_their_rows_alone():
    probabilities, labels = random_predictions(400)
    records = evaluate(probabilities, labels)
    women = labels["gender"] == 0
    alone = evaluate(
        {name: array[women] for name, array in probabilities.items()},
        {name: array[women] for name, array in labels.items()},
    )
    names = ("metric", "task", "class_name", "predicted_class", "bin")
    for record in records_lib.find(records, group="female"):
        criteria = {name: getattr(record, name) for name in names}
        twin = records_lib.find_one(alone, group="all", **criteria)
        assert (record.value, record.count) == (twin.value, twin.count)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("task", tasks.TASKS, ids=lambda task: task.name)
def test_agrees_with_scikit_learn(task, group):
    probabilities, labels = random_predictions(400)
    records = evaluate(probabilities, labels)
    rows = labels[task.name] != tasks.MISSING
    if group != "all":
        rows &= labels["gender"] == tasks.GENDER.classes.index(group)
    true = labels[task.name][rows]
    predicted = probabilities[task.name].argmax(-1)[rows]
    present = np.unique(true)
    here = {"task": task.name, "group": group}
    assert figure(records, "accuracy", **here) == (
        pytest.approx(sklearn.metrics.accuracy_score(true, predicted)),
        len(true),
    )
    assert figure(records, "balanced_accuracy", **here) == (
        pytest.approx(
            sklearn.metrics.recall_score(
                true, predicted, labels=present, average="macro"
            )
        ),
        len(true),
    )
    assert figure(records, "macro_f1", **here) == (
        pytest.approx(
            sklearn.metrics.f1_score(
                true, predicted, labels=present, average="macro"
            )
        ),
        len(true),
    )
    expected = sklearn.metrics.confusion_matrix(
        true, predicted, labels=range(task.num_classes)
    )
    for (label, prediction), count in np.ndenumerate(expected):
        value, total = figure(
            records,
            "confusion",
            class_name=task.classes[label],
            predicted_class=task.classes[prediction],
            **here,
        )
        assert round((value or 0) * total) == count


def test_shares_have_wilson_intervals():
    records = by_hand()
    record = records_lib.find_one(records, metric="accuracy", group="all")
    assert (record.low, record.high) == wilson_interval(4, 6)
    record = records_lib.find_one(
        records, metric="precision", group="all", class_name="wavy"
    )
    assert (record.low, record.high) == wilson_interval(2, 3)


def test_every_interval_holds_its_value():
    probabilities, labels = random_predictions(400)
    for record in evaluate(probabilities, labels):
        if record.value is None or record.metric == "bin_confidence":
            assert record.low is None
            assert record.high is None
        else:
            assert record.low <= record.value <= record.high


def test_missing_labels_never_count():
    probabilities, labels = random_predictions(300)
    rows = labels["hair_color"] != tasks.MISSING
    assert 0 < rows.sum() < 300
    only = {"hair_color": probabilities["hair_color"]}
    whole = evaluate(only, labels)
    labelled = evaluate(
        {"hair_color": only["hair_color"][rows]},
        {name: array[rows] for name, array in labels.items()},
    )
    assert whole == labelled


def test_the_same_seed_gives_the_same_records_and_another_one_does_not():
    probabilities, labels = random_predictions(300)
    first = evaluate(probabilities, labels, seed=1)
    assert first == evaluate(probabilities, labels, seed=1)
    other = evaluate(probabilities, labels, seed=2)
    assert [record.value for record in first] == [
        record.value for record in other
    ]
    assert [record.low for record in first] != [record.low for record in other]


def test_a_figure_does_not_depend_on_the_other_tasks():
    probabilities, labels = random_predictions(300)
    everything = evaluate(probabilities, labels)
    alone = evaluate({"hair_type": probabilities["hair_type"]}, labels)
    assert records_lib.find(everything, task="hair_type") == alone


def test_embeddings_are_left_alone_and_the_records_say_what_was_measured():
    probabilities, labels = random_predictions(50)
    probabilities["hair_embedding"] = np.zeros((50, 64), np.float32)
    records = evaluate(
        probabilities, labels, seed=7, split="test[:50]", dataset="a/b"
    )
    assert {record.task for record in records} == set(tasks.TASK_NAMES)
    assert {
        (record.seed, record.split, record.dataset) for record in records
    } == {(7, "test[:50]", "a/b")}


def test_without_labelled_rows_every_figure_is_undefined():
    labels = {"gender": GENDERS, "hair_type": np.full(8, -1)}
    records = evaluate({"hair_type": one_hot(PREDICTED, 3)}, labels)
    assert len(records) == len(by_hand())
    assert {(record.value, record.count) for record in records} == {(None, 0)}


def test_one_row_is_not_certain():
    records = evaluate({"gender": one_hot([1], 2)}, {"gender": np.array([1])})
    for metric in ("accuracy", "balanced_accuracy"):
        record = records_lib.find_one(records, metric=metric, group="male")
        assert (record.value, record.count) == (1.0, 1)
        assert record.low < 0.3
    assert figure(records, "accuracy", "female") == (None, 0)


@pytest.mark.parametrize(
    "probabilities, labels, message",
    [
        ({"age": np.ones((1, 1))}, {}, "no predictions to evaluate.*age"),
        ({"gender": one_hot([0], 2)}, {}, "labels of gender are needed"),
        (
            {"hair_type": one_hot([0], 3)},
            {"gender": np.array([0])},
            "labels of hair_type are needed",
        ),
        (
            {"gender": one_hot([0], 2)},
            {"gender": np.array([0.0])},
            "integer array of shape .N.. Received: shape .1,. of float64",
        ),
        (
            {"gender": one_hot([0], 2)},
            {"gender": np.array([2])},
            "must lie in 0..1, or be -1 where missing. Received: 2",
        ),
        (
            {"gender": one_hot([0], 3)},
            {"gender": np.array([0])},
            r"must have shape \(1, 2\). Received: shape \(1, 3\)",
        ),
        (
            {"hair_type": one_hot([0, 1], 3)},
            {"gender": np.array([0]), "hair_type": np.array([0, 1])},
            "as many rows. Received: 2 and 1 rows",
        ),
        (
            {"gender": np.array([[2.0, -1.0]])},
            {"gender": np.array([0])},
            "at least 0 and add up to 1.*smallest -1",
        ),
        (
            {"gender": np.array([[3.0, 1.0]])},
            {"gender": np.array([0])},
            "add up to 1 in each row. Received: sums from 4 to 4",
        ),
        (
            {"gender": np.array([[np.nan, 1.0]])},
            {"gender": np.array([0])},
            "add up to 1 in each row. Received: sums from nan",
        ),
    ],
)
def test_bad_input_is_refused(probabilities, labels, message):
    with pytest.raises(UserError, match=message):
        evaluate(probabilities, labels)


def test_refuses_to_resample_never():
    with pytest.raises(UserError, match="Received: num_bootstraps=0"):
        evaluate(
            {"gender": one_hot([0], 2)},
            {"gender": np.array([0])},
            num_bootstraps=0,
        )
