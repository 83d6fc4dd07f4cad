import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.fairness.counterfactual import measure_counterfactuals
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records.intervals import wilson_interval
from tp_keras.tasks import HAIR_COLOR

QUICK = FairnessSettings(num_bootstraps=200)
RATIO = "counterfactual_distance_ratio"


def measure(
    labels, predictions, twin_predictions, embedding, twins, genders=None
):
    """Returns (metric, group) -> fields."""
    figures = measure_counterfactuals(
        HAIR_COLOR,
        labels,
        predictions,
        twin_predictions,
        embedding,
        twins,
        QUICK,
        0,
        genders=genders,
    )
    return {(f["metric"], f["group"]): f for f in figures}


def random_case(count=80, seed=0):
    generator = np.random.default_rng(seed)
    labels = generator.integers(-1, 3, count)
    genders = generator.integers(2, size=count)
    predictions, twin_predictions = generator.integers(3, size=(2, count))
    embedding = generator.normal(size=(count, 5)) + 2 * np.eye(5)[labels]
    twins = embedding + 0.5 * generator.normal(size=(count, 5))
    return labels, predictions, twin_predictions, embedding, twins, genders


def test_by_hand():
    up, right, left = [0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]
    found = measure(
        labels=[0, 0, 0, 1, -1],
        predictions=[0, 0, 1, 2, 2],
        twin_predictions=[0, 1, 1, 2, 4],
        # Distances in class 0: 1 to both; 1 and 2; 1 and 2.
        embedding=[up, right, left, up, up],
        # Distances: 0, 1 and 0; the last two are without another of a class.
        twins=[up, up, left, left, left],
        genders=[0, 0, 1, 1, 1],
    )
    flips = found["counterfactual_flips", "all"]
    assert (flips["value"], flips["count"]) == (2 / 5, 5)
    assert (flips["low"], flips["high"]) == wilson_interval(2, 5)
    assert found["counterfactual_flips", "female"]["value"] == 1 / 2
    assert found["counterfactual_flips", "male"]["value"] == 1 / 3
    distance = found["counterfactual_distance", "all"]
    assert distance["value"] == pytest.approx(1 / 3)
    assert distance["count"] == 3
    of_class = found["class_distance", "all"]["value"]
    assert of_class == pytest.approx((1 + 1.5 + 1.5) / 3)
    assert found[RATIO, "all"]["value"] == pytest.approx(1 / 4)
    assert found[RATIO, "female"]["value"] == pytest.approx(0.5 / 1.25)
    assert found[RATIO, "male"]["value"] == 0


def test_twins_that_are_the_same():
    labels, predictions, _, embedding, _, genders = random_case()
    # In the same direction: the length means nothing.
    found = measure(
        labels, predictions, predictions, embedding, 3 * embedding, genders
    )
    for group in ("all", "female", "male"):
        assert found["counterfactual_flips", group]["value"] == 0
        for metric in ("counterfactual_distance", RATIO):
            fields = found[metric, group]
            assert fields["value"] == pytest.approx(0, abs=1e-12)
            assert fields["high"] == pytest.approx(0, abs=1e-12)


def test_agrees_with_plain_loops():
    labels, predictions, twin_predictions, embedding, twins, genders = case = (
        random_case()
    )
    found = measure(*case)

    def distance(a, b):
        return 1 - a @ b / np.sqrt(a @ a) / np.sqrt(b @ b)

    for group, gender in (("all", None), ("female", 0), ("male", 1)):
        rows = [i for i in range(80) if gender in (None, genders[i])]
        flips = [predictions[i] != twin_predictions[i] for i in rows]
        fields = found["counterfactual_flips", group]
        assert fields["value"] == pytest.approx(np.mean(flips))
        rows = [i for i in rows if labels[i] != -1]
        own = np.mean([distance(embedding[i], twins[i]) for i in rows])
        others = np.mean(
            [
                np.mean(
                    [
                        distance(embedding[i], embedding[j])
                        for j in range(80)
                        if j != i and labels[j] == labels[i]
                    ]
                )
                for i in rows
            ]
        )
        fields = found["counterfactual_distance", group]
        assert fields["value"] == pytest.approx(own)
        assert found["class_distance", group]["value"] == pytest.approx(others)
        ratio = found[RATIO, group]
        assert ratio["value"] == pytest.approx(own / others)
        assert ratio["low"] < ratio["value"] < ratio["high"]
        assert ratio["count"] == len(rows)


def test_twins_as_far_as_strangers():
    generator = np.random.default_rng(0)
    embedding, twins = generator.normal(size=(2, 3000, 8))
    zeros = np.zeros(3000, int)
    ratio = measure(zeros, zeros, zeros, embedding, twins)[RATIO, "all"]
    assert ratio["low"] < 1 < ratio["high"]
    assert ratio["value"] == pytest.approx(1, abs=0.03)


def test_intervals_hold_the_truth():
    truth = measure(*random_case(20_000))
    keys = [
        (metric, group)
        for metric in ("counterfactual_distance", "class_distance", RATIO)
        for group in ("all", "female")
    ]
    covered = dict.fromkeys(keys, 0)
    for seed in range(1, 81):
        found = measure(*random_case(200, seed))
        for key in keys:
            low, high = found[key]["low"], found[key]["high"]
            covered[key] += low <= truth[key]["value"] <= high
    # 95 % of 80 are 76, give or take 2.
    assert min(covered.values()) >= 71, covered


def test_groups_only_with_genders():
    *case, genders = random_case()
    assert {group for _, group in measure(*case)} == {"all"}
    women = measure(*case, np.zeros_like(genders))
    for metric in ("counterfactual_flips", "class_distance", RATIO):
        fields = women[metric, "male"]
        assert (fields["value"], fields["count"]) == (None, 0)
        assert women[metric, "female"]["value"] == women[metric, "all"]["value"]


def test_flips_need_no_labels():
    _, *case = random_case()
    found = measure(np.full(80, -1), *case)
    assert found["counterfactual_flips", "all"]["count"] == 80
    for metric in ("counterfactual_distance", "class_distance", RATIO):
        fields = found[metric, "all"]
        assert (fields["value"], fields["count"]) == (None, 0)


def test_a_class_in_one_place_has_no_ratio():
    zeros, same = np.zeros(7, int), np.tile([[0.1, 0.7, 0.3]], (7, 1))
    found = measure(zeros, zeros, zeros, same, np.eye(7, 3))
    assert found["class_distance", "all"]["value"] == pytest.approx(0, abs=1e-9)
    fields = found[RATIO, "all"]
    assert (fields["value"], fields["low"], fields["count"]) == (None, None, 7)


def test_no_pairs():
    empty = np.zeros(0, int)
    found = measure(empty, empty, empty, np.zeros((0, 3)), np.zeros((0, 3)))
    assert {(f["value"], f["count"]) for f in found.values()} == {(None, 0)}


def test_bad_input_is_told():
    labels, predictions, twin_predictions, embedding, twins, genders = (
        random_case()
    )
    with pytest.raises(UserError, match=r"Received: \[80, 80, 79, 80, 80\]"):
        measure(labels, predictions, twin_predictions[1:], embedding, twins)
    with pytest.raises(UserError, match=r"\(80, 5\) and \(80, 4\)"):
        measure(labels, predictions, twin_predictions, embedding, twins[:, 1:])
    twins[3] = np.nan
    with pytest.raises(UserError, match="in 1 of 80 rows, first in row 3"):
        measure(labels, predictions, twin_predictions, embedding, twins)
