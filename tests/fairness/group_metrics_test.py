import fairlearn.metrics
import numpy as np
import pytest
import sklearn.metrics

from tests.evaluation import predictions as predictions_lib
from tp_keras import tasks
from tp_keras.errors import UserError
from tp_keras.fairness.group_metrics import measure_groups
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records import intervals
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one

HAIR_TYPE = tasks.HAIR_TYPE
FEMALE, MALE = range(2)

# Gender, label, prediction: straight, wavy, bald. No woman is bald.
OUTCOMES = np.array(
    [
        [[8, 2, 0], [4, 6, 0], [0, 0, 0]],
        [[9, 0, 1], [4, 1, 0], [0, 0, 4]],
    ]
)


def rows_of(outcomes):
    """Returns labels, predictions and genders that are counted so."""
    cells = np.argwhere(np.ones_like(outcomes, bool))
    genders, labels, predictions = np.repeat(cells, outcomes.ravel(), 0).T
    return labels, predictions, genders


def measure(labels, predictions, genders, task=HAIR_TYPE, seed=0, **settings):
    settings = {"num_bootstraps": 200, "num_permutations": 200} | settings
    found = measure_groups(
        task,
        np.asarray(labels, int),
        np.asarray(predictions, int),
        np.asarray(genders, int),
        FairnessSettings(**settings),
        seed,
    )
    return [Record(task=task.name, **fields) for fields in found]


@pytest.fixture(scope="module")
def records():
    return measure(*rows_of(OUTCOMES), min_count=5)


def value(records, metric, class_name=None, group="all", variant=None):
    return find_one(
        records,
        metric=metric,
        class_name=class_name,
        group=group,
        variant=variant,
    ).value


def test_accuracies_by_hand(records):
    women, men = 14 / 20, 14 / 19
    assert value(records, "accuracy") == pytest.approx(28 / 39)
    assert value(records, "accuracy", group="female") == pytest.approx(women)
    assert value(records, "accuracy", group="male") == pytest.approx(men)
    assert value(records, "accuracy_gap") == pytest.approx(men - women)
    assert value(records, "score") == pytest.approx(1.5 * women - 0.5 * men)


def test_macro_recalls_by_hand(records):
    # Bald is left out: both genders are to have the same classes.
    assert value(records, "macro_recall", group="female") == pytest.approx(0.7)
    assert value(records, "macro_recall", group="male") == pytest.approx(0.55)
    assert value(records, "macro_recall_gap") == pytest.approx(0.15)
    assert value(records, "macro_score") == pytest.approx(0.475)
    counts = {r.group: r.count for r in find(records, metric="macro_recall")}
    assert counts == {"female": 20, "male": 15}
    assert find_one(records, metric="macro_score").count == 35


def test_every_group_is_listed(records):
    listed = {
        (record.class_name, record.group): (
            record.value,
            record.count,
            record.variant,
        )
        for record in find(records, metric="group_recall")
    }
    assert listed == {
        ("straight", "female"): (0.8, 10, None),
        ("wavy", "female"): (0.6, 10, None),
        ("bald", "female"): (None, 0, "unsupported"),
        ("straight", "male"): (0.9, 10, None),
        ("wavy", "male"): (0.2, 5, None),
        ("bald", "male"): (1.0, 4, "unsupported"),
    }
    recall = find_one(
        records, metric="group_recall", class_name="wavy", group="male"
    )
    assert (recall.low, recall.high) == intervals.wilson_interval(1, 5)


def test_worst_group_is_named(records):
    worst = find_one(records, metric="worst_group_recall")
    assert (worst.class_name, worst.group) == ("wavy", "male")
    assert (worst.value, worst.count) == (pytest.approx(0.2), 5)


def test_worst_group_is_a_supported_one():
    outcomes = OUTCOMES.copy()
    outcomes[MALE, 2] = [4, 0, 0]
    found = measure(*rows_of(outcomes), min_count=5)
    assert value(found, "group_recall", "bald", "male", "unsupported") == 0
    assert find_one(found, metric="worst_group_recall").class_name == "wavy"


def test_rate_differences_by_hand(records):
    metric = "true_positive_rate_difference"
    assert value(records, metric, "straight") == pytest.approx(0.1)
    assert value(records, metric, "wavy") == pytest.approx(0.4)
    bald = find_one(
        records, metric=metric, class_name="bald", variant="unsupported"
    )
    assert (bald.value, bald.count) == (None, 4)
    metric = "false_positive_rate_difference"
    assert value(records, metric, "straight") == pytest.approx(4 / 9 - 0.4)
    assert value(records, metric, "wavy") == pytest.approx(0.2)
    assert value(records, metric, "bald") == pytest.approx(1 / 15)


def test_equalized_odds_by_hand(records):
    largest = find_one(
        records, metric="equalized_odds_difference_max", variant=None
    )
    assert (largest.class_name, largest.count) == ("wavy", 39)
    assert largest.value == pytest.approx(0.4)
    assert value(records, "equalized_odds_difference_mean") == pytest.approx(
        (0.25 + (4 / 9 - 0.4 + 0.2 + 1 / 15) / 3) / 2
    )
    assert value(
        records, "equal_opportunity_difference", "wavy"
    ) == pytest.approx(0.4)


def test_small_groups_count_in_the_variant_only():
    # Ten men of eleven are found, of the wavy women the only one is not.
    outcomes = np.zeros((2, 3, 3), int)
    outcomes[:, 0, 0] = 20, 20
    outcomes[FEMALE, 1] = [1, 0, 0]
    outcomes[MALE, 1] = [1, 10, 0]
    found = measure(*rows_of(outcomes), min_count=10)
    metric = "equal_opportunity_difference"
    assert value(found, metric, "straight") == 0
    assert value(found, metric, "wavy", variant="all groups") == pytest.approx(
        10 / 11
    )
    assert value(
        found, "true_positive_rate_difference", "wavy", variant="unsupported"
    ) == pytest.approx(10 / 11)


def test_few_rows_of_other_classes_count_in_the_variant_only():
    # All but five of the men have straight hair, and one of the five is
    # called so.
    outcomes = np.zeros((2, 3, 3), int)
    outcomes[FEMALE, :2, :2] = [[20, 0], [0, 20]]
    outcomes[MALE, :2, :2] = [[20, 0], [1, 4]]
    found = measure(*rows_of(outcomes), min_count=20)
    assert value(
        found,
        "false_positive_rate_difference",
        "straight",
        variant="unsupported",
    ) == pytest.approx(0.2)
    assert find_one(
        found, metric="equalized_odds_difference_max", variant=None
    ).value == pytest.approx(0.0)
    assert find_one(
        found, metric="equalized_odds_difference_max", variant="all groups"
    ).value == pytest.approx(0.2)


def test_labels_have_no_null(records):
    for metric in ("label_parity_difference", "label_parity_difference_max"):
        for record in find(records, metric=metric):
            assert record.value is not None
            assert record.null is None


def test_parity_by_hand(records):
    said = [abs(12 / 20 - 13 / 19), abs(8 / 20 - 1 / 19), 5 / 19]
    true = [10 / 19 - 1 / 2, 1 / 2 - 5 / 19, 4 / 19]
    for index, name in enumerate(HAIR_TYPE.classes):
        assert [
            value(records, "demographic_parity_difference", name),
            value(records, "label_parity_difference", name),
            value(records, "parity_amplification", name),
        ] == pytest.approx(
            [said[index], true[index], said[index] - true[index]]
        )
    assert value(
        records, "demographic_parity_difference_max", "wavy"
    ) == pytest.approx(said[1])
    assert value(
        records, "label_parity_difference_max", "wavy"
    ) == pytest.approx(true[1])
    assert value(records, "parity_amplification_max", "wavy") == pytest.approx(
        said[1] - true[1]
    )
    assert value(records, "selection_rate", "wavy", "male") == 1 / 19
    assert value(records, "label_rate", "wavy", "male") == 5 / 19


def test_what_says_the_labels_amplifies_nothing():
    labels, _, genders = rows_of(OUTCOMES)
    found = measure(labels, labels, genders)
    for record in find(found, metric="parity_amplification"):
        assert (record.value, record.count) == (None, 39)
    found = measure(labels, labels, genders, min_count=1)
    assert value(found, "equalized_odds_difference_max", "straight") == 0
    for record in find(found, metric="parity_amplification"):
        assert (record.value, record.low, record.high) == (0, 0, 0)


@pytest.mark.parametrize("task", tasks.HAIR_TASKS, ids=lambda task: task.name)
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_fairlearn(task, seed):
    probabilities, labels = predictions_lib.random_predictions(400, seed)
    labels, genders = labels[task.name], labels["gender"]
    # Women are called otherwise than men, or there is nothing to compare.
    biased = probabilities[task.name] + 0.3 * np.where(
        genders[:, None] == FEMALE, np.eye(task.num_classes)[1], 0
    )
    predictions = biased.argmax(-1)
    found = measure(labels, predictions, genders, task, min_count=1)

    rows = labels != tasks.MISSING
    by_gender = {"sensitive_features": genders[rows]}
    true, predicted = labels[rows], predictions[rows]
    frame = fairlearn.metrics.MetricFrame(
        metrics=sklearn.metrics.accuracy_score,
        y_true=true,
        y_pred=predicted,
        **by_gender,
    )
    assert value(found, "accuracy") == pytest.approx(frame.overall)
    assert value(found, "accuracy_gap") == pytest.approx(frame.difference())
    for index, gender in enumerate(tasks.GENDER.classes):
        assert value(found, "accuracy", group=gender) == pytest.approx(
            frame.by_group[index]
        )
    odds, means, recalls = [], {"tpr": [], "fpr": []}, []
    for index, name in enumerate(task.classes):
        binary = (true == index, predicted == index)
        assert value(
            found, "demographic_parity_difference", name
        ) == pytest.approx(
            fairlearn.metrics.demographic_parity_difference(
                *binary, **by_gender
            )
        )
        assert value(found, "label_parity_difference", name) == pytest.approx(
            fairlearn.metrics.demographic_parity_difference(
                true == index, true == index, **by_gender
            )
        )
        frame = fairlearn.metrics.MetricFrame(
            metrics={
                "tpr": fairlearn.metrics.true_positive_rate,
                "fpr": fairlearn.metrics.false_positive_rate,
            },
            y_true=binary[0],
            y_pred=binary[1],
            **by_gender,
        )
        both = len(np.unique(genders[rows][binary[0]])) == 2
        difference = frame.difference()
        assert value(
            found, "false_positive_rate_difference", name
        ) == pytest.approx(difference["fpr"])
        means["fpr"].append(difference["fpr"])
        if not both:
            odds.append(difference["fpr"])
            continue
        assert value(
            found, "true_positive_rate_difference", name
        ) == pytest.approx(difference["tpr"])
        means["tpr"].append(difference["tpr"])
        recalls += list(frame.by_group["tpr"])
        odds.append(
            fairlearn.metrics.equalized_odds_difference(*binary, **by_gender)
        )
    for variant in (None, "all groups"):
        largest = find_one(
            found, metric="equalized_odds_difference_max", variant=variant
        )
        assert largest.value == pytest.approx(max(odds))
        assert value(
            found, "equalized_odds_difference_mean", variant=variant
        ) == pytest.approx((np.mean(means["tpr"]) + np.mean(means["fpr"])) / 2)
        assert find_one(
            found, metric="equal_opportunity_difference", variant=variant
        ).value == pytest.approx(max(means["tpr"]))
    # Bald men have a recall that fairlearn compares with that of no woman.
    bald = value(found, "group_recall", "bald", "male")
    assert find_one(found, metric="worst_group_recall").value == pytest.approx(
        min(*recalls, bald)
    )


def test_null_is_what_class_alone_gives():
    # One in four predictions is wrong, whoever is looked at.
    generator = np.random.default_rng(0)
    beyond = dict.fromkeys(
        ("equalized_odds_difference_max", "worst_group_recall", "score"), 0
    )
    rounds = 100
    for _ in range(rounds):
        genders = generator.integers(0, 2, 400)
        labels = generator.integers(0, 2, 400)
        predictions = np.where(generator.random(400) < 0.75, labels, 1 - labels)
        found = measure(
            labels,
            predictions,
            genders,
            num_bootstraps=1,
            num_permutations=100,
        )
        for metric in beyond:
            record = find(found, metric=metric)[0]
            low = metric in ("worst_group_recall", "score")
            beyond[metric] += (
                record.value < record.null
                if low
                else record.value > record.null
            )
    assert all(1 <= count <= 0.12 * rounds for count in beyond.values()), beyond


def test_bias_lies_beyond_its_null():
    outcomes = np.zeros((2, 3, 3), int)
    outcomes[FEMALE, :2, :2] = [[90, 10], [10, 90]]
    outcomes[MALE, :2, :2] = [[90, 10], [60, 40]]
    found = measure(*rows_of(outcomes))
    for metric in (
        "accuracy_gap",
        "macro_recall_gap",
        "equalized_odds_difference_max",
        "equalized_odds_difference_mean",
        "equal_opportunity_difference",
        "demographic_parity_difference_max",
        "parity_amplification_max",
    ):
        record = find(found, metric=metric)[0]
        assert record.null < record.low < record.value < record.high, metric
    for metric in ("score", "macro_score", "worst_group_recall"):
        record = find_one(found, metric=metric)
        assert record.low < record.value < record.high < record.null, metric


def test_figures_repeat_by_seed():
    rows = rows_of(OUTCOMES * 20)
    assert measure(*rows) == measure(*rows)
    first, second = measure(*rows, seed=0), measure(*rows, seed=1)
    assert [record.value for record in first] == [r.value for r in second]
    assert first != second


def test_rows_without_label_or_gender_do_not_count(records):
    labels, predictions, genders = rows_of(OUTCOMES)
    found = measure(
        [*labels, -1, -1],
        [*predictions, 0, 1],
        [*genders, FEMALE, -1],
        min_count=5,
    )
    assert found == records


# === What can't be measured ===

UNDEFINED_WITHOUT_GENDERS = (
    "accuracy_gap",
    "score",
    "macro_recall",
    "macro_recall_gap",
    "macro_score",
    "equalized_odds_difference_max",
    "equalized_odds_difference_mean",
    "equal_opportunity_difference",
    "demographic_parity_difference",
    "demographic_parity_difference_max",
    "parity_amplification",
    "parity_amplification_max",
    "true_positive_rate_difference",
    "false_positive_rate_difference",
)


def assert_not_supported(records, metrics, count):
    for metric in metrics:
        found = find(records, metric=metric)
        assert found, metric
        for record in found:
            assert (record.value, record.low, record.high, record.null) == (
                None,
                None,
                None,
                None,
            )
    for metric in ("accuracy_gap", "equalized_odds_difference_max"):
        assert {r.count for r in find(records, metric=metric)} == {count}


def test_single_gender():
    outcomes = OUTCOMES * 10
    outcomes[MALE] = 0
    found = measure(*rows_of(outcomes))
    assert_not_supported(found, UNDEFINED_WITHOUT_GENDERS, 200)
    assert value(found, "accuracy", group="female") == pytest.approx(0.7)
    male = find_one(found, metric="accuracy", group="male")
    assert (male.value, male.count) == (None, 0)
    worst = find_one(found, metric="worst_group_recall")
    assert (worst.class_name, worst.group) == ("wavy", "female")


def test_too_few_of_a_gender():
    outcomes = OUTCOMES * 10
    outcomes[MALE] = OUTCOMES[MALE]
    found = measure(*rows_of(outcomes))
    assert value(found, "accuracy", group="male") == pytest.approx(14 / 19)
    gap = find_one(found, metric="accuracy_gap")
    assert (gap.value, gap.count) == (None, 219)
    assert value(found, "equalized_odds_difference_mean") is None
    assert (
        value(found, "equalized_odds_difference_mean", variant="all groups")
        is not None
    )


def test_false_positives_alone_are_no_equalized_odds():
    # Every group has fewer rows than it needs, the others together enough.
    outcomes = np.full((2, 3, 3), 10)
    found = measure(*rows_of(outcomes))
    for name in HAIR_TYPE.classes:
        assert value(found, "false_positive_rate_difference", name) == 0
    for metric in ("max", "mean"):
        record = find_one(
            found, metric=f"equalized_odds_difference_{metric}", variant=None
        )
        assert (record.value, record.count) == (None, 180)


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


def test_parity_knows_that_the_mix_of_classes_is_chance():
    # All predictions are right: those of resampled labels are no others.
    outcomes = np.zeros((2, 3, 3), int)
    outcomes[:, 0, 0], outcomes[:, 1, 1] = [150, 100], [50, 100]
    found = measure(*rows_of(outcomes))
    spread = 1.96 * np.sqrt((0.75 * 0.25 + 0.5 * 0.5) / 200)
    for metric in ("demographic_parity_difference", "label_parity_difference"):
        record = find_one(found, metric=metric, class_name="straight")
        assert record.value == pytest.approx(0.25)
        assert record.low == pytest.approx(0.25 - spread, abs=0.03)
        assert record.high == pytest.approx(0.25 + spread, abs=0.03)


def test_one_class_only():
    outcomes = np.zeros((2, 3, 3), int)
    outcomes[:, 0] = [[60, 20, 0], [50, 30, 0]]
    found = measure(*rows_of(outcomes))
    assert value(
        found, "true_positive_rate_difference", "straight"
    ) == pytest.approx(60 / 80 - 50 / 80)
    # No other class, so nothing to take for it.
    odds = find(found, metric="false_positive_rate_difference")
    assert [record.value for record in odds[:1]] == [None]
    assert odds[0].variant == "unsupported"
    assert value(found, "label_parity_difference_max", "straight") == 0


def test_no_label_at_all():
    found = measure([-1] * 30, [0] * 30, [0, 1] * 15)
    assert found
    assert {(record.value, record.count) for record in found} == {(None, 0)}


def test_no_rows():
    found = measure([], [], [])
    assert {(record.value, record.count) for record in found} == {(None, 0)}


@pytest.mark.parametrize(
    "labels, predictions, genders, message",
    [
        ([0, 1], [0], [0, 1], "as many rows. Received: 2, 1 and 2 rows"),
        ([3], [0], [0], r"lie in -1..2. Received: 3"),
        ([0], [-1], [0], r"Predictions .* lie in 0..2. Received: -1"),
        ([0], [0], [2], r"Genders .* lie in -1..1. Received: 2"),
        ([[0]], [0], [0], r"Received: shape \(1, 1\) of int64"),
    ],
)
def test_refuses_what_does_not_fit(labels, predictions, genders, message):
    with pytest.raises(UserError, match=message):
        measure(labels, predictions, genders)


def test_refuses_probabilities():
    with pytest.raises(UserError, match="shape .* of float64"):
        list(
            measure_groups(
                HAIR_TYPE,
                np.zeros(3, int),
                np.zeros(3),
                np.zeros(3, int),
                FairnessSettings(),
                0,
            )
        )
