import dataclasses

import numpy as np
import pytest

from tests.portrait_factory import AGE
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SIGNS
from tests.portrait_factory import SMILE
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.export.formats.compare import compare
from tp_keras.export.formats.compare import describe_losses
from tp_keras.records.record import find_one

TASKS = (AGE, SIGNS, SMILE)
EXPECTED = {
    "age": np.array([20.0, 30.0, 40.0, 50.0]),
    "signs": np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.2], [0.7, 0.8]]),
    "smile": np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]]),
    "embedding": np.zeros((4, 2)),
}
FOUND = {
    # Off by 0, 2, 5 and 10 years; the tolerance is 5.
    "age": np.array([20.0, 32.0, 35.0, 60.0]),
    # Two of eight flags are told otherwise.
    "signs": np.array([[0.9, 0.6], [0.4, 0.1], [0.2, 0.2], [0.7, 0.8]]),
    # The second and the third portrait are decided otherwise.
    "smile": np.array([[0.9, 0.1], [0.6, 0.4], [0.5, 0.5], [0.7, 0.3]]),
    "embedding": np.full((4, 2), -0.25),
}
LABELS = {
    "age": np.array([26.0, 30.0, np.nan, 56.0], np.float32),
    "signs": np.array([[1, 1], [1, 0], [-1, 1], [-1, -1]]),
    "smile": np.array([0, 1, 1, 1]),
    # Of the group west is nobody.
    "origin": np.array([0, 1, 1, 1]),
}


def labelled(count=4, **labels):
    return dataclasses.replace(
        make_portraits(count, schema=EVERY_KIND), labels={**LABELS, **labels}
    )


@pytest.fixture(scope="module")
def records():
    return compare(TASKS, EXPECTED, FOUND, labelled())


@pytest.mark.parametrize(
    ("metric", "task", "group", "expected"),
    [
        ("max_difference", "smile", "all", 0.3),
        ("mean_difference", "smile", "all", (0.2 + 0.2 + 0.3 + 0.3) / 8),
        ("max_difference", "embedding", "all", 0.25),
        ("same_decisions", "smile", "all", 0.5),
        ("accuracy", "smile", "all", 0.25),
        ("accuracy", "smile", "north", 1.0),
        ("accuracy", "smile", "south", 0.0),
        ("accuracy", "smile", "west", None),
        # Flags count one by one. Five are known: yes yes, no no, a wrong no.
        ("same_decisions", "signs", "all", 0.75),
        ("accuracy", "signs", "all", 0.6),
        ("accuracy", "signs", "north", 1.0),
        # Numbers in their tolerance: off by 6, 2 and 4.
        ("max_difference", "age", "all", 2.0),
        ("mean_difference", "age", "all", 0.85),
        ("same_decisions", "age", "all", 0.75),
        ("within_tolerance", "age", "all", 2 / 3),
        ("within_tolerance", "age", "north", 0.0),
    ],
)
def test_hand_computed(records, metric, task, group, expected):
    found = find_one(records, metric=metric, task=task, group=group)
    assert found.value == pytest.approx(expected)


def test_a_share_has_its_count_and_interval(records):
    south = find_one(records, metric="accuracy", task="smile", group="south")
    assert south.count == 3
    assert south.low == 0.0 < south.high < 1.0
    flags = find_one(records, metric="accuracy", task="signs", group="all")
    assert flags.count == 5


def test_without_labels_no_accuracy():
    metrics = {record.metric for record in compare(TASKS, EXPECTED, FOUND)}
    assert metrics == {"max_difference", "mean_difference", "same_decisions"}


def test_no_number_and_a_missing_task_are_no_agreement():
    found = {**FOUND, "smile": np.full((4, 2), np.nan)}
    with pytest.raises(UserError, match="'smile'"):
        compare(TASKS, EXPECTED, found)
    with pytest.raises(UserError, match="lacks the outputs age, signs"):
        compare(TASKS, EXPECTED, {"smile": EXPECTED["smile"]})


def test_losses_are_told_with_their_counts():
    before = compare((SMILE,), EXPECTED, EXPECTED, labelled())
    after = compare(TASKS, EXPECTED, FOUND, labelled())
    assert describe_losses("litert_int8", before, after) == [
        "litert_int8 loses 50.00 points of smile (all): 2 of 4 answers.",
        "litert_int8 loses 66.67 points of smile (south): 2 of 3 answers.",
    ]
    assert describe_losses("x", after, after) == []


def test_a_loss_of_three_tenths_of_a_point_is_no_matter():
    portraits = labelled(
        1000, smile=np.zeros(1000, int), origin=np.zeros(1000, int)
    )
    right = {"smile": np.tile([1.0, 0.0], (1000, 1))}
    before = compare((SMILE,), right, right, portraits)
    for lost, told in ((3, 0), (4, 2)):
        found = {"smile": right["smile"].copy()}
        found["smile"][:lost] = [0.0, 1.0]
        after = compare((SMILE,), right, found, portraits)
        assert len(describe_losses("x", before, after)) == told
