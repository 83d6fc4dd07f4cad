import itertools
import math

import numpy as np
import pytest

from tests.portrait_factory import AGE
from tests.portrait_factory import GENDER
from tests.portrait_factory import HAIR_COLOR
from tests.portrait_factory import ORIGIN
from tests.portrait_factory import SIGNS
from tp_keras.errors import UserError
from tp_keras.evaluation import neighbors as neighbors_lib
from tp_keras.fairness.group_counts import GroupAnswers
from tp_keras.fairness.group_neighbors import measure_neighbors
from tp_keras.fairness.settings import FairnessSettings

QUICK = FairnessSettings(min_count=1, num_permutations=50, neighbors=(1, 2))
EXCESS, PRECISION = "same_group_excess", "neighbor_precision"

# Six portraits on a circle, with the gap between neighbours growing.
ANGLES = np.radians([0, 10, 25, 45, 70, 100])
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
LABELS = np.array([0, 0, 1, 1, 0, 1])
SEXES = np.array([0, 1, 0, 1, 1, 0])


def measure(labels, vectors, groups, settings=QUICK, seed=0, **tasks):
    """Returns (metric, variant, group) -> fields."""
    tasks = {"task": HAIR_COLOR, "protected": GENDER} | tasks
    answers = GroupAnswers(
        labels=labels, predictions=None, groups=groups, **tasks
    )
    figures = list(measure_neighbors(answers, vectors, settings, seed))
    found = {(f["metric"], f["variant"], f["group"]): f for f in figures}
    assert len(found) == len(figures)
    return found


def values(found):
    return {key: fields["value"] for key, fields in found.items()}


def test_by_hand():
    found = values(measure(LABELS, CIRCLE, SEXES))
    for key, expected in {
        (PRECISION, "k=1", "all"): 3 / 6,
        (PRECISION, "k=2", "all"): 2.5 / 6,
        # Targets: 0, 1/2, 1/2, 0, 1/2, 1/2.
        (EXCESS, "k=1", "all"): 1 / 6 - 1 / 3,
        (EXCESS, "k=2", "all"): 1 / 4 - 1 / 3,
        (PRECISION, "k=1", "female"): 1 / 3,
        (PRECISION, "k=1", "male"): 2 / 3,
    }.items():
        assert found[key] == pytest.approx(expected), key


def slow_figures(labels, embedding, groups, k, names):
    """All figures of lists of length k, query by query, in plain loops."""
    rows = [
        i for i in range(len(labels)) if labels[i] != -1 and groups[i] != -1
    ]
    columns = {}

    def similarity(i, j):
        a, b = embedding[i], embedding[j]
        return a @ b / math.sqrt(a @ a) / math.sqrt(b @ b)

    def add(name, value, query):
        for group in ("all", names[groups[query]]):
            columns.setdefault((name, f"k={k}", group), []).append(value)

    for query in rows:
        others = sorted(
            (j for j in rows if j != query), key=lambda j: -similarity(query, j)
        )
        found = others[:k]
        right = [labels[j] == labels[query] for j in found]
        add(PRECISION, np.mean(right), query)
        alike = [groups[j] for j in others if labels[j] == labels[query]]
        if alike:
            share = np.mean([groups[j] == groups[query] for j in found])
            implied = np.mean([group == groups[query] for group in alike])
            add(EXCESS, share - implied, query)
    return {name: np.mean(column) for name, column in columns.items()}


def random_case(seed, protected=GENDER, count=60):
    generator = np.random.default_rng(seed)
    labels = generator.integers(-1, 3, count)
    groups = generator.integers(-1, protected.num_classes, count)
    labels[groups == 0] *= labels[groups == 0] != 2
    labels[0], groups[0] = 4, 1
    embedding = generator.normal(size=(count, 3))
    embedding[:, 0] += groups
    embedding[:, 1] += 2 * labels
    return labels, embedding, groups


@pytest.mark.parametrize("protected", [GENDER, ORIGIN], ids=lambda t: t.name)
def test_agrees_with_plain_loops(protected, monkeypatch):
    monkeypatch.setattr(neighbors_lib, "_BLOCK_SIZE", 200)
    case = random_case(1, protected)
    settings = FairnessSettings(num_permutations=5, neighbors=(2, 7))
    found = values(measure(*case, settings, 1, protected=protected))
    expected = {}
    for k in (2, 7):
        expected |= slow_figures(*case, k, protected.classes)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, abs=1e-9), key


def portraits(count=400, seed=0):
    """Labels that imply the group, as blond does."""
    generator = np.random.default_rng(seed)
    groups = generator.integers(2, size=count)
    chances = np.where(groups == 0, 0.7, 0.2)
    labels = (generator.random(count) < chances).astype(int)
    return labels, groups, generator.normal(size=(count, 4))


@pytest.mark.parametrize("blind", [True, False])
def test_an_embedding_of_the_class_or_the_group_alone(blind):
    labels, groups, noise = portraits()
    embedding = 10 * np.eye(4)[labels if blind else groups] + noise
    settings = FairnessSettings(num_permutations=100, neighbors=(20,))
    found = measure(labels, embedding, groups, settings)
    excess = found[EXCESS, "k=20", "all"]
    if blind:
        assert found[PRECISION, "k=20", "all"]["value"] == 1
        assert abs(excess["value"]) < 0.03
        assert excess["low"] <= excess["value"] <= excess["high"]
        assert 0 < excess["null"] < 0.03
        return
    counts = np.zeros((2, 2))
    np.add.at(counts, (labels, groups), 1)
    shares = (counts - 1) / (counts.sum(1, keepdims=True) - 1)
    expected = 1 - shares[labels, groups].mean()
    assert excess["value"] == pytest.approx(expected)
    assert excess["low"] > excess["null"]


def test_null_is_that_of_all_permutations_inside_the_classes():
    settings = FairnessSettings(num_permutations=400, neighbors=(2,))
    found = measure(LABELS, CIRCLE, SEXES, settings)
    # Three of each class: nine ways to deal the groups, equally likely.
    key, possible = (EXCESS, "k=2", "all"), []
    for woman, man in itertools.product(range(3), range(3)):
        groups = SEXES.copy()
        groups[[0, 1, 4]] = np.arange(3) != woman
        groups[[2, 3, 5]] = np.arange(3) == man
        possible.append(values(measure(LABELS, CIRCLE, groups))[key])
    assert max(possible) > possible[0]
    assert found[key]["null"] == pytest.approx(max(possible))


def test_ties_are_not_broken_by_the_order_of_the_data_set():
    settings = FairnessSettings(num_permutations=2, neighbors=(30,))
    groups = np.repeat([0, 1], 200)
    found = measure(np.zeros(400, int), np.ones((400, 2)), groups, settings)
    # By the order of the rows it would be a half, and minus that.
    assert abs(found[EXCESS, "k=30", "female"]["value"]) < 0.3


def test_the_seed_decides():
    case = random_case(3)
    assert measure(*case, seed=4) == measure(*case, seed=4)
    key = (EXCESS, "k=2", "all")
    assert len({measure(*case, seed=i)[key]["null"] for i in range(4)}) > 1


def test_intervals_hold_the_truth():
    # Of a large population; the gallery is a sample of it as well.
    labels, groups, noise = portraits(4000)
    embedding = 1.5 * np.eye(4)[labels] + np.eye(4)[2 + groups] + noise
    settings = FairnessSettings(num_permutations=1, neighbors=(5,))
    key = (EXCESS, "k=5", "all")
    truth = values(measure(labels, embedding, groups, settings))[key]
    covered = 0
    for start in range(0, 4000, 200):
        part = slice(start, start + 200)
        found = measure(labels[part], embedding[part], groups[part], settings)
        covered += found[key]["low"] <= truth <= found[key]["high"]
    assert covered >= 16


def test_numbers_are_alike_in_their_range_and_flags_always():
    ages = np.float32([1, 2, 50, 51, 3, np.nan])
    found = measure(ages, CIRCLE, SEXES, task=AGE)
    # Those at 0°, 10° and 45° have one of their range for the nearest.
    assert found[PRECISION, "k=1", "all"]["value"] == pytest.approx(3 / 5)
    assert found[PRECISION, "k=1", "all"]["count"] == 5
    flags = np.tile([0, 1], (6, 1))
    found = measure(flags, CIRCLE, SEXES, task=SIGNS)
    assert {metric for metric, *_ in found} == {EXCESS}
    # Among the others 2 of 5 are of the own group.
    assert found[EXCESS, "k=1", "all"]["value"] == pytest.approx(1 / 6 - 2 / 5)


# === What can't be measured ===


def test_lists_longer_than_the_gallery_are_not_supported():
    settings = FairnessSettings(num_permutations=5, neighbors=(2, 6))
    found = measure(LABELS, CIRCLE, SEXES, settings)
    long = {key: f for key, f in found.items() if key[1] == "k=6"}
    assert {(f["value"], f["low"]) for f in long.values()} == {(None, None)}
    assert long[PRECISION, "k=6", "all"]["count"] == 6
    assert long[EXCESS, "k=6", "female"]["count"] == 3
    assert 2 * len(long) == len(found)


def test_what_is_not_supported():
    found = measure(LABELS, CIRCLE, np.zeros(6, int))
    assert found[PRECISION, "k=1", "all"]["value"] == 0.5
    assert found[PRECISION, "k=1", "male"]["count"] == 0
    excess = found[EXCESS, "k=1", "all"]
    assert (excess["value"], excess["count"]) == (None, 6)
    for count in (0, 1):
        labels = np.where(np.arange(6) < count, 0, -1)
        found = measure(labels, CIRCLE, SEXES)
        assert {fields["value"] for fields in found.values()} == {None}
        assert found[PRECISION, "k=1", "all"]["count"] == count


def test_what_is_not_finite_is_told():
    broken = CIRCLE.copy()
    broken[2] = np.nan
    with pytest.raises(UserError, match="NaN or infinity in 1 of 6 rows"):
        measure(LABELS, broken, SEXES)
