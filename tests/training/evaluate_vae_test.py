import dataclasses

import pytest

from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.runs.run_folder import RunFolder
from training import command
from training.evaluate_vae import EvaluateVae

DATASET = "tiny_portraits/synthetic_tiny"


def data(data_dir, split):
    return DataConfig(
        data_dir=str(data_dir), dataset=DATASET, train_split=split
    )


def make_runs(folder, data_dir, judge_split, trunk_split="train[:50%]"):
    """Folders as training leaves them, with models that nobody can load."""
    trunk = RunFolder(folder / "trunk")
    trunk.claim(ExperimentConfig(data=data(data_dir, trunk_split)))
    judge = RunFolder(folder / "judge")
    judge.claim(ExperimentConfig(data=data(data_dir, judge_split)))
    vae = VaeRunFolder(folder / "vae")
    vae.claim(
        VaeExperimentConfig(
            data=data(data_dir, "train[:50%]"),
            model=VaeModelConfig(classifier_run=str(trunk.path)),
        )
    )
    for run in (trunk, judge, vae):
        run.model_path.write_text("")
    return vae, judge


def refusal(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        command.run(EvaluateVae, [str(argument) for argument in arguments])
    assert caught.value.code == command.EXIT_USER_ERROR
    return capsys.readouterr().err


@pytest.mark.parametrize(
    "judge_split, trunk_split, who",
    [
        ("train[40%:]", "train[:50%]", "the generator"),
        ("train[50%:]", "train[:60%]", "the classifier of its loss"),
    ],
)
def test_a_judge_that_knows_the_portraits(
    judge_split, trunk_split, who, tiny_data_dir, tmp_path, capsys
):
    vae, judge = make_runs(tmp_path, tiny_data_dir, judge_split, trunk_split)
    message = refusal(capsys, "--run_dir", vae.path, "--judge_run", judge.path)
    assert f"The judge was trained on portraits of {who}" in message
    assert f"python -m training.evaluate_vae --run_dir {vae.path}" in message
    assert not (vae.path / "generation.html").exists()
    assert not (vae.path / "generation").exists()


def test_portraits_that_were_prepared_anew(tiny_data_dir, tmp_path, capsys):
    vae, judge = make_runs(tmp_path, tiny_data_dir, "train[50%:]")
    flags = ("--run_dir", vae.path, "--judge_run", judge.path)
    for run in (vae, judge):
        run.record(fingerprints={"train": "others"})
        message = refusal(capsys, *flags)
        assert f"The run in {run.path} was trained on other" in message
        run.record(fingerprints={})
    assert not (vae.path / "generation").exists()


def test_a_judge_of_other_data(tiny_data_dir, tmp_path, capsys):
    vae, _ = make_runs(tmp_path, tiny_data_dir, "train[50%:]")
    other = RunFolder(tmp_path / "other")
    config = ExperimentConfig(data=data(tiny_data_dir, "train[50%:]"))
    other.claim(
        dataclasses.replace(
            config,
            data=dataclasses.replace(
                config.data, dataset="tiny_portraits/archives"
            ),
        )
    )
    other.model_path.write_text("")
    message = refusal(capsys, "--run_dir", vae.path, "--judge_run", other.path)
    assert "a judge of tiny_portraits/archives" in message


def test_a_judge_that_lacks_a_task(tiny_data_dir, tmp_path, capsys):
    vae, _ = make_runs(tmp_path, tiny_data_dir, "train[50%:]")
    other = RunFolder(tmp_path / "other")
    other.claim(
        ExperimentConfig(
            data=data(tiny_data_dir, "train[50%:]"),
            model=ModelConfig(tasks=("gender",)),
        )
    )
    other.model_path.write_text("")
    message = refusal(capsys, "--run_dir", vae.path, "--judge_run", other.path)
    assert "Received: tasks=['gender']" in message


def test_portraits_that_the_generator_has_seen(tiny_data_dir, tmp_path, capsys):
    vae, judge = make_runs(tmp_path, tiny_data_dir, "train[50%:]")
    message = refusal(
        capsys,
        *("--run_dir", vae.path),
        *("--judge_run", judge.path),
        *("--split", "train[40%:]"),
    )
    assert "Expected another --split" in message


def test_no_run(tmp_path, capsys):
    message = refusal(capsys, "--run_dir", tmp_path / "none")
    assert "There is no run" in message
    assert "training.train_vae" in message
