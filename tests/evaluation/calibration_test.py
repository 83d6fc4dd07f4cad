import dataclasses

import numpy as np
import pytest
from sklearn.metrics import log_loss

from tests.portrait_factory import AGE
from tests.portrait_factory import MOOD
from tests.portrait_factory import ORIGIN
from tests.portrait_factory import SIGNS
from tests.portrait_factory import SMILE
from tp_keras.certainty import confidence
from tp_keras.certainty import half_width
from tp_keras.certainty import reason_of_doubt
from tp_keras.certainty import unfamiliarity
from tp_keras.certainty import with_temperature
from tp_keras.evaluation.calibration import calibration_records
from tp_keras.evaluation.calibration import fit_calibration
from tp_keras.records.record import find_one
from tp_keras.tasks import Schema

TASKS = (AGE, MOOD, ORIGIN, SIGNS, SMILE)
SCHEMA = Schema((8, 8, 3), TASKS)


def softmax(logits):
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def made(count, sharpness, seed=0):
    """Labels drawn from probabilities, and answers too sharp or too flat."""
    rng = np.random.default_rng(seed)
    answers, labels = {}, {}
    for task in (MOOD, ORIGIN, SMILE):
        logits = rng.normal(0, 2, (count, task.num_classes))
        true = softmax(logits)
        draws = rng.random((count, 1))
        labels[task.name] = (true.cumsum(-1) < draws).sum(-1)
        answers[task.name] = softmax(sharpness * logits)
    logits = rng.normal(0, 2, (count, 2))
    true = 1 / (1 + np.exp(-logits))
    labels["signs"] = (rng.random(true.shape) < true).astype(int)
    answers["signs"] = 1 / (1 + np.exp(-sharpness * logits))
    answers["age"] = rng.uniform(0, 100, count)
    # Off by 2 years below 50, by 20 above.
    off = np.where(answers["age"] < 50, 2, 20) * rng.uniform(0, 1.5, count)
    labels["age"] = answers["age"] + off
    return answers, labels


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 3.0])
def test_the_temperature_is_that_by_which_answers_are_too_sharp(sharpness):
    answers, labels = made(4000, sharpness)
    facts = fit_calibration(answers, labels, TASKS)
    for task in (MOOD, ORIGIN, SIGNS, SMILE):
        found = facts[task.name]["temperature"]
        assert found == pytest.approx(sharpness, rel=0.12)
    # The least log loss there is, by scikit-learn's.
    temperature = facts["origin"]["temperature"]
    losses = [
        log_loss(
            labels["origin"],
            with_temperature(ORIGIN, answers["origin"], temperature * f),
        )
        for f in (0.9, 1.0, 1.1)
    ]
    assert losses[1] == min(losses)


def test_from_the_threshold_on_two_of_three_are_right():
    answers, labels = made(6000, 2.0)
    facts = fit_calibration(answers, labels, TASKS)
    fresh, truth = made(6000, 2.0, seed=1)
    for task in (MOOD, ORIGIN, SMILE):
        threshold = facts[task.name]["threshold"]
        temperature = facts[task.name]["temperature"]
        sure = confidence(
            task, with_temperature(task, fresh[task.name], temperature)
        )
        right = task.predicted(fresh[task.name]) == truth[task.name]
        near = np.abs(sure - threshold) < 0.05
        assert right[near].mean() == pytest.approx(2 / 3, abs=0.1)


def test_numbers_have_a_spread_that_holds_two_of_three():
    answers, labels = made(5000, 1.0)
    facts = fit_calibration(answers, labels, TASKS)["age"]
    assert facts["threshold"] == 2 * AGE.tolerance == 10
    widths = half_width(facts["spread"], [10, 90])
    # Two thirds of uniform draws up to 1.5 are below 1.
    assert widths == pytest.approx([2, 20], rel=0.1)
    assert reason_of_doubt(AGE, 10.0, facts) is None
    said = reason_of_doubt(AGE, 90.0, facts)
    told = f"{widths[1]:.3g} years one time in three"
    assert said == f"numbers like this one are off by more than {told}"


def test_few_or_no_labels_settle_nothing():
    answers, labels = made(40, 1.0)
    labels["origin"][15:] = -1
    labels["signs"][:] = -1
    facts = fit_calibration(answers, labels, TASKS)
    assert set(facts) == {"age", "mood", "smile"}
    labels["mood"][:10] = -1
    assert fit_calibration(answers, labels, TASKS)["mood"]["count"] == 30


def test_reasons_of_doubt():
    facts = {"threshold": 0.7}
    assert reason_of_doubt(SMILE, [0.2, 0.8], facts) is None
    said = reason_of_doubt(SMILE, [0.4, 0.6], facts)
    assert said == "probability 0.60, sure from 0.70"
    said = reason_of_doubt(SIGNS, [0.05, 0.4], facts)
    assert said == "probability scarf 0.60, sure from 0.70"
    assert reason_of_doubt(SMILE, [0.5, 0.5], {}) is None
    assert reason_of_doubt(AGE, 90.0, {}) is None


def test_figures_before_and_after():
    answers, labels = made(3000, 3.0)
    facts = fit_calibration(answers, labels, TASKS)
    fresh, truth = made(3000, 3.0, seed=2)
    records = calibration_records(
        fresh, truth, SCHEMA, facts, num_bootstraps=50, seed=1, split="test"
    )
    before = find_one(
        records, metric="expected_calibration_error", task="signs"
    )
    after = find_one(records, metric="calibrated_error", task="signs")
    assert before.value > 0.1 > 0.03 > after.value
    assert after.low <= after.value <= after.high
    for task in TASKS:
        everyone = find_one(
            records,
            metric="accuracy_of_surest",
            task=task.name,
            variant="100 %",
        )
        half = find_one(
            records,
            metric="accuracy_of_surest",
            task=task.name,
            variant="50 %",
        )
        assert half.count == pytest.approx(everyone.count / 2, abs=1)
        assert half.value > everyone.value + 0.03
        sure = find_one(records, metric="sure", task=task.name)
        right = find_one(records, metric="sure_accuracy", task=task.name)
        assert right.count == round(sure.value * sure.count)
    right = np.mean(ORIGIN.predicted(fresh["origin"]) == truth["origin"])
    everyone = find_one(
        records, metric="accuracy_of_surest", task="origin", variant="100 %"
    )
    assert everyone.value == pytest.approx(right)
    assert records[0].split == "test"


def test_a_task_that_was_not_measured_is_left_out():
    answers, labels = made(100, 1.0)
    facts = fit_calibration(answers, labels, (SMILE,))
    schema = dataclasses.replace(SCHEMA)
    records = calibration_records(
        answers, labels, schema, facts, num_bootstraps=10
    )
    assert {record.task for record in records} == {"smile"}


def test_unfamiliarity_is_one_on_average():
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(4, 4))
    logs = np.abs(rng.normal(5, 1, (4000, 4)) @ np.abs(mixing)) / 3
    values, vectors = np.linalg.eigh(np.cov(logs.T))
    whitening = vectors / np.sqrt(values)
    scores = unfamiliarity(np.expm1(logs), logs.mean(0), whitening)
    assert scores.mean() == pytest.approx(1, abs=0.01)
    (far,) = unfamiliarity(
        np.expm1(logs.mean(0) + 9)[None], logs.mean(0), whitening
    )
    assert far > scores.max()
