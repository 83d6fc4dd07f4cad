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

HALF = "train[:50%]"


def make_runs(folder, data_dir, judge_split, trunk_split=HALF, **judge):
    """Folders as training leaves them, with models that nobody can load."""

    def data(split, dataset="tiny_portraits/synthetic_tiny"):
        return DataConfig(str(data_dir), dataset, split)

    runs = {
        "trunk": ExperimentConfig(data=data(trunk_split)),
        "judge": ExperimentConfig(
            data=data(judge_split, *judge.get("dataset", ())),
            model=ModelConfig(tasks=judge.get("tasks", ())),
        ),
        "vae": VaeExperimentConfig(
            data=data(HALF),
            model=VaeModelConfig(classifier_run=str(folder / "trunk")),
        ),
    }
    for name, config in runs.items():
        run = (VaeRunFolder if name == "vae" else RunFolder)(folder / name)
        run.claim(config)
        run.model_path.write_text("")
        run.record(status="training")
    return VaeRunFolder(folder / "vae"), RunFolder(folder / "judge")


def refusal(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        command.run(EvaluateVae, [str(argument) for argument in arguments])
    assert caught.value.code == command.EXIT_USER_ERROR
    return capsys.readouterr().err


@pytest.mark.parametrize(
    "splits, judge, flags, message",
    [
        (("train[40%:]",), {}, (), "of the generator, so it would find"),
        (
            ("train[50%:]", "train[:60%]"),
            {},
            (),
            "was trained on portraits of the classifier of its loss",
        ),
        (
            ("train[50%:]",),
            {"dataset": ["tiny_portraits/archives"]},
            (),
            "a judge of tiny_portraits/archives",
        ),
        (
            ("train[50%:]",),
            {"tasks": ("gender",)},
            (),
            "Received: tasks=['gender']",
        ),
        (
            ("train[50%:]",),
            {},
            ("--split", "train[40%:]"),
            "Expected another --split",
        ),
    ],
    ids=["generator", "classifier", "data", "tasks", "split"],
)
def test_what_does_not_compare_is_refused(
    splits, judge, flags, message, tiny_data_dir, tmp_path, capsys
):
    vae, judge = make_runs(tmp_path, tiny_data_dir, *splits, **judge)
    own = ("--run_dir", vae.path)
    error = refusal(capsys, *own, "--judge_run", judge.path, *flags)
    assert message in error
    if not flags:
        assert f"python -m training.evaluate_vae --run_dir {vae.path}" in error
    assert not (vae.path / "generation.html").exists()
    assert not (vae.path / "generation").exists()


def test_portraits_that_were_prepared_anew(tiny_data_dir, tmp_path, capsys):
    vae, judge = make_runs(tmp_path, tiny_data_dir, "train[50%:]")
    for run in (vae, judge):
        run.record(fingerprints={"train": "others"})
        message = refusal(
            capsys, "--run_dir", vae.path, "--judge_run", judge.path
        )
        assert f"The run in {run.path} was trained on other" in message
        run.record(fingerprints={})
    assert not (vae.path / "generation").exists()


def test_no_run(tmp_path, capsys):
    message = refusal(capsys, "--run_dir", tmp_path / "none")
    assert "There is no run" in message
    assert "training.train_vae" in message
