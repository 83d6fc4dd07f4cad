"""What was planted in a table is ranked as it was planted."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from tp_keras.errors import UserError
from tp_keras.ranking import rank
from tp_keras.ranking.rank import rank_attributes
from tp_keras.ranking.settings import RankingSettings
from tp_keras.ranking.summary import by_rank
from tp_keras.ranking.summary import sentences
from tp_keras.records.record import find
from tp_keras.records.record import find_one

OTHERS = ("score", "shadow", "flag_1", "flag_2", "flag_3", "flag_4")
QUICK = RankingSettings(bootstraps=40)


def texts(**columns):
    """A table as it is read; None and NaN are not known."""
    table = pd.DataFrame(columns)
    return table.astype(object).map(str).mask(table.isna(), None)


def make_table(rows=3000, seed=0):
    """Flags that raise a score, the first most; of two one is nearly a copy."""
    rng = np.random.default_rng(seed)
    flags = {f"flag_{place}": rng.random(rows) < 0.4 for place in range(5)}
    score = rng.normal(size=rows)
    for place, flag in enumerate(flags.values()):
        score += (0.9, 0.65, 0.4, 0.2, 0)[place] * flag
    turned = rng.random(rows) < 0.25
    shadow = np.where(turned, ~flags["flag_0"], flags["flag_0"])
    return texts(score=score, **flags, shadow=shadow)


def names(records, way):
    return [record.class_name for record in by_rank(records, way)]


def test_attributes_are_ranked_in_the_order_that_was_planted():
    records = rank_attributes(make_table(), "score", QUICK)
    wanted = [f"flag_{place}" for place in range(5)]
    by_regression = names(records, "logistic_strength")
    assert by_regression[:4] == wanted[:4]
    # By itself the shadow of the first goes with the score too.
    assert [n for n in names(records, "cramers_v") if n != "shadow"] == wanted
    assert names(records, "cramers_v").index("shadow") < 4
    assert by_regression.index("shadow") >= 4
    places = {r.class_name: r for r in by_rank(records)}
    assert (places["flag_0"].low, places["flag_0"].high) == (1, 1)
    assert places["flag_4"].high == 6 and places["flag_4"].low >= 4
    near = find_one(records, metric="nearest_correlation", class_name="shadow")
    assert near.variant == "flag_0" and near.value == pytest.approx(
        0.5, abs=0.05
    )
    adjusted = find(records, metric="adjusted_p_value")
    by_chance = [r.class_name for r in adjusted if r.value > 0.05]
    assert by_chance == ["flag_4"]


def test_scikit_learns_column_misplaces_what_most_rows_have():
    rng = np.random.default_rng(1)
    answer = rng.random(4000) < 0.5
    # One row in twelve lacks the first: hardly any of those says yes.
    lacks = rng.random(4000) < np.where(answer, 0.02, 0.15)
    weak = rng.random(4000) < np.where(answer, 0.13, 0.07)
    table = texts(answer=answer, common=~lacks, weak=weak)
    records = rank_attributes(table, "answer", QUICK)
    for way in ("cramers_v", "logistic_strength"):
        first = by_rank(records, way)[0]
        assert (first.class_name, first.high) == ("common", 1)
    assert names(records, "sklearn_chi2") == ["weak", "common"]
    (said,) = [text for text in sentences(records) if "scikit-learn" in text]
    assert "puts common 1 place too low: 92% of the rows have it" in said
    # The absence, coded as an attribute, is the same to all but that column.
    turned = table.assign(common=lacks.astype(str))
    again = rank_attributes(turned, "answer", QUICK)
    assert names(again, "sklearn_chi2") == ["common", "weak"]
    one = find_one(records, metric="chi_square", class_name="common")
    other = find_one(again, metric="chi_square", class_name="common")
    assert one.value == pytest.approx(other.value)
    odds = find(records + again, metric="odds_ratio", class_name="common")
    assert odds[0].value == pytest.approx(1 / odds[1].value)
    assert odds[0].value > 5 and odds[0].variant == "True"


def test_a_rare_attribute_that_tells_all_is_seen_by_its_odds():
    rng = np.random.default_rng(2)
    answer = rng.random(3000) < 0.5
    rare = answer & (rng.random(3000) < 0.02)
    records = rank_attributes(texts(answer=answer, rare=rare), "answer", QUICK)
    assert find_one(records, metric="odds_ratio").low > 3
    assert find_one(records, metric="cramers_v", class_name="rare").value < 0.15


@pytest.mark.parametrize("copies", ["once", "keep"])
def test_copies_are_no_witnesses_and_stay_in_one_part(copies, monkeypatch):
    rng = np.random.default_rng(3)
    flags = {f"flag_{n}": rng.integers(2, size=300) for n in range(12)}
    table = texts(score=rng.normal(size=300), **flags)
    table = pd.concat([table] + [table[:30]] * 9, ignore_index=True)
    table["file"] = [f"{row}.jpg" for row in range(len(table))]
    seen = {}
    split = rank._split

    def remember(groups, settings):
        training = split(groups, settings)
        seen.update(groups=groups, training=training)
        return training

    monkeypatch.setattr(rank, "_split", remember)
    settings = dataclasses.replace(QUICK, copies=copies)
    records = rank_attributes(table, "score", settings)
    repeated = find_one(records, metric="repeated_rows")
    assert (repeated.value, repeated.count) == (270 / 570, 570)
    groups, training = seen["groups"], seen["training"]
    assert len(set(groups)) == 300
    assert len(groups) == (300 if copies == "once" else 570)
    assert not set(groups[training]) & set(groups[~training])
    (said,) = [text for text in sentences(records) if "47% of 570" in text]
    assert ("left out" in said) == (copies == "once")
    # Nothing was planted: only copies that count make something of it.
    smallest = min(r.value for r in find(records, metric="adjusted_p_value"))
    assert (smallest > 0.05) == (copies == "once")


def test_rows_of_few_columns_are_alike_by_chance():
    rng = np.random.default_rng(4)
    flags = {f"flag_{n}": rng.random(900) < 0.1 for n in range(9)}
    for count in (2, 9):
        chosen = dict([*flags.items()][:count])
        table = texts(answer=rng.random(900) < 0.5, **chosen)
        records = rank_attributes(table, "answer", QUICK)
        assert find_one(records, metric="repeated_rows").value == 0


def test_only_the_training_part_is_ranked_and_the_rest_judges():
    table = make_table()
    records = rank_attributes(table, "score", QUICK)
    judged = find_one(records, metric="balanced_accuracy")
    assert (judged.split, judged.count) == ("held-out part", 600)
    assert judged.low > 1 / 3
    assert {r.count for r in find(records, metric="cramers_v")} == {2400}
    whole = dataclasses.replace(QUICK, training_share=1)
    records = rank_attributes(table, "score", whole)
    assert not find(records, metric="balanced_accuracy")
    assert {r.count for r in find(records, metric="cramers_v")} == {3000}


def test_a_seed_makes_the_same_records_and_another_one_others():
    table = make_table(400)
    first, again = (rank_attributes(table, "score", QUICK) for _ in range(2))
    assert first == again
    other = dataclasses.replace(QUICK, seed=1)
    assert rank_attributes(table, "score", other) != first


def test_attributes_of_every_kind_and_gaps_in_them():
    rng = np.random.default_rng(5)
    kind = rng.integers(3, size=900)
    number = rng.normal(size=900) + kind
    number[rng.random(900) < 0.3] = np.nan
    table = texts(
        kind=np.array(["red", "green", "blue"])[kind],
        number=number,
        wheels=rng.integers(2, 6, size=900),
        region=np.array(["north", "south", "west"])[(kind + (number > 1)) % 3],
        same="x",
        file=[f"{row}.png" for row in range(900)],
    )
    records = rank_attributes(
        table, "kind", dataclasses.replace(QUICK, top="red")
    )
    assert set(names(records, "cramers_v")[:2]) == {"number", "region"}
    kinds = {r.class_name: r.variant for r in find(records, metric="levels")}
    assert kinds == {
        "number": "numeric",
        "wheels": "categorical",
        "region": "categorical",
    }
    counts = {r.class_name: r.count for r in find(records, metric="cramers_v")}
    assert 470 < counts["number"] < 550 and counts["wheels"] == 720
    none = {r.class_name: r.variant for r in find(records, value=None)}
    assert none == {"same": "one value", "file": "720 different texts"}


def test_ties_of_the_target_leave_fewer_bins_and_it_is_said():
    rng = np.random.default_rng(6)
    flag = rng.random(600) < 0.5
    score = np.where(rng.random(600) < 0.8, 0, rng.random(600) + flag)
    records = rank_attributes(texts(score=score, flag=flag), "score", QUICK)
    shares = find(records, metric="class_share", class_name=None)
    assert [record.predicted_class for record in shares] == [
        "up to 0",
        "above 0",
    ]
    assert "Equal values of score leave 2 of 3 bins." in sentences(records)


@pytest.mark.parametrize(
    ("target", "changes", "message"),
    [
        ("scores", {}, "column out of .*Received: scores; did you mean score"),
        ("score", {"ignore": ("flag_9",)}, "did you mean flag_"),
        (
            "score",
            {"top": "high"},
            "top class .* out of up to .*Received: high",
        ),
        ("same", {}, "target same .*Received: one value in 80 rows"),
        ("file", {}, "target file .*Received: 80 different texts in 80 rows"),
        ("gone", {}, "target gone .*Received: no value in 0 rows"),
        (
            "flag_0",
            {"ignore": OTHERS},
            "Expected an attribute .*same: one value",
        ),
    ],
)
def test_what_cannot_be_ranked_is_told(target, changes, message):
    table = make_table(100).assign(same="1", gone=None)
    table["file"] = [f"{row}.png" for row in range(100)]
    with pytest.raises(UserError, match=message):
        rank_attributes(table, target, dataclasses.replace(QUICK, **changes))


def test_a_class_of_one_row_and_an_attribute_of_one_class_do_no_harm():
    table = texts(
        answer=["a"] * 20 + ["b"] * 19 + ["c"],
        flag=[True, False] * 20,
        once=[None] * 20 + ["x", "y"] * 10,
        only=["p", "q"] * 8 + [None] * 24,
    )
    whole = dataclasses.replace(QUICK, training_share=1)
    records = rank_attributes(table, "answer", whole)
    (only,) = find(records, value=None)
    assert only.class_name == "only"
    assert only.variant == "answer is the same in its rows"
    assert {r.class_name for r in by_rank(records)} == {"flag", "once"}
