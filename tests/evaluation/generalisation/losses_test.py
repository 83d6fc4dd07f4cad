import numpy as np
import pytest
import sklearn.metrics

from tests.evaluation.predictions import one_hot
from tests.evaluation.predictions import random_predictions
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import GENDER
from tests.portrait_factory import ORIGIN
from tp_keras.evaluation.generalisation import losses
from tp_keras.evaluation.generalisation.likeness import TREATMENTS

PARTS = (losses.FRAMING, losses.COLOUR, losses.LEFT)


def right(labels, shares, task=GENDER):
    """Scores: of each class these shares are right, a list a treatment."""
    labels = np.asarray(labels, int)
    answers = []
    for own in shares:
        found = labels.copy()
        for label, share in enumerate(own):
            rows = np.flatnonzero(labels == label)
            wrong = rows[round(share * len(rows)) :]
            found[wrong] = (label + 1) % task.num_classes
        answers.append(one_hot(found, task.num_classes))
    return losses.score(task, answers, labels)


def measured(task, own, other, seed=0, draws=200):
    generator = np.random.default_rng(seed)
    found = losses.measure(task, own, other, generator, draws)
    return {(item["metric"], item["variant"]): item for item in found}


HALVES = [0] * 20 + [1] * 20


def test_the_parts_of_a_loss_are_those_worked_out_by_hand():
    own = right(HALVES, [(1.0, 0.9)])
    # As they are, framed, coloured, both.
    shares = [(0.5, 0.5), (0.8, 0.6), (0.6, 0.5), (0.9, 0.8)]
    found = measured(GENDER, own, right(HALVES, shares))
    values = {name: item["value"] for name, item in found.items()}
    assert values["balanced_accuracy", losses.OWN] == pytest.approx(0.95)
    for treatment, share in zip(TREATMENTS, shares, strict=True):
        value = values["balanced_accuracy", treatment]
        assert value == pytest.approx(np.mean(share))
    expected = {
        losses.TOTAL: 0.95 - 0.5,
        # First .7 - .5, last .85 - .55.
        losses.FRAMING: (0.2 + 0.3) / 2,
        losses.COLOUR: (0.05 + 0.15) / 2,
        losses.LEFT: 0.95 - 0.85,
    }
    for name, value in expected.items():
        assert values[losses.LOSS, name] == pytest.approx(value)
        assert found[losses.LOSS, name]["count"] == 40


@pytest.mark.parametrize("task", EVERY_KIND.tasks, ids=lambda task: task.kind)
def test_parts_add_up_and_missing_labels_never_count(task):
    pairs = [random_predictions(300, seed, EVERY_KIND) for seed in range(5)]
    answers = [pair[0][task.name] for pair in pairs]
    labels = pairs[0][1][task.name]
    own = losses.score(task, answers[:1], labels)
    other = losses.score(task, answers[1:], labels)
    found = measured(task, own, other)
    parts = [found[losses.LOSS, name]["value"] for name in PARTS]
    total = found[losses.LOSS, losses.TOTAL]
    assert sum(parts) == pytest.approx(total["value"])
    # Answers of other seeds are worse, whichever way the figure goes.
    assert total["value"] > 0 and total["low"] > 0
    known = np.isfinite(labels) if task.kind == "regression" else labels >= 0
    plain, balanced = losses.metric_names(task)
    assert found[plain, "as_is"]["count"] == known.sum()
    for item in found.values():
        assert item["low"] <= item["value"] <= item["high"]


def test_the_figures_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    labels = rng.choice(3, 400, p=[0.6, 0.3, 0.1])
    scores = rng.dirichlet(np.ones(3), 400)
    scores[np.arange(400), labels] += 0.5
    own = losses.score(ORIGIN, [scores / 1.5], labels)
    found = measured(ORIGIN, own, None)
    truth = labels, scores.argmax(1)
    value = found["balanced_accuracy", losses.OWN]["value"]
    expected = sklearn.metrics.balanced_accuracy_score(*truth)
    assert value == pytest.approx(expected)
    value = found["accuracy", losses.OWN]["value"]
    assert value == pytest.approx(sklearn.metrics.accuracy_score(*truth))
    assert len(found) == 2


def test_more_of_a_hard_class_is_no_loss():
    shares = (0.95, 0.6)
    own = right([0] * 180 + [1] * 20, [shares])
    other = right([0] * 20 + [1] * 180, [shares] * 4)
    found = measured(GENDER, own, other)
    total = found[losses.LOSS, losses.TOTAL]
    assert total["value"] == pytest.approx(0) and total["low"] < 0
    assert found["accuracy", "as_is"]["value"] == pytest.approx(0.635)


def test_a_class_that_one_side_hardly_has_does_not_count():
    own = right([0] * 30 + [1] * 30 + [2] * 9, [(1, 1, 1)], ORIGIN)
    shares = [(0.5, 0.5, 0)] * 4
    other = right([0] * 30 + [1] * 30 + [2] * 30, shares, ORIGIN)
    found = measured(ORIGIN, own, other)
    as_is = found["balanced_accuracy", "as_is"]
    assert (as_is["value"], as_is["count"]) == (0.5, 60)
    assert found["balanced_accuracy", losses.OWN]["count"] == 60
    assert found["accuracy", "as_is"]["count"] == 90


@pytest.mark.parametrize("count", [0, 9])
def test_without_enough_portraits_nothing_is_said(count):
    own = right(HALVES, [(1, 1)])
    found = measured(GENDER, own, right([0] * count, [(1, 1)] * 4))
    for key, item in found.items():
        if key[0] != "accuracy":
            assert item["value"] is None and item["low"] is None


def test_treatments_are_drawn_together():
    # The same answers whatever is done: that is certain.
    own, other = right(HALVES, [(1, 1)]), right(HALVES, [(0.6, 0.7)] * 4)
    found = measured(GENDER, own, other)
    for name in (losses.FRAMING, losses.COLOUR):
        item = found[losses.LOSS, name]
        assert (item["value"], item["low"], item["high"]) == (0, 0, 0)
    left = found[losses.LOSS, losses.LEFT]
    assert left["low"] < left["value"] - 0.05


def test_intervals_hold_what_other_portraits_would_show():
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], 100)
    missed = 0
    for seed in range(60):

        def drawn(share):
            hits = rng.random(200) < share
            found = np.where(hits, labels, 1 - labels)
            return one_hot(found, 2)

        own = losses.score(GENDER, [drawn(0.9)], labels)
        other = losses.score(GENDER, [drawn(0.7) for _ in range(4)], labels)
        found = measured(GENDER, own, other, seed)
        total = found[losses.LOSS, losses.TOTAL]
        missed += not total["low"] <= 0.2 <= total["high"]
    # 3 are to be expected; 9 or more happen once in 400 times.
    assert missed <= 8
