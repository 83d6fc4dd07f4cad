import types

import numpy as np
import pytest

from benchmarks import accuracy
from benchmarks.accuracy import print_comparison
from benchmarks.accuracy import print_table
from benchmarks.recipes import find_recipe
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError
from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.records.record import Record


def evaluate(share, seed):
    """Records of answers of which a share is right."""
    portraits = make_portraits(100, schema=EVERY_KIND, missing=0.0)
    wrong = slice(round(share * 100), None)
    answers = {}
    for task in EVERY_KIND.tasks:
        answer = portraits.labels[task.name].copy()
        if task.has_classes:
            answer[wrong] = (answer[wrong] + 1) % task.num_classes
            answer = (answer[:, None] == range(task.num_classes)).astype(float)
        elif task.classes:
            answer[wrong] = 1 - answer[wrong]
        else:
            answer[wrong] += 10
        answers[task.name] = answer
    return evaluate_predictions(
        answers,
        portraits.labels,
        EVERY_KIND,
        seed=seed,
        split="test",
        num_bootstraps=2,
    )


def test_columns_are_those_of_every_kind(capsys):
    rows = [
        (seed, {"seconds": 10.0 + seed, "best_epoch": 3}, evaluate(share, seed))
        for seed, share in enumerate((0.8, 0.9))
    ]
    print_table("every kind", rows)
    title, _, header, _, first, _, mean = (
        capsys.readouterr().out.strip().split("\n")
    )
    assert title == "every kind"
    assert header == (
        "| seed | train s | best epoch | age mean error | age within 5 years "
        "| mood | origin | signs | smile |"
    )
    shares = " | ".join(["0.800 (n = 100)"] * 5)
    assert first == f"| 0 | 10 | 3 | 2.000 (n = 100) | {shares} |"
    assert mean == "| mean | 10 |  | **1.500** " + "| **0.850** " * 5 + "|"


def test_recipes_are_compared_with_the_first(capsys, monkeypatch):
    def rows(shares):
        return [
            (
                seed,
                types.SimpleNamespace(
                    facts={"seconds": 10 + seed, "debias_seconds": 4},
                    hits=np.tile(np.arange(100) < 100 * share, (5, 1)) * 1.0,
                    config=ExperimentConfig(),
                ),
                evaluate(share, seed),
            )
            for seed, share in enumerate(shares)
        ]

    monkeypatch.setattr(accuracy, "hits_on_test", lambda run: run.hits)
    print_comparison({"now": rows([0.8, 0.9]), "before": rows([0.7, 0.8])})
    *_, header, _, now, before = capsys.readouterr().out.strip().split("\n")
    header, now, before = (
        dict(zip(header.split("|"), line.split("|"), strict=True))
        for line in (header, now, before)
    )
    assert (now[" recipe "], now[" train s "]) == (" now ", " 14 ")
    assert (now[" origin "], before[" origin "]) == (" 0.850 ", " 0.750 ")
    assert now[" mean "] == " 0.850 "
    assert now[" against now "] == " +0.0 [+0.0, +0.0] "
    points, low, high = (
        float(x.strip("[],")) for x in before[" against now "].split()
    )
    # Twenty of a hundred lose in one run of two: 10 points, a deviation of 2.
    assert points == -10.0 and -15.0 < low < -13.0 and -7.0 < high < -5.0


def test_the_lowest_recall_is_that_of_a_supported_group():
    made = {
        ("north", "yes"): (0.3, 49),
        ("north", "no"): (0.6, 50),
        ("west", "yes"): (0.5, 80),
        ("all", "yes"): (0.4, 129),
    }
    records = [
        Record("recall", "smile", group, value, count, class_name=name)
        for (group, name), (value, count) in made.items()
    ]
    found = accuracy._of_rare(records, 50)
    assert found["smile lowest recall"] == records[2]
    assert accuracy._of_rare(records, 49)["smile lowest recall"] == records[0]


def test_a_neutral_score_is_the_mean_of_the_groups_less_what_they_differ_by():
    made = {"all": 0.8, "north": 0.7, "west": 0.9, "south": 0.8}
    records = [
        Record("accuracy", "smile", group, value, 100)
        for group, value in made.items()
    ]
    for score in ("neutral_accuracy", "smile_neutral_accuracy"):
        found = accuracy._neutral(score, records)
        assert found["smile neutral"].value == pytest.approx(0.8 - 0.2)
    assert accuracy._neutral("accuracy", records) == {}


def test_a_network_in_pytorch_has_no_figures_of_groups():
    recipes = ("now", "MobileNetV3 in PyTorch")
    with pytest.raises(UserError, match="time_to_accuracy takes it"):
        accuracy.Accuracy("real", recipes=recipes).execute()


def test_a_recipe_is_a_name_or_flags():
    assert find_recipe("real", "now").words == ()
    mine = find_recipe("real", "no mirror: --flip False")
    assert mine.words == ("--flip", "False")
    assert mine.run_name("real") == "real-no-mirror"
    with pytest.raises(UserError, match="Received: recipes=good"):
        find_recipe("real", "good")
