import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.export.formats.compare import compare
from tp_keras.export.formats.compare import describe_losses
from tp_keras.records.record import find_one

EXPECTED = {
    "gender": np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8], [0.7, 0.3]]),
    "hair_embedding": np.zeros((4, 2)),
}
# The second and the third portrait are decided otherwise.
FOUND = {
    "gender": np.array([[0.9, 0.1], [0.6, 0.4], [0.5, 0.5], [0.7, 0.3]]),
    "hair_embedding": np.full((4, 2), -0.25),
}
LABELS = {"gender": np.array([0, 1, 1, 1])}


def value(records, metric, task="gender", group="all"):
    return find_one(records, metric=metric, task=task, group=group).value


def test_hand_computed():
    records = compare(EXPECTED, FOUND, LABELS)
    assert value(records, "max_difference") == pytest.approx(0.3)
    # (0.2 + 0.2 + 0.3 + 0.3) / 8
    assert value(records, "mean_difference") == pytest.approx(0.125)
    assert value(records, "max_difference", "hair_embedding") == 0.25
    assert value(records, "same_decisions") == 0.5
    assert value(records, "accuracy") == 0.25
    assert value(records, "accuracy", group="female") == 1.0
    assert value(records, "accuracy", group="male") == 0.0
    male = find_one(records, metric="accuracy", task="gender", group="male")
    assert male.count == 3
    assert male.low == 0.0 < male.high < 1.0


def test_rows_without_a_label_have_no_accuracy():
    labels = {"gender": np.array([0, -1, -1, -1])}
    records = compare(EXPECTED, FOUND, labels)
    assert value(records, "accuracy") == 1.0
    assert value(records, "accuracy", group="male") is None
    assert describe_losses("x", records, records) == []


def test_without_labels_no_accuracy():
    records = compare(EXPECTED, FOUND)
    assert {record.metric for record in records} == {
        "max_difference",
        "mean_difference",
        "same_decisions",
    }


def test_no_number_is_no_agreement():
    found = {**FOUND, "gender": np.full((4, 2), np.nan)}
    with pytest.raises(UserError, match="'gender'"):
        compare(EXPECTED, found)


def test_a_missing_task():
    with pytest.raises(UserError, match="lacks the outputs gender"):
        compare(EXPECTED, {"hair_embedding": EXPECTED["hair_embedding"]})


def test_losses_are_told_with_their_counts():
    before = compare(EXPECTED, EXPECTED, LABELS)
    after = compare(EXPECTED, FOUND, LABELS)
    assert describe_losses("litert_int8", before, after) == [
        "litert_int8 loses 50.00 points of gender (all): 2 of 4 portraits.",
        "litert_int8 loses 66.67 points of gender (male): 2 of 3 portraits.",
    ]
    assert describe_losses("litert_int8", after, before) == []


def test_a_loss_of_three_tenths_of_a_point_is_no_matter():
    probabilities = np.tile([1.0, 0.0], (1000, 1))
    labels = {"gender": np.zeros(1000, int)}
    before = compare(
        {"gender": probabilities}, {"gender": probabilities}, labels
    )
    for lost, told in ((3, 0), (4, 2)):
        found = probabilities.copy()
        found[:lost] = [0.0, 1.0]
        after = compare({"gender": probabilities}, {"gender": found}, labels)
        assert len(describe_losses("x", before, after)) == told
