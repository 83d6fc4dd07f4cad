import itertools
import math

import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.evaluation import neighbors as neighbors_lib
from tp_keras.fairness.neighbor_genders import NeighborGenders
from tp_keras.fairness.retrieval import measure_retrieval
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.tasks import HAIR_COLOR

QUICK = FairnessSettings(
    min_count=1, num_bootstraps=50, num_permutations=50, neighbors=(1, 2)
)
GROUPS = ("all", "female", "male")

# Six portraits on a circle, with the gap between neighbours growing.
ANGLES = np.radians([0, 10, 25, 45, 70, 100])
CIRCLE = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
LABELS = np.array([0, 0, 1, 1, 0, 1])
GENDERS = np.array([0, 1, 0, 1, 1, 0])


def measure(labels, embedding, genders, settings=QUICK, seed=0):
    """Returns (metric, variant, group) -> fields."""
    figures = list(
        measure_retrieval(
            HAIR_COLOR, labels, embedding, genders, settings, seed
        )
    )
    found = {(f["metric"], f["variant"], f["group"]): f for f in figures}
    assert len(found) == len(figures)
    return found


def values(found):
    return {key: fields["value"] for key, fields in found.items()}


@pytest.mark.parametrize(
    "metric, variant, expected",
    [
        ("neighbor_precision", "k=1", 3 / 6),
        ("neighbor_precision", "k=2", 2.5 / 6),
        ("cross_gender_precision", "k=1", 3 / 6),
        ("same_gender_share", "k=1", 1 / 6),
        ("same_gender_share", "k=2", 1.5 / 6),
        # Targets: 0, 1/2, 1/2, 0, 1/2, 1/2.
        ("same_gender_excess", "k=2", 1 / 4 - 1 / 3),
        # Targets: 0, 1/2, 1/3, 0, 1/3, 1/3.
        ("same_gender_excess", "k=1, neighbor labels", 1 / 6 - 1 / 4),
        ("same_gender_skew", "k=2, target label", math.log(3 / 4)),
        ("same_gender_skew", "k=2, target equal", math.log(1 / 2)),
        ("max_skew", "k=2, target equal", math.log(2) / 2),
        # The queries 1, 2, 4 and 5; the other targets lack a gender.
        ("max_skew", "k=2, target label", math.log(2) * 3 / 4),
        (
            "ndkl",
            "k=2, target equal",
            math.log(2) * (3 + 3 / (1 + 1 / math.log2(3))) / 6,
        ),
        # Pairs: 3 of 4, 1 of 1, 1 of 1, 2 of 4, 0 of 1, 1 of 1.
        ("cross_gender_preference", None, 4.25 / 6),
    ],
)
def test_by_hand(metric, variant, expected):
    found = measure(LABELS, CIRCLE, GENDERS)
    assert found[metric, variant, "all"]["value"] == pytest.approx(expected)


def test_groups_and_gap_by_hand():
    found = values(measure(LABELS, CIRCLE, GENDERS))
    precision = {g: found["neighbor_precision", "k=1", g] for g in GROUPS}
    assert precision == pytest.approx(
        {"all": 1 / 2, "female": 1 / 3, "male": 2 / 3}
    )
    gap = found["neighbor_precision_gap", "k=1", "all"]
    assert gap == pytest.approx(-1 / 3)


def test_counts_say_which_queries_count():
    found = measure(LABELS, CIRCLE, GENDERS)
    assert found["neighbor_precision", "k=1", "female"]["count"] == 3
    # The one woman of class 0 and the one man of class 1 have a target of 0.
    key = ("max_skew", "k=2, target label")
    assert [found[*key, g]["count"] for g in GROUPS] == [4, 2, 2]


def slow_figures(labels, embedding, genders, k):
    """All figures of lists of length k, query by query, in plain loops."""
    rows = [
        i for i in range(len(labels)) if labels[i] != -1 and genders[i] != -1
    ]
    columns = {}

    def similarity(i, j):
        a, b = embedding[i], embedding[j]
        return a @ b / math.sqrt(a @ a) / math.sqrt(b @ b)

    def chance(query, label):
        """P(the query's gender | label) among the others."""
        own = [genders[j] for j in rows if j != query and labels[j] == label]
        if not own:
            return None
        return sum(g == genders[query] for g in own) / len(own)

    def divergence(genders_of_list, query, target):
        total = 0.0
        for own, part in ((True, target), (False, 1 - target)):
            share = np.mean(
                [(g == genders[query]) == own for g in genders_of_list]
            )
            total += share * math.log(share / part) if share else 0.0
        return total

    def add(name, value, query):
        for group in ("all", ("female", "male")[genders[query]]):
            columns.setdefault((name, group), []).append(value)

    for query in rows:
        others = sorted(
            (j for j in rows if j != query), key=lambda j: -similarity(query, j)
        )
        found = others[:k]
        add(
            "precision",
            np.mean([labels[j] == labels[query] for j in found]),
            query,
        )
        across = [j for j in others if genders[j] != genders[query]][:k]
        add(
            "cross",
            np.mean([labels[j] == labels[query] for j in across]),
            query,
        )
        wins = [
            float(similarity(query, i) > similarity(query, j))
            for i in others
            for j in others
            if labels[i] == labels[query] != labels[j]
            and genders[i] != genders[query] == genders[j]
        ]
        if wins:
            add("preference", np.mean(wins), query)
        list_genders = [genders[j] for j in found]
        share = np.mean([g == genders[query] for g in list_genders])
        target = chance(query, labels[query])
        if target is not None:
            add("share", share, query)
            add("target", target, query)
            add(
                "neighbor_target",
                np.mean([chance(query, labels[j]) for j in found]),
                query,
            )
        for name, part in (("label", target), ("equal", 0.5)):
            if part is None or part in (0, 1):
                continue
            ratios = [
                math.log(s / p)
                for s, p in ((share, part), (1 - share, 1 - part))
                if s
            ]
            add(f"max_skew {name}", max(ratios), query)
            weights = [1 / math.log2(i + 1) for i in range(1, k + 1)]
            terms = [
                weight * divergence(list_genders[:i], query, part)
                for i, weight in enumerate(weights, start=1)
            ]
            add(f"ndkl {name}", sum(terms) / sum(weights), query)
    means = {name: np.mean(column) for name, column in columns.items()}
    for group in GROUPS:
        share = means["share", group]
        target = means["target", group]
        name = f"k={k}"
        yield ("neighbor_precision", name, group), means["precision", group]
        yield ("cross_gender_precision", name, group), means["cross", group]
        yield ("same_gender_share", name, group), share
        yield ("same_gender_excess", name, group), share - target
        yield (
            ("same_gender_excess", f"{name}, neighbor labels", group),
            share - means["neighbor_target", group],
        )
        for policy, part in (("label", target), ("equal", 0.5)):
            variant = f"{name}, target {policy}"
            yield ("same_gender_skew", variant, group), math.log(share / part)
            for metric in ("max_skew", "ndkl"):
                value = means[f"{metric} {policy}", group]
                yield (metric, variant, group), value
        yield (
            ("cross_gender_preference", None, group),
            means["preference", group],
        )


def random_case(seed, count=60):
    generator = np.random.default_rng(seed)
    labels = generator.integers(-1, 3, count)
    genders = generator.integers(-1, 2, count)
    labels[genders == 0] *= labels[genders == 0] != 2
    labels[0], genders[0] = 4, 1
    embedding = generator.normal(size=(count, 3))
    embedding[:, 0] += genders
    embedding[:, 1] += 2 * labels
    return labels, embedding, genders


@pytest.mark.parametrize("seed", [0, 1])
def test_agrees_with_plain_loops(seed, monkeypatch):
    monkeypatch.setattr(neighbors_lib, "_BLOCK_SIZE", 200)
    case = random_case(seed)
    lengths = (2, 7)
    settings = FairnessSettings(
        min_count=1, num_bootstraps=5, num_permutations=5, neighbors=lengths
    )
    found = values(measure(*case, settings, seed))
    expected = dict(
        itertools.chain.from_iterable(slow_figures(*case, k) for k in lengths)
    )
    gaps = {k for k in found if k[0] == "neighbor_precision_gap"}
    assert found.keys() - gaps == expected.keys()
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, abs=1e-9), key


def portraits(count=400, seed=0):
    """Labels that imply gender, as blond does."""
    generator = np.random.default_rng(seed)
    genders = generator.integers(2, size=count)
    chances = np.where(genders == 0, 0.7, 0.2)
    labels = (generator.random(count) < chances).astype(int)
    return labels, genders, generator.normal(size=(count, 4))


def test_an_embedding_blind_to_gender_has_no_excess():
    labels, genders, noise = portraits()
    embedding = 10 * np.eye(4)[labels] + noise
    settings = FairnessSettings(num_permutations=200, neighbors=(20,))
    found = measure(labels, embedding, genders, settings)
    assert found["neighbor_precision", "k=20", "all"]["value"] == 1
    excess = found["same_gender_excess", "k=20", "all"]
    assert abs(excess["value"]) < 0.03
    assert excess["low"] <= excess["value"] <= excess["high"]
    assert 0 < excess["null"] < 0.03
    # The labels alone bring more of the same gender than chance.
    assert found["same_gender_skew", "k=20, target equal", "all"]["low"] > 0.1
    assert found["cross_gender_preference", None, "all"]["value"] == 1
    for metric in ("max_skew", "ndkl"):
        figure = found[metric, "k=20, target label", "all"]
        assert 0 < figure["value"] < 1.1 * figure["null"]


def test_an_embedding_of_gender_alone():
    labels, genders, noise = portraits()
    embedding = 10 * np.eye(4)[genders] + noise
    settings = FairnessSettings(num_permutations=50, neighbors=(20,))
    found = measure(labels, embedding, genders, settings)
    assert found["same_gender_share", "k=20", "all"]["value"] == 1
    counts = np.zeros((2, 2))
    np.add.at(counts, (labels, genders), 1)
    shares = (counts - 1) / (counts.sum(1, keepdims=True) - 1)
    excess = found["same_gender_excess", "k=20", "all"]
    assert excess["value"] == pytest.approx(1 - shares[labels, genders].mean())
    assert excess["low"] > excess["null"]
    assert found["cross_gender_preference", None, "all"]["value"] == 0
    skew = found["max_skew", "k=20, target equal", "all"]
    assert skew["value"] == pytest.approx(math.log(2))


def test_null_is_that_of_all_permutations_inside_the_classes():
    found = measure(
        LABELS,
        CIRCLE,
        GENDERS,
        FairnessSettings(num_permutations=400, neighbors=(2,)),
    )
    # Three of each class: nine ways to deal the genders, equally likely.
    possible = []
    for woman, man in itertools.product(range(3), range(3)):
        genders = GENDERS.copy()
        genders[[0, 1, 4]] = np.arange(3) != woman
        genders[[2, 3, 5]] = np.arange(3) == man
        key = ("same_gender_excess", "k=2", "all")
        possible.append(values(measure(LABELS, CIRCLE, genders))[key])
    assert max(possible) > possible[0]
    assert found[key]["null"] == pytest.approx(max(possible))


def test_permutations_leave_no_excess_by_the_neighbors_labels():
    neighbors = np.array([[1, 2], [0, 2], [1, 3], [2, 4], [3, 5], [4, 3]])
    lists = NeighborGenders(LABELS, GENDERS, neighbors, [1, 2], 2)
    total = np.zeros((6, 2))
    for woman, man in itertools.product(range(3), range(3)):
        genders = GENDERS.copy()
        genders[[0, 1, 4]] = np.arange(3) != woman
        genders[[2, 3, 5]] = np.arange(3) == man
        measured = lists.measure(genders)
        total += measured["share"] - measured["target neighbor labels"]
    np.testing.assert_allclose(total, 0, atol=1e-12)


def test_ties_are_not_broken_by_the_order_of_the_data_set():
    genders = np.repeat([0, 1], 200)
    found = measure(
        np.zeros(400, int),
        np.ones((400, 2)),
        genders,
        FairnessSettings(num_bootstraps=2, num_permutations=2, neighbors=(30,)),
    )
    assert 0.2 < found["same_gender_share", "k=30", "female"]["value"] < 0.8


def test_the_order_of_rows_and_the_length_of_vectors_mean_nothing():
    labels, embedding, genders = random_case(3)
    expected = values(measure(labels, embedding, genders))
    order = np.random.default_rng(0).permutation(len(labels))
    lengths = np.random.default_rng(1).uniform(0.1, 9, size=(len(labels), 1))
    found = values(
        measure(labels[order], (lengths * embedding)[order], genders[order])
    )
    assert found == pytest.approx(expected)


def test_the_seed_decides():
    case = random_case(3)
    assert measure(*case, seed=4) == measure(*case, seed=4)
    key = ("same_gender_excess", "k=2", "all")
    nulls = {measure(*case, seed=seed)[key]["null"] for seed in range(4)}
    assert len(nulls) > 1


def test_intervals_hold_the_truth():
    # Of a large population; the gallery is a sample of it as well.
    labels, genders, noise = portraits(4000)
    embedding = 1.5 * np.eye(4)[labels] + np.eye(4)[2 + genders] + noise
    settings = FairnessSettings(
        num_bootstraps=200, num_permutations=1, neighbors=(5,)
    )
    keys = [("same_gender_excess", "k=5", "all")]
    keys += [("cross_gender_preference", None, "female")]
    truth = values(measure(labels, embedding, genders, settings))
    covered = np.zeros(len(keys))
    for start in range(0, 4000, 200):
        part = slice(start, start + 200)
        found = measure(labels[part], embedding[part], genders[part], settings)
        for index, key in enumerate(keys):
            covered[index] += (
                found[key]["low"] <= truth[key] <= found[key]["high"]
            )
    assert (covered >= 16).all()


def test_lists_longer_than_the_gallery_are_not_supported():
    settings = FairnessSettings(
        min_count=1, num_bootstraps=5, num_permutations=5, neighbors=(2, 6)
    )
    found = measure(LABELS, CIRCLE, GENDERS, settings)
    long = {
        key: f for key, f in found.items() if (key[1] or "").startswith("k=6")
    }
    assert {f["value"] for f in long.values()} == {None}
    assert {f["low"] for f in long.values()} == {None}
    assert long["neighbor_precision", "k=6", "all"]["count"] == 6
    assert long["same_gender_excess", "k=6", "female"]["count"] == 3
    assert long["neighbor_precision_gap", "k=6", "all"]["count"] == 3
    assert len(long) == len(found) - len(long) - 3


def test_a_gallery_of_few_of_the_other_gender():
    genders = np.array([0, 1, 0, 0, 0, 0])
    found = measure(LABELS, CIRCLE, genders)
    assert found["cross_gender_precision", "k=1", "all"]["count"] == 6
    fields = found["cross_gender_precision", "k=2", "all"]
    assert (fields["value"], fields["count"]) == (None, 6)


def test_a_single_gender_supports_only_the_precision():
    found = measure(LABELS, CIRCLE, np.zeros(6, int))
    assert found["neighbor_precision", "k=1", "all"]["value"] == 0.5
    assert found["neighbor_precision", "k=1", "male"]["count"] == 0
    for (metric, _, group), fields in found.items():
        if metric != "neighbor_precision":
            assert fields["value"] is None, metric
            if group == "all" and metric != "neighbor_precision_gap":
                assert fields["count"] == 6


def test_a_gap_needs_enough_queries_of_each_gender():
    settings = FairnessSettings(
        min_count=4, num_bootstraps=5, num_permutations=5, neighbors=(1,)
    )
    found = measure(LABELS, CIRCLE, GENDERS, settings)
    fields = found["neighbor_precision_gap", "k=1", "all"]
    assert (fields["value"], fields["count"]) == (None, 3)


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_a_labelled_portrait(count):
    labels = np.full(6, -1)
    labels[:count] = 0
    found = measure(labels, CIRCLE, GENDERS)
    assert {fields["value"] for fields in found.values()} == {None}
    assert found["neighbor_precision", "k=1", "all"]["count"] == count


def test_one_class_has_nothing_to_prefer():
    found = measure(np.zeros(6, int), CIRCLE, GENDERS)
    fields = found["cross_gender_preference", None, "all"]
    assert (fields["value"], fields["count"], fields["null"]) == (None, 0, None)
    assert found["neighbor_precision", "k=2", "all"]["value"] == 1


def test_bad_input_is_told():
    with pytest.raises(UserError, match="NaN or infinity in 1 of 6 rows"):
        broken = CIRCLE.copy()
        broken[2] = np.nan
        measure(LABELS, broken, GENDERS)
    with pytest.raises(UserError, match="Received: 5, 6 and 6 rows"):
        measure(LABELS[:5], CIRCLE, GENDERS)
    with pytest.raises(UserError, match="gender must lie in 0..1"):
        measure(LABELS, CIRCLE, GENDERS + 1)
    with pytest.raises(UserError, match="hair_color must lie in 0..4"):
        measure(LABELS + 4, CIRCLE, GENDERS)
