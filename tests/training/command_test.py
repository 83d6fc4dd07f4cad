import dataclasses
import errno
import functools
import json
import os
import subprocess
import sys

import pytest

from datasets.building.errors import DatasetInputError
from tp_keras.config import ExperimentConfig
from tp_keras.config import config_to_dict
from tp_keras.errors import UserError
from tp_keras.runs.run_folder import RunFolder
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


def test_fields_are_flags(capsys):
    command.run(Greet, ["--name", "Ada", "--loudly", "True"])
    assert capsys.readouterr().out == "Hello ADA\n"


def test_help_is_the_text_below_the_field(capsys):
    with pytest.raises(SystemExit):
        command.run(Greet, ["--help"])
    assert "Whom to greet." in capsys.readouterr().out


@dataclasses.dataclass(frozen=True)
class Fail:
    """Raises what it is given."""

    error: BaseException

    def execute(self) -> None:
        raise self.error


def fail(error):
    with command.errors_told():
        Fail(error).execute()


@pytest.mark.parametrize("kind", [UserError, DatasetInputError])
def test_errors_of_the_user_are_one_sentence(kind, capsys):
    with pytest.raises(SystemExit) as exit_info:
        fail(kind("Row 7 has no label."))
    assert exit_info.value.code == 2
    assert capsys.readouterr().err == "error: Row 7 has no label.\n"


def test_a_full_disk_is_one_sentence(capsys):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "model.keras")
    wrapped = RuntimeError("could not save")
    wrapped.__cause__ = full
    with pytest.raises(SystemExit):
        fail(wrapped)
    assert "The disk is full (model.keras)" in capsys.readouterr().err


def test_our_own_faults_keep_their_trace():
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError())


def test_an_interruption_says_how_to_go_on(capsys):
    with pytest.raises(SystemExit) as exit_info:
        fail(KeyboardInterrupt())
    assert exit_info.value.code == 130
    assert "resumes" in capsys.readouterr().err


def train_fails(capsys, *flags):
    with pytest.raises(SystemExit) as exit_info:
        train.main([*map(str, flags)])
    assert exit_info.value.code == 2
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return text


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
        (
            Debias,
            "--run_dir x --output_dir y --strength -1",
            "strength=-1.0",
        ),
    ],
)
def test_flags_that_cant_be_are_our_one_sentence(main, words, message, capsys):
    if isinstance(main, type):
        main = functools.partial(command.run, main)
    with pytest.raises(SystemExit) as exit_info:
        main(words.split())
    assert exit_info.value.code == 2
    said = capsys.readouterr()
    assert not said.out
    assert said.err.startswith("error: ") and said.err.count("\n") == 1
    assert "Expected" in said.err and "Received: " in said.err
    assert message in said.err


def test_train_without_a_data_set(tmp_path, capsys):
    message = train_fails(
        capsys, "demo", "--data_dir", tmp_path, "--run_dir", tmp_path / "run"
    )
    assert "no prepared data set" in message
    assert "python -m training.build_dataset" in message


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
        ("--dataset tiny_portraits/synthetik", "tiny_portraits/synthetik"),
        ("--backbone vgg_900", "Received: backbone='vgg_900'"),
        ("--train_split trian", "trian"),
        ("--validation_split valid", "valid"),
        ("--validation_split train", "train"),
        ("--batch_size 5000", "5000"),
        ("--from_run nowhere", "nowhere"),
    ],
)
def test_a_refusal_leaves_no_folder(
    flags, message, tmp_path, tiny_data_dir, capsys
):
    path = tmp_path / "run"
    words = flags_of(path, tiny_data_dir, *flags.split())
    assert message in train_fails(capsys, *words)
    assert not path.exists()


def test_train_into_the_run_of_another_configuration(tmp_path, capsys):
    run = RunFolder(tmp_path)
    run.claim(ExperimentConfig(run_dir=str(tmp_path)))
    message = train_fails(
        capsys, "demo", "--run_dir", tmp_path, "--epochs", "3"
    )
    assert "another configuration" in message
    assert "epochs: 30 against 3" in message


def test_train_on_a_full_disk_and_again(tmp_path, tiny_data_dir):
    words = flags_of(tmp_path, tiny_data_dir, "--tasks", "gender")
    # A device that answers every write as a full disk does.
    model_aside = tmp_path / ".incomplete-model.keras"
    model_aside.symlink_to("/dev/full")
    config = command.read_experiment(EXPERIMENTS, words)
    run = RunFolder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config_to_dict(config)))
    # In a process of its own, for Keras leaves the history open.
    failed = subprocess.run(
        [sys.executable, "-m", "training.train", *words],
        capture_output=True,
        text=True,
    )
    assert failed.returncode == 2, failed.stderr
    assert "The disk is full" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not run.is_finished and not run.model_path.exists()
    model_aside.unlink()
    train.main(words)
    assert run.is_finished and len(run.read_history()) == 1


@pytest.mark.parametrize(
    "words",
    ["training", "training train"]
    + [f"training.{name}" for name in ("draw_portraits", "train", "evaluate")]
    + ["training.export", "training.predict"],
)
def test_help_does_not_wait_for_tensorflow(words):
    code = (
        "import runpy, sys; module = sys.argv.pop(1)\n"
        "try: runpy.run_module(module, run_name='__main__', alter_sys=True)\n"
        "except SystemExit: pass\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words.split(), "--help"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    name = words.removeprefix("training")[1:] or "COMMAND"
    assert done.stdout.startswith(f"usage: python -m training.{name} [")
