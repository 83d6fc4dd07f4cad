import dataclasses
import errno
import functools
import gc
import json
import os
import subprocess
import sys

import pytest

from datasets.building.errors import DatasetInputError
from tests.printed_commands import refusal
from tests.runs.trainer_test import run_eagerly
from tp_keras import files
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder
from tp_keras.runs.trainer import Trainer
from training import command
from training import train
from training import train_vae
from training.configs import EXPERIMENTS
from training.debias import Debias
from training.evaluate_vae import EvaluateVae
from training.fairness_report import FairnessReport
from training.fairness_sweep import FairnessSweep
from training.tune import Tune


@dataclasses.dataclass(frozen=True)
class Greet:
    """Says something."""

    name: str = "you"
    """Whom to greet."""
    loudly: bool = False
    """Whether to shout."""

    def execute(self) -> None:
        print(f"Hello {self.name.upper() if self.loudly else self.name}")


def test_fields_are_flags_and_the_text_below_them_is_their_help(capsys):
    command.run(Greet, ["--name", "Ada", "--loudly", "True"])
    assert capsys.readouterr().out == "Hello ADA\n"
    with pytest.raises(SystemExit):
        command.run(Greet, ["--help"])
    assert "Whom to greet." in capsys.readouterr().out


def fail(error):
    with command.errors_told():
        raise error


def failed():
    """An error whose cause is the full disk."""
    error = RuntimeError("could not save")
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "model.keras")
    error.__cause__ = full
    return error


@pytest.mark.parametrize(
    "error, code, message",
    [
        (UserError("Row 7 has none."), 2, "error: Row 7 has none.\n"),
        (DatasetInputError("Row 7 has none."), 2, "error: Row 7 has none.\n"),
        (failed(), 2, "The disk is full. Free"),
        (KeyboardInterrupt(), 130, "resumes"),
    ],
    ids=["user", "data", "disk", "interruption"],
)
def test_what_ends_a_command_is_one_sentence(error, code, message, capsys):
    with pytest.raises(SystemExit) as exit_info:
        fail(error)
    assert exit_info.value.code == code
    told = capsys.readouterr().err
    assert message in told and "Traceback" not in told
    # Our own faults keep their trace.
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError())


def test_a_file_in_the_way_of_a_folder_is_named(tmp_path, capsys):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    tries = {
        "A file lies where a folder": (tmp_path / "file" / "below").mkdir,
        "Something lies where a new": (tmp_path / "file").mkdir,
        "A folder lies where a file": (tmp_path / "folder").read_bytes,
    }
    for message, attempt in tries.items():
        with pytest.raises(SystemExit), command.errors_told():
            attempt()
        told = capsys.readouterr().err
        assert message in told and f"Received: {tmp_path}" in told


@pytest.mark.parametrize(
    ("main", "words", "message"),
    [
        (train.main, "demo --epochs 0", "epochs=0"),
        (train.main, "demo --storage tape", "storage=tape"),
        (train_vae.main, "smoke --prior none", "prior=none"),
        (train_vae.main, "smoke --half_epochs 0", "half_epochs=0"),
        (Tune, "--widths 17", "widths=(17,)"),
        (FairnessSweep, "--probe_seeds 0", "probe_seeds=0"),
        (FairnessReport, "--run_dir x --min_count 0", "min_count=0"),
        (EvaluateVae, "--run_dir x --min_count 0", "min_count=0"),
        (Debias, "--run_dir x --output_dir y --strength -1", "strength=-1.0"),
    ],
)
def test_flags_that_cant_be_are_our_one_sentence(main, words, message, capsys):
    if isinstance(main, type):
        main = functools.partial(command.run, main)
    said = refusal(capsys, main, words.split())
    assert said.startswith("error: Expected") and said.count("\n") == 1
    assert "Received: " in said and message in said


def flags_of(path, data_dir, *flags):
    """Returns the words of a small training, changed by flags."""
    return [
        *("demo", "--run_dir", str(path), "--data_dir", str(data_dir)),
        *("--dataset", "tiny_portraits/synthetic_tiny", "--epochs", "1"),
        *("--warmup_epochs", "0", "--backbone", "portrait_xs"),
        *("--batch_size", "32", "--train_split", "train[:64]", *flags),
    ]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--dataset tiny_portraits/synthetik", "python -m training.build_da"),
        ("--backbone vgg_900", "Received: backbone='vgg_900'"),
        ("--train_split trian", "trian"),
        ("--batch_size 5000", "5000"),
        ("--from_run nowhere", "nowhere"),
        ("--tasks age", "tasks=['age']"),
        ("--embedding_size 33", "embedding_size=33"),
        ("--tasks gender --debias grl", "nothing to debias"),
    ],
)
def test_a_refusal_leaves_no_folder(
    flags, message, tmp_path, tiny_data_dir, capsys
):
    path = tmp_path / "run"
    words = flags_of(path, tiny_data_dir, *flags.split())
    assert message in refusal(capsys, train.main, words)
    assert not path.exists()


# Keras leaves the history open.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_train_on_a_full_disk_and_again(
    tmp_path, tiny_data_dir, capsys, monkeypatch
):
    run_eagerly(monkeypatch)
    words = flags_of(tmp_path, tiny_data_dir, "--tasks", "gender")

    def full_disk(path):
        aside = path.with_name(f".aside-{path.name}")
        if path == RunFolder(tmp_path).model_path:
            # A device that answers every write as a full disk does.
            aside.symlink_to("/dev/full")
        return aside

    config = command.read_experiment(EXPERIMENTS, words)
    run = RunFolder(tmp_path)
    (tmp_path / "config.json").write_text(
        json.dumps(dataclasses.asdict(config))
    )
    with monkeypatch.context() as patch:
        patch.setattr(files, "_aside", full_disk)
        assert "The disk is full" in refusal(capsys, train.main, words)
    assert not run.is_finished and not run.model_path.exists()
    train.main(words)
    assert run.is_finished and len(run.read_history()) == 1
    gc.collect()


@pytest.mark.parametrize(
    ("losses", "warned"),
    [
        ((3.7, 2.1), False),
        ((3.7, 10.2), False),
        ((3.7, 12.0), True),
        ((5e10, 8326.3), True),
        ((3.7, float("nan")), True),
        ((), False),
    ],
)
def test_a_training_that_went_astray(losses, warned, monkeypatch, capsys):
    rows = [{"val_loss": loss} for loss in losses]
    monkeypatch.setattr(RunFolder, "read_history", lambda run: rows)
    monkeypatch.setattr(Trainer, "fit", lambda trainer: trainer.run)
    train.main(["demo"])
    said = capsys.readouterr()
    assert ("Expected a smaller --learning_rate" in said.err) == warned
    assert said.out == "Next: python -m training.evaluate --run_dir runs/demo\n"


def test_help_does_not_wait_for_tensorflow():
    commands = ["training", "training train"]
    commands += [f"training.{name}" for name in ("draw_portraits", "train")]
    commands += [f"training.{name}" for name in ("evaluate", "export")]
    commands += ["training.predict"]
    code = (
        "import runpy, sys\n"
        "for words in sys.argv[1:]:\n"
        "    module, *sys.argv[1:] = [*words.split(), '--help']\n"
        "    try: runpy.run_module(module, None, '__main__', True)\n"
        "    except SystemExit: pass\n"
        "    if 'tensorflow' in sys.modules: sys.exit(words)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *commands],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    for words in commands:
        name = words.removeprefix("training")[1:] or "COMMAND"
        assert f"usage: python -m training.{name} [" in done.stdout
