import dataclasses

import numpy as np
import pandas as pd
import pytest

from tests.printed_commands import refusal
from tp_keras.errors import UserError
from tp_keras.ranking import prediction
from tp_keras.ranking import prediction_page
from tp_keras.ranking.prediction import PredictionSettings
from tp_keras.ranking.prediction import predict_column
from tp_keras.records.record import find_one
from training.command import run
from training.predict_column import PredictColumn

QUICK = PredictionSettings(repeats=3)


def texts(**columns):
    """A table as it is read; None and NaN are not known."""
    table = pd.DataFrame(columns)
    return table.astype(object).map(str).mask(table.isna(), None)


def make_table(rows=600, seed=0, effect=1.0, flags=8):
    """A number of normal noise and the sum of two flags, and others."""
    rng = np.random.default_rng(seed)
    known = {f"flag_{k}": rng.integers(2, size=rows) for k in range(flags)}
    number = rng.normal(size=rows).round(4)
    number += effect * (known["flag_0"] + known["flag_1"])
    return texts(name=[f"row {k}" for k in range(rows)], number=number, **known)


def value(records, metric, way, learner="boosting"):
    return find_one(
        records, metric=metric, variant=way, class_name=learner
    ).value


def test_what_was_planted_is_explained():
    records = predict_column(make_table(3000), "number", QUICK)
    # Two flags of variance 1/4 beside noise of 1.
    for learner in ("boosting", "linear"):
        found = value(records, prediction.R2, prediction.ONCE, learner)
        assert found == pytest.approx(0.5 / 1.5, abs=0.05)
        # The root of what is explained, but for ranks.
        order = value(records, prediction.SPEARMAN, prediction.ONCE, learner)
        assert order == pytest.approx(np.sqrt(1 / 3), abs=0.06)
        told = value(records, prediction.CLASSIFIED, prediction.ONCE, learner)
        assert 0.45 < told < 0.6
    guess = value(records, prediction.LARGEST, prediction.ONCE, "guess")
    assert guess == pytest.approx(1 / 3, abs=0.04)
    # Nothing is repeated, so there is one way only.
    assert prediction_page.ways(records) == [prediction.ONCE]
    assert find_one(records, metric="repeated_rows").value == 0


def test_noise_seems_to_be_explained_where_rows_leak():
    table = make_table(500, effect=0.0, flags=30)
    repeated = pd.concat([table, table[:200], table[:200]])
    repeated["name"] = [f"row {k}" for k in range(len(repeated))]
    records = predict_column(
        repeated,
        "number",
        dataclasses.replace(QUICK, balance=("flag_2",), balance_count=800),
    )
    assert prediction_page.ways(records) == [
        prediction.ONCE,
        prediction.TOGETHER,
        prediction.AFTER,
        *prediction.LEAKS,
    ]
    share = find_one(records, metric="repeated_rows")
    assert share.value == pytest.approx(400 / 900) and share.count == 900
    honest = [
        value(records, prediction.R2, way)
        for way in (prediction.ONCE, prediction.TOGETHER, prediction.AFTER)
    ]
    assert max(honest) < 0.03
    for way in prediction.LEAKS:
        assert value(records, prediction.R2, way) > 0.1
        assert value(records, prediction.CLASSIFIED, way) > 0.4


def test_no_test_row_is_trained_on_but_in_the_ways_that_leak():
    groups = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 0, 1])
    repeated = np.arange(15) >= 10
    rare = {"flag": groups < 4}
    settings = PredictionSettings(repeats=20, balance_count=9, test_share=0.4)
    ways = prediction._ways(groups, repeated, rare, settings)
    leaks = {}
    for way, splits in ways.items():
        assert len(splits) == 20
        leaks[way] = any(
            set(groups[training]) & set(groups[test])
            for training, test in splits
        )
    assert leaks == {
        prediction.ONCE: False,
        prediction.TOGETHER: False,
        prediction.AFTER: False,
        prediction.SPLIT: True,
        prediction.BEFORE: True,
    }
    for training, test in ways[prediction.AFTER]:
        # As many as asked for, if there is one; the test as it was.
        count = (groups[training] < 4).sum()
        assert count in (0, 9)
        assert len(set(test)) == len(test) == 4


def test_the_interval_is_that_of_splits_that_share_rows():
    values = [(0.3, 0.25, 20), (0.5, 0.25, 20), (0.4, 0.25, 22)]
    found = prediction._mean("r2", values)
    error = np.sqrt((1 / 3 + 0.25) * 0.01)
    assert found["value"] == pytest.approx(0.4) and found["count"] == 20
    # Student's t of two degrees.
    assert found["high"] - 0.4 == pytest.approx(4.302653 * error)


def test_the_command_writes_a_page_and_says_what_was_found(tmp_path, capsys):
    path = tmp_path / "table.csv"
    make_table(200).to_csv(path, index=False)
    words = ["--table", str(path), "--target", "number", "--repeats", "2"]
    run(PredictColumn, [*words, "--output_dir", str(tmp_path / "out")])
    output = capsys.readouterr().out
    assert "| each row once | boosting" in output
    assert "Each row once, the attributes explain" in output
    assert (tmp_path / "out" / "prediction.html").is_file()
    assert (tmp_path / "out" / "accuracy.png").is_file()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": "numbre"}, "did you mean number"),
        ({"target": "name"}, "numbers with ten values.*target=name"),
        ({"target": "flag_1"}, "target=flag_1, 2 of them"),
        ({"balance": ("number",)}, "flags, two numbers.*balance=number"),
        ({"balance": ("none",)}, "Received: none"),
    ],
)
def test_what_can_not_be_told_is_refused(changes, message):
    target = changes.pop("target", "number")
    settings = dataclasses.replace(QUICK, **changes)
    with pytest.raises(UserError, match=message):
        predict_column(make_table(60), target, settings)


def test_a_table_that_there_is_not_is_refused(tmp_path, capsys):
    words = ["--table", str(tmp_path / "none.csv"), "--target", "number"]
    assert "none.csv" in refusal(capsys, run, PredictColumn, words)


def test_what_is_known_of_held_out_rows_alone_is_left_out():
    table = make_table(rows=200)
    # Of some splits no training row has it.
    table["rare"] = [["a", "b", None][min(k, 2)] for k in range(200)]
    settings = PredictionSettings(repeats=3, test_share=0.9)
    records = predict_column(table, "number", settings)
    assert value(records, prediction.R2, prediction.ONCE) is not None
