"""What is said of Beam's options where Beam isn't, and of a failed pipeline."""

import importlib.util
import sys

import pytest

from tp_keras.errors import UserError
from training.beam_options import pipeline_errors_told
from training.beam_options import read_beam_options
from training.build_dataset import BuildDataset
from training.command import read
from training.command import run
from training.command import shown
from training.embed import Embed

WORDS = ("runner=FnApiRunner", "direct_num_workers=2")


@pytest.fixture
def without_beam(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_without_options_beam_is_not_needed(without_beam):
    assert read_beam_options(()) is None
    assert "apache_beam" not in sys.modules


@pytest.mark.parametrize("command", [BuildDataset, Embed])
def test_where_beam_is_missing_the_command_that_helps_is_told(
    without_beam, command, capsys, tmp_path
):
    words = ["--data_dir", str(tmp_path / "tfds"), "--beam_options", *WORDS]
    if command is Embed:
        words += ["--run_dir", str(tmp_path)]
    with pytest.raises(SystemExit) as ended:
        run(command, words)
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: Apache Beam isn't installed.")
    assert "`make beam`" in said
    assert said.endswith(f"Received: beam_options={' '.join(WORDS)}\n")
    assert not (tmp_path / "tfds").exists()


def test_options_are_words_of_one_flag():
    command = read(Embed, ["--run_dir", "r", "--beam_options", *WORDS])
    assert command.beam_options == WORDS
    assert f"--beam_options {' '.join(WORDS)}" in shown(command)


def test_the_last_line_of_a_failure_is_told():
    text = 'Traceback:\n  File "x.py"\nValueError: no such thing\n\n'
    with (
        pytest.raises(UserError, match="early: ValueError: no such thing. Ex"),
        pipeline_errors_told(WORDS),
    ):
        raise RuntimeError(text)
    with (
        pytest.raises(UserError, match=r"ended early: KeyError\(\). Expect"),
        pipeline_errors_told(WORDS),
    ):
        raise KeyError


def test_other_errors_are_left_as_they_are():
    mine = UserError("Expected a folder. Received: nothing")
    with pytest.raises(UserError) as caught, pipeline_errors_told(WORDS):
        raise mine
    assert caught.value is mine
    # No pipeline, no sentence: a bug shows its trace.
    with pytest.raises(RuntimeError, match="a bug"), pipeline_errors_told(()):
        raise RuntimeError("a bug")


@pytest.mark.parametrize(
    "error",
    [
        UserError("A file is gone. Received: x [while running 'Embed']"),
        RuntimeError(
            "Traceback:\n  File 'x'\n"
            "tp_keras.errors.UserError: A file is gone. Received: x "
            "[while running 'Embed']\n"
        ),
    ],
)
def test_what_a_worker_has_told_is_told(error):
    with pytest.raises(UserError) as caught, pipeline_errors_told(WORDS):
        raise error
    assert str(caught.value) == "A file is gone. Received: x"
