import dataclasses
import errno
import functools
import json
import os
import subprocess
import sys

import pytest

from datasets.tiny_portraits.errors import DatasetInputError
from tp_keras.config import DataConfig
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
        (train.main, "demo --tasks age", "tasks=['age']"),
        (train.main, "demo --storage tape", "storage=tape"),
        (train.main, "demo --embedding_size 33", "embedding_size=33"),
        (train.main, "demo --tasks gender --debias grl", "debias=grl"),
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


def test_train_an_unknown_task(capsys):
    message = train_fails(capsys, "demo", "--tasks", "age")
    assert "gender, hair_color, hair_type" in message
    assert "age" in message


def test_train_an_unknown_backbone(tmp_path, tiny_data_dir, capsys):
    message = train_fails(
        capsys,
        *("demo", "--run_dir", tmp_path / "run", "--backbone", "vgg_900"),
        *("--data_dir", tiny_data_dir),
        *("--dataset", "tiny_portraits/synthetic_tiny"),
    )
    assert "Received: backbone='vgg_900'" in message


@pytest.mark.parametrize(
    "flags",
    [
        "--dataset tiny_portraits/synthetik",
        "--backbone vgg_900",
        "--train_split trian",
        "--validation_split valid",
        "--validation_split train",
        "--batch_size 5000",
        "--from_run nowhere",
    ],
)
def test_a_refusal_leaves_no_folder(flags, tmp_path, tiny_data_dir, capsys):
    path = tmp_path / "run"
    train_fails(
        capsys,
        *("demo", "--run_dir", path, "--data_dir", tiny_data_dir),
        *("--dataset", "tiny_portraits/synthetic_tiny", *flags.split()),
    )
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
    command_line = [sys.executable, "-m", "training.train", "demo"]
    command_line += ["--run_dir", str(tmp_path), "--epochs", "1"]
    command_line += ["--backbone", "mobilenet_025", "--warmup_epochs", "0"]
    command_line += ["--data_dir", str(tiny_data_dir)]
    command_line += ["--dataset", "tiny_portraits/synthetic_tiny"]
    # A device that answers every write as a full disk does.
    model_aside = tmp_path / ".incomplete-model.keras"
    model_aside.symlink_to("/dev/full")
    config = EXPERIMENTS["demo"][1]
    config = dataclasses.replace(
        config,
        run_dir=str(tmp_path),
        data=DataConfig(str(tiny_data_dir), "tiny_portraits/synthetic_tiny"),
        model=dataclasses.replace(config.model, backbone="mobilenet_025"),
        training=dataclasses.replace(
            config.training, epochs=1, warmup_epochs=0
        ),
    )
    run = RunFolder(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(config_to_dict(config)))
    failed = subprocess.run(command_line, capture_output=True, text=True)
    assert failed.returncode == 2, failed.stderr
    assert "The disk is full" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert not run.is_finished and not run.model_path.exists()
    model_aside.unlink()
    subprocess.run(command_line, capture_output=True, check=True)
    assert run.is_finished and len(run.read_history()) == 1


@pytest.mark.parametrize(
    "script", ["draw_portraits", "train", "evaluate", "export", "predict"]
)
def test_help_does_not_wait_for_tensorflow(script):
    code = (
        "import runpy, sys; sys.argv = [sys.argv[1], '--help']\n"
        "name = 'training.' + sys.argv[0]\n"
        "try: runpy.run_module(name, run_name='__main__')\n"
        "except SystemExit: pass\n"
        "sys.exit('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, script], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout
