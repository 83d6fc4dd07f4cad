import pathlib

import numpy as np
import pytest

from tests.evaluation.predictions import one_hot
from tests.portrait_factory import SCHEMA
from tests.printed_commands import parse_next
from tp_keras.errors import UserError
from tp_keras.evaluation import run_evaluation
from tp_keras.evaluation.evaluator import evaluate_predictions
from training import command
from training.evaluate import Evaluate
from training.export import Export


@pytest.fixture
def calls(monkeypatch):
    """Puts a fake in place of the evaluation, and lists its arguments."""
    calls = []

    def evaluate_run(*args):
        calls.append(args)
        folder = pathlib.Path(args[0]) / "evaluation" / "there"
        records = evaluate_predictions(
            {"gender": one_hot([0, 0, 1], 2)},
            {"gender": np.array([0, 1, 1])},
            SCHEMA.restricted_to(["gender"]),
            seed=3,
            split=args[-1],
            dataset="tiny_portraits/synthetic/1.0.0",
            num_bootstraps=5,
        )
        return records, folder

    monkeypatch.setattr(run_evaluation, "evaluate_run", evaluate_run)
    return calls


def test_prints_figures_folder_and_next_command(calls, capsys):
    command.run(Evaluate, ["--run_dir", "my runs/demo"])
    output = capsys.readouterr().out
    assert "`tiny_portraits/synthetic/1.0.0`, split `test`" in output
    assert "| 0.667 [0.208, 0.939] |" in output
    assert "my runs/demo/evaluation/there" in output
    assert "Page: my runs/demo/evaluation-there.html" in output
    assert parse_next(output) == Export("my runs/demo")
    # Every field is a flag.
    flags = "--run_dir r --data_dir d --dataset a/b --split s"
    command.run(Evaluate, flags.split())
    assert calls == [
        ("my runs/demo", None, None, "test"),
        ("r", "d", "a/b", "s"),
    ]


def test_the_users_error_is_one_sentence(calls, monkeypatch, capsys):
    def fail(*args):
        raise UserError("There is no run.")

    monkeypatch.setattr(run_evaluation, "evaluate_run", fail)
    with pytest.raises(SystemExit) as caught:
        command.run(Evaluate, ["--run_dir", "nowhere"])
    assert caught.value.code == command.EXIT_USER_ERROR
    assert capsys.readouterr().err == "error: There is no run.\n"
