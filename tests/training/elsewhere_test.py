"""Runs that were trained in another folder than they are read in."""

import dataclasses
import os
import shutil

import pytest

from tests.made_runs import make_run
from tests.printed_commands import refusal
from tp_keras.command_line import command_line
from tp_keras.data.builders import find_builder
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.runs.run_folder import RunFolder
from tp_keras.runs.trainer import Trainer
from training import train
from training import train_vae

DATA = "tiny_portraits/synthetic_tiny"


@pytest.fixture
def project(tmp_path, tiny_data_dir, monkeypatch):
    """A project whose data and runs are named from its folder."""

    def claim(trainer):
        trainer.run.claim(trainer.config)
        return trainer.run

    monkeypatch.setattr(Trainer, "fit", claim)
    project = tmp_path / "project"
    (project / "runs").mkdir(parents=True)
    (project / "data").symlink_to(tiny_data_dir)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(project)
    return project


def test_data_are_found_from_elsewhere(project, monkeypatch):
    words = ["--data_dir", "data", "--dataset", DATA]
    train.main(["demo", *words, "--run_dir", "runs/demo"])
    train_vae.main(["smoke", *words, "--run_dir", "runs/vae"])
    monkeypatch.chdir("../elsewhere")
    for run in (
        RunFolder("../project/runs/demo"),
        VaeRunFolder("../project/runs/vae"),
    ):
        data = run.config.data
        assert find_builder(data.data_dir, data.dataset).info.splits
    # Typed where it lies it is as short as it was.
    line = command_line("training.audit", data_dir=data.data_dir)
    assert line.endswith(f"--data_dir {project}/data")
    monkeypatch.chdir(project)
    line = command_line("training.audit", data_dir=data.data_dir)
    assert line.endswith("--data_dir data")


@pytest.mark.parametrize(
    ("main", "words", "flag", "run_class"),
    [
        (train.main, ["demo"], "from_run", RunFolder),
        (train_vae.main, ["smoke"], "classifier_run", VaeRunFolder),
    ],
)
def test_a_run_that_another_needs(
    main, words, flag, run_class, project, monkeypatch, capsys
):
    make_run("runs/one")
    run = run_class("runs/two")
    main([*words, f"--{flag}", "runs/one", "--run_dir", "runs/two"])
    known = run.config
    # Runs of before have paths as they were typed.
    model = dataclasses.replace(known.model, **{flag: "runs/one"})
    run_class("runs/old").claim(dataclasses.replace(known, model=model))
    main([*words, f"--{flag}", "./runs/one", "--run_dir", "runs/old"])
    monkeypatch.chdir("../elsewhere")
    assert RunFolder(getattr(known.model, flag)).require()
    places = [f"--{flag}", "../project/runs/one"]
    places += ["--data_dir", "../project/data"]
    main([*words, *places, "--run_dir", "../project/runs/two"])
    # All of it moved.
    shutil.move(project, "moved")
    monkeypatch.chdir("moved")
    main([*words, f"--{flag}", "runs/one", "--run_dir", "runs/two"])
    os.rename("runs/one", "runs/other")
    # With a model it is no longer free for other settings.
    run_class("runs/two").record(status="training")
    run_class("runs/two").model_path.touch()
    arguments = [*words, f"--{flag}", "runs/other", "--run_dir", "runs/two"]
    assert f"{flag}: " in refusal(capsys, main, arguments)
