"""Loss, metric and answer of every kind, by hand in NumPy."""

import keras
import numpy as np
import pytest

from tests.portrait_factory import AGE
from tests.portrait_factory import MOOD
from tp_keras.errors import UserError
from tp_keras.models.kinds import answer
from tp_keras.models.kinds import head_kind
from tp_keras.models.kinds import levels
from tp_keras.models.losses import TaskLoss
from tp_keras.models.losses import TaskMetric
from tp_keras.tasks import Task

SKY = Task("sky", "categorical", ("clear", "gray", "dark"))
SIGNS = Task("signs", "multi_label", ("hat", "scarf"))
# Levels 0, 1 .. 10: five in a tolerance.
SHORT = Task("short", "regression", low=0, high=10, tolerance=5)
SHARES = np.array([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]], "float32")
RNG = np.random.default_rng(0)


def softmax(x):
    return np.exp(x) / np.exp(x).sum(-1, keepdims=True)


def huber(error):
    return np.where(error < 1, 0.5 * error**2, error - 0.5)


def loss_of(task, labels, scores, weights=None, head="distribution", **kwargs):
    loss = TaskLoss(task, head, **kwargs)
    scores = np.asarray(scores, "float32")
    return float(loss(np.array(labels), scores, sample_weight=weights))


def test_the_mean_over_labelled_rows_by_hand():
    logits = np.log(SHARES)
    first, second = np.log(2.0), -np.log(0.8)
    for weights in ([1, 1], [1, 0], [3, 1]):
        assert loss_of(SKY, [0, 1], logits, weights) == pytest.approx(
            np.average([first, second], weights=weights), rel=1e-6
        )
    assert loss_of(SKY, [0, 1], logits, [0, 0]) == 0.0


def test_smoothing_equals_keras():
    scores = RNG.normal(size=(16, 3)).astype("float32")
    labels = RNG.integers(3, size=16)
    expected = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=0.15
    )(np.eye(3, dtype="float32")[labels], scores)
    assert loss_of(SKY, labels, scores, label_smoothing=0.15) == (
        pytest.approx(float(expected), rel=1e-5)
    )
    flags = RNG.integers(2, size=(16, 2))
    expected = keras.losses.BinaryCrossentropy(
        from_logits=True, label_smoothing=0.2
    )(flags, scores[:, :2])
    # Keras has the mean over flags, and here each weighs as a task would.
    assert loss_of(SIGNS, flags, scores[:, :2], label_smoothing=0.2) == (
        pytest.approx(2 * float(expected), rel=1e-5)
    )


def test_order_smooths_to_the_classes_nearby():
    scores = RNG.normal(size=(1, 4))
    near = softmax(-np.array([1.0, 0.0, 1.0, 2.0]))
    target = 0.9 * np.array([0, 1, 0, 0]) + 0.1 * near
    expected = -(target * np.log(softmax(scores))).sum()
    found = loss_of(MOOD, [1], scores, label_smoothing=0.1)
    assert found == pytest.approx(expected, rel=1e-5)


def test_a_flag_that_is_missing_weighs_nothing():
    scores = np.array([[2.0, -1.0], [0.5, 3.0]])
    losses = np.log1p(np.exp(-np.array([2.0, 1.0, -0.5])))
    found = loss_of(
        SIGNS, [[1, 0], [0, 0]], scores, np.array([[1.0, 1], [1, 0]])
    )
    assert found == pytest.approx(2 * losses.mean(), rel=1e-5)


def test_numbers_that_a_head_tells_apart():
    np.testing.assert_array_equal(levels(SHORT), np.arange(11))
    assert len(levels(AGE)) == 101
    share = Task("share", "regression", low=0, high=1, tolerance=0.1)
    np.testing.assert_allclose(levels(share), np.arange(51) / 50, atol=1e-6)
    wide = Task("wide", "regression", low=-500, high=500, tolerance=1)
    assert len(levels(wide)) == 128
    rough = Task("rough", "regression", low=0, high=1, tolerance=30)
    assert levels(rough).tolist() == [0, 1]


def test_a_distribution_by_hand():
    scores = RNG.normal(size=(2, 11))
    labels = np.array([3.0, 9.0])
    bell = softmax(-0.5 * ((np.arange(11) - labels[:, None]) / 2.5) ** 2)
    found = softmax(scores)
    divergence = (bell * np.log(bell / found)).sum(-1)
    mean = found @ np.arange(11)
    expected = divergence + huber(np.abs(labels - mean) / 5)
    assert loss_of(SHORT, labels, scores) == pytest.approx(
        expected.mean(), rel=1e-4
    )
    number = head_kind(SHORT, "distribution").number
    np.testing.assert_allclose(
        number(SHORT, scores.astype("float32")), mean, rtol=1e-5
    )


def test_passed_levels_by_hand():
    scores = RNG.normal(size=(1, 10))
    # Of the borders .5, 1.5 .. 9.5 a label of 3 passes three.
    passed = np.arange(10) < 3
    losses = np.log1p(np.exp(scores)) - passed * scores
    # A step of 1 is a fifth of the tolerance.
    assert loss_of(SHORT, [3.0], scores, head="ordinal") == pytest.approx(
        losses.sum() / 5, rel=1e-5
    )
    number = head_kind(SHORT, "ordinal").number
    np.testing.assert_allclose(
        number(SHORT, scores.astype("float32")),
        (1 / (1 + np.exp(-scores))).sum(-1),
        rtol=1e-5,
    )


def test_a_number_by_hand():
    # Middle 5, scale 2.5: numbers 5 and 10; errors .4 and 2 tolerances.
    labels, scores = np.array([7.0, 0.0]), np.array([[0.0], [2.0]])
    found = loss_of(SHORT, labels, scores, head="regression")
    assert found == pytest.approx((0.5 * 0.4**2 + 1.5) / 2, rel=1e-5)
    number = head_kind(SHORT, "regression").number
    np.testing.assert_allclose(number(SHORT, scores), [5.0, 10.0])


@pytest.mark.parametrize(
    "task, labels, scores, weights, accuracy",
    [
        (SKY, [0, 2, 2], np.eye(3) * 9, None, 2 / 3),
        # The likeliest is the last, and the mean 1.53.
        (MOOD, [2], [[0.2, 0.0, 0.0, 0.3]], None, 1.0),
        (SIGNS, [[1, 0], [0, 0]], [[1, 1], [-1, 1]], [[1, 1], [1, 0]], 2 / 3),
    ],
    ids=["classes", "order", "flags"],
)
def test_accuracies_by_hand(task, labels, scores, weights, accuracy):
    metric = TaskMetric(task, "accuracy")
    metric.update_state(
        np.array(labels),
        np.array(scores, "float32"),
        None if weights is None else np.array(weights, "float32"),
    )
    assert float(metric.result()) == pytest.approx(accuracy)
    if task.has_classes:
        predicted = task.predicted(softmax(np.array(scores, float)))
        assert np.mean(predicted == np.array(labels)) == accuracy


def test_numbers_are_right_within_their_tolerance():
    # Numbers 5, 5, 10 and 5; the last one is missing.
    scores = np.array([[0], [0], [2], [0]], "float32")
    labels = np.array([9.0, 11.0, 5.0, 0.0])
    for figure, expected in (("accuracy", 2 / 3), ("mae", 15 / 3)):
        metric = TaskMetric(SHORT, figure, "regression")
        metric.update_state(labels, scores, np.array([1, 1, 1, 0]))
        assert float(metric.result()) == pytest.approx(expected)


def test_answers_are_probabilities_and_numbers():
    logits = np.array([[0.0, 1.0, 2.0], [500.0, 0.0, -500.0]])
    np.testing.assert_allclose(
        answer(SKY, logits), [softmax(logits[0]), [1, 0, 0]], rtol=1e-6
    )
    np.testing.assert_allclose(
        answer(SIGNS, np.array([[0.0, np.log(3)]])), [[0.5, 0.75]], rtol=1e-6
    )
    assert answer(SHORT, [[-2.0], [4.5], [11]]).tolist() == [0.0, 4.5, 10.0]


def test_loss_and_metric_survive_their_config():
    loss = TaskLoss(AGE, "ordinal", 0.2)
    metric = TaskMetric(AGE, "mae", "ordinal", name="age_mae")
    for thing in (loss, metric):
        told = keras.saving.serialize_keras_object(thing)
        copy = keras.saving.deserialize_keras_object(told)
        assert copy.get_config() == thing.get_config()
        assert copy.task == AGE
    assert loss.reduction == "mean_with_sample_weight"


def test_what_there_is_not_is_refused():
    with pytest.raises(ValueError, match="Received: label_smoothing=1"):
        TaskLoss(SKY, label_smoothing=1.0)
    with pytest.raises(UserError, match="distribution, ordinal, .*=sum"):
        head_kind(AGE, "sum")
