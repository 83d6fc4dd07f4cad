import fairlearn.metrics
import numpy as np
import pytest
import sklearn.metrics

from tests.portrait_factory import AGE
from tests.portrait_factory import GENDER
from tests.portrait_factory import HAIR_TYPE
from tests.portrait_factory import ORIGIN
from tests.portrait_factory import SIGNS
from tp_keras.fairness import group_counts
from tp_keras.fairness.group_counts import GroupAnswers
from tp_keras.fairness.group_figures import measure_flips
from tp_keras.fairness.group_figures import measure_groups
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records import intervals
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one

FEMALE, MALE = range(2)
ODDS = "equalized_odds_difference_max"

# Group, label, prediction: straight, wavy, bald. No woman is bald.
OUTCOMES = np.array(
    [[[8, 2, 0], [4, 6, 0], [0, 0, 0]], [[9, 0, 1], [4, 1, 0], [0, 0, 4]]]
)
# The south lies between the two in the first class, and beyond in the second.
THREE = np.append(OUTCOMES, [[[17, 3, 0], [9, 1, 0], [0, 0, 0]]], 0)


def rows_of(outcomes):
    """Returns labels, predictions and groups that are counted so."""
    cells = np.argwhere(np.ones_like(outcomes, bool))
    groups, labels, predictions = np.repeat(cells, outcomes.ravel(), 0).T
    return labels, predictions, groups


def measure(
    labels, predictions, groups, task=HAIR_TYPE, protected=GENDER, seed=0, **few
):
    settings = {"num_bootstraps": 200, "num_permutations": 200} | few
    arrays = map(np.asarray, (labels, predictions, groups))
    answers = GroupAnswers(task, *arrays, protected)
    found = measure_groups(answers, FairnessSettings(**settings), seed)
    return [Record(task=task.name, **fields) for fields in found]


def value(records, metric, class_name=None, group="all", variant=None):
    where = {"class_name": class_name, "group": group, "variant": variant}
    return find_one(records, metric=metric, **where).value


def recalls(found):
    return {
        (record.class_name, record.group): (
            *(record.value, record.count, record.variant),
        )
        for record in find(found, metric="group_recall")
    }


def test_two_groups_by_hand():
    records = measure(*rows_of(OUTCOMES), min_count=5)
    women, men = 14 / 20, 14 / 19
    assert value(records, "accuracy") == pytest.approx(28 / 39)
    assert value(records, "accuracy", group="female") == pytest.approx(women)
    assert value(records, "accuracy", group="male") == pytest.approx(men)
    assert value(records, "accuracy_gap") == pytest.approx(men - women)
    assert value(records, "neutral_accuracy") == pytest.approx(
        (women + men) / 2 - (men - women)
    )
    worst = find_one(records, metric="worst_group_recall")
    assert (worst.class_name, worst.group) == ("wavy", "male")
    assert (worst.value, worst.count) == (pytest.approx(0.2), 5)
    odds = find_one(records, metric=ODDS)
    # 3 of 5 wavy women more than men are found.
    assert (odds.class_name, odds.count) == ("wavy", 39)
    assert odds.value == pytest.approx(0.4)
    assert recalls(records) == {
        ("straight", "female"): (0.8, 10, None),
        ("wavy", "female"): (0.6, 10, None),
        ("bald", "female"): (None, 0, "unsupported"),
        ("straight", "male"): (0.9, 10, None),
        ("wavy", "male"): (0.2, 5, None),
        ("bald", "male"): (1.0, 4, "unsupported"),
    }
    where = {"class_name": "wavy", "group": "male"}
    recall = find_one(records, metric="group_recall", **where)
    assert (recall.low, recall.high) == intervals.wilson_interval(1, 5)
    # Rows without label or group do not count.
    labels, predictions, groups = rows_of(OUTCOMES)
    more = [*labels, -1, -1], [*predictions, 0, 1], [*groups, FEMALE, -1]
    assert measure(*more, min_count=5) == records


def test_three_groups_by_hand():
    found = measure(*rows_of(THREE), protected=ORIGIN, min_count=5)
    assert value(found, "accuracy", group="west") == pytest.approx(18 / 30)
    assert value(found, "accuracy_gap") == pytest.approx(14 / 19 - 18 / 30)
    assert value(found, "neutral_accuracy") == pytest.approx(
        (14 / 20 + 14 / 19 + 18 / 30) / 3 - (14 / 19 - 18 / 30)
    )
    # Of the wavy 6 of 10, 1 of 5 and 1 of 10 are found.
    assert value(found, ODDS, "wavy") == pytest.approx(0.6 - 0.1)
    worst = find_one(found, metric="worst_group_recall")
    assert (worst.group, worst.value) == ("west", pytest.approx(0.1))
    # Of the wavy five in the south are too few, whatever they are called.
    outcomes = THREE.copy()
    outcomes[1, 1] = [5, 0, 0]
    found = measure(*rows_of(outcomes), protected=ORIGIN, min_count=10)
    assert value(found, ODDS, "wavy") == pytest.approx(0.6 - 0.1)


def test_small_cells_do_not_count():
    outcomes = OUTCOMES.copy()
    outcomes[MALE, 2] = [4, 0, 0]
    found = measure(*rows_of(outcomes), min_count=5)
    assert value(found, "group_recall", "bald", "male", "unsupported") == 0
    assert find_one(found, metric="worst_group_recall").class_name == "wavy"
    # Ten men of eleven are found, of the wavy women the only one is not.
    outcomes = np.zeros((2, 3, 3), int)
    outcomes[:, 0, 0] = 20, 20
    outcomes[:, 1] = [1, 0, 0], [1, 10, 0]
    found = measure(*rows_of(outcomes), min_count=10)
    assert find_one(found, metric=ODDS).value == 0
    # All but five of the men are straight, and one of the five is called so.
    outcomes[:, :2, :2] = [[20, 0], [0, 20]], [[20, 0], [1, 4]]
    for least, expected in ((20, 0.0), (5, 0.2)):
        found = measure(*rows_of(outcomes), min_count=least)
        assert find_one(found, metric=ODDS).value == pytest.approx(expected)
    # False positives alone are no equalised odds: every cell has fewer rows
    # than it needs, the others together enough.
    found = measure(*rows_of(np.full((2, 3, 3), 10)))
    record = find_one(found, metric=ODDS)
    assert (record.value, record.count) == (None, 180)


@pytest.mark.parametrize("protected", [GENDER, ORIGIN], ids=lambda t: t.name)
@pytest.mark.parametrize("seed", range(2))
def test_agrees_with_fairlearn(protected, seed):
    generator = np.random.default_rng(seed)
    groups = generator.integers(protected.num_classes, size=500)
    labels = generator.integers(3, size=500)
    # The first group is called otherwise, or there is nothing to compare.
    right = generator.random(500) < 0.5 + 0.2 * (groups > 0)
    predictions = np.where(right, labels, generator.integers(3, size=500))
    found = measure(
        labels, predictions, groups, protected=protected, min_count=1
    )
    by_group = {"sensitive_features": groups}

    def frame(metric, labels, predictions):
        return fairlearn.metrics.MetricFrame(
            metrics=metric, y_true=labels, y_pred=predictions, **by_group
        )

    rates = frame(sklearn.metrics.accuracy_score, labels, predictions)
    assert value(found, "accuracy") == pytest.approx(rates.overall)
    assert value(found, "accuracy_gap") == pytest.approx(rates.difference())
    for name, rate in zip(protected.classes, rates.by_group, strict=True):
        assert value(found, "accuracy", group=name) == pytest.approx(rate)
    expected, odds = {}, []
    for index, name in enumerate(HAIR_TYPE.classes):
        binary = labels == index, predictions == index
        rates = frame(fairlearn.metrics.true_positive_rate, *binary).by_group
        expected |= zip(
            ((name, group) for group in protected.classes), rates, strict=True
        )
        odds.append(
            fairlearn.metrics.equalized_odds_difference(*binary, **by_group)
        )
    shares = {cell: share for cell, (share, *_) in recalls(found).items()}
    assert shares == pytest.approx(expected)
    assert find_one(found, metric=ODDS).value == pytest.approx(max(odds))
    worst = find_one(found, metric="worst_group_recall")
    assert worst.value == pytest.approx(min(expected.values()))


def test_bias_lies_beyond_its_null():
    outcomes = np.zeros((2, 3, 3), int)
    outcomes[FEMALE, :2, :2] = [[90, 10], [10, 90]]
    outcomes[MALE, :2, :2] = [[90, 10], [60, 40]]
    found = measure(*rows_of(outcomes))
    for metric in ("accuracy_gap", ODDS):
        record = find(found, metric=metric)[0]
        assert record.null < record.low < record.value < record.high, metric
    for metric in ("neutral_accuracy", "worst_group_recall"):
        record = find_one(found, metric=metric)
        assert record.low < record.value < record.high < record.null, metric


def test_accuracy_gap_knows_that_the_mix_of_classes_is_chance():
    # Always the same prediction: the accuracy is the share of its class, and
    # varies with it, though no recall does.
    outcomes = np.zeros((2, 3, 3), int)
    outcomes[:, :2, 0] = [[150, 50], [100, 100]]
    gap = find_one(measure(*rows_of(outcomes)), metric="accuracy_gap")
    spread = 1.96 * np.sqrt((0.75 * 0.25 + 0.5 * 0.5) / 200)
    assert gap.value == pytest.approx(0.25)
    assert gap.low == pytest.approx(0.25 - spread, abs=0.03)
    assert gap.high == pytest.approx(0.25 + spread, abs=0.03)


def test_figures_repeat_by_seed():
    rows = rows_of(OUTCOMES * 20)
    first, second = measure(*rows, seed=0), measure(*rows, seed=1)
    assert measure(*rows, seed=0) == first != second
    assert [record.value for record in first] == [r.value for r in second]


# === Numbers and flags ===


def test_numbers_by_hand():
    # Two ranges of ages; within 5 years is right.
    labels = np.float32([1, 2, 3, 4, 50, 51, 52, np.nan])
    predictions = np.float32([6, 2, 9, 4, 50, 71, 50, 9])
    groups = [0, 0, 1, 1, 0, 1, 1, 1]
    found = measure(labels, predictions, groups, AGE, min_count=2)
    assert value(found, "accuracy") == pytest.approx(5 / 7)
    assert value(found, "accuracy", group="male") == pytest.approx(2 / 4)
    assert value(found, "accuracy_gap") == pytest.approx(1 / 2)
    assert value(found, "mae") == pytest.approx((5 + 6 + 20 + 2) / 7)
    women, men = 5 / 3, 28 / 4
    assert value(found, "mae", group="female") == pytest.approx(women)
    gap = find_one(found, metric="mae_gap")
    assert gap.value == pytest.approx(men - women)
    assert 0 <= gap.low <= gap.value <= gap.high
    worst = find_one(found, metric="worst_group_recall")
    assert (worst.class_name, worst.group) == ("0-9", "male")
    assert worst.value == 0.5
    assert not find(found, metric=ODDS)
    few = find_one(measure(labels, predictions, groups, AGE), metric="mae_gap")
    assert (few.value, few.count) == (None, 7)


@pytest.mark.parametrize("bias", [0.0, 2.0])
def test_an_error_of_one_group_lies_beyond_chance(bias):
    generator = np.random.default_rng(1)
    labels = generator.uniform(20, 60, 900).astype(np.float32)
    groups = generator.integers(3, size=900)
    errors = generator.normal(0, 3 + bias * (groups == 1))
    found = measure(labels, labels + errors, groups, AGE, ORIGIN)
    gap = find_one(found, metric="mae_gap")
    assert (gap.low > gap.null) == (bias > 0)
    # The mean of |N(0, 5)| and of |N(0, 3)|.
    if bias:
        truth = 2 * np.sqrt(2 / np.pi)
        assert gap.low < truth < gap.high


def test_flags_by_hand():
    # Hat and scarf; a scarf is unknown.
    labels = np.array([[1, 0], [1, -1], [0, 1], [0, 0]])
    predictions = np.array([[1, 1], [0, 1], [0, 1], [0, 0]])
    found = measure(labels, predictions, [0, 0, 1, 1], SIGNS, min_count=1)
    assert value(found, "accuracy") == pytest.approx(5 / 7)
    assert value(found, "accuracy", group="female") == pytest.approx(1 / 3)
    assert value(found, "accuracy_gap") == pytest.approx(2 / 3)
    assert recalls(found) == {
        ("hat", "female"): (0.5, 2, None),
        ("scarf", "female"): (0.0, 1, None),
        ("hat", "male"): (1.0, 2, None),
        ("scarf", "male"): (1.0, 2, None),
    }
    assert not find(found, metric=ODDS) and not find(found, metric="mae")


@pytest.mark.parametrize(
    "task, predictions, twins",
    [
        (HAIR_TYPE, [9, 0, 1, 2, 2], [0, 2, 2, 2]),
        # Five years are the same.
        (AGE, [9.0, 10.0, 20.0, 30.0, 40.0], [15.0, 26.0, 30.0, 39.0]),
        (SIGNS, [[0, 1]] * 5, [[0, 1], [1, 0], [0, 1], [0, 1]]),
    ],
)
def test_flips_of_every_kind(task, predictions, twins):
    groups = np.array([0, 0, 0, 1, -1])
    predictions = np.array(predictions)
    answers = GroupAnswers(task, None, predictions, groups, ORIGIN)
    flips = measure_flips(answers, np.arange(1, 5), np.array(twins))
    found = {fields["group"]: fields for fields in flips}
    assert {group: (f["value"], f["count"]) for group, f in found.items()} == {
        "all": (0.25, 4),
        "north": (0.5, 2),
        "south": (0.0, 1),
        "west": (None, 0),
    }
    interval = found["all"]["low"], found["all"]["high"]
    assert interval == intervals.wilson_interval(1, 4)
    # What is missing is not the same.
    assert group_counts.differ(AGE, [np.nan], [25]).tolist() == [True]


# === What can't be measured ===


@pytest.mark.parametrize("men, accuracy", [(0, None), (1, 14 / 19)])
def test_a_single_or_too_small_group(men, accuracy):
    outcomes = OUTCOMES * [[[10]], [[men]]]
    found = measure(*rows_of(outcomes))
    for metric in ("accuracy_gap", "neutral_accuracy", ODDS):
        record = find_one(found, metric=metric)
        assert (record.value, record.count) == (None, outcomes.sum())
        assert (record.low, record.high, record.null) == (None,) * 3
    assert value(found, "accuracy", group="female") == pytest.approx(0.7)
    assert value(found, "accuracy", group="male") == (
        accuracy and pytest.approx(accuracy)
    )
    worst = find_one(found, metric="worst_group_recall")
    assert (worst.class_name, worst.group) == ("wavy", "female")


@pytest.mark.parametrize("count", [0, 30])
def test_no_label_at_all(count):
    nothing = np.full(count, -1)
    found = measure(nothing, nothing + 1, nothing + 1)
    assert found
    assert {(record.value, record.count) for record in found} == {(None, 0)}
