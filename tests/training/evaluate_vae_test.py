import pytest
from PIL import Image

from datasets.building.prepare import find_builder_class
from tests.printed_commands import find_commands
from tests.printed_commands import parse
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import ModelConfig
from tp_keras.generator.config import VaeExperimentConfig
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.runs.run_folder import RunFolder
from training import command
from training.evaluate_vae import EvaluateVae
from training.evaluate_vae import judge_commands

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


def test_independent_judges_and_rivals_are_looked_at_before_any_work(
    tiny_data_dir, tmp_path, capsys
):
    vae, judge = make_runs(tmp_path, tiny_data_dir, "train[40%:]")
    judge.model_path.write_text("other")
    own = ("--run_dir", vae.path)
    # That of the generator's data set, though it has seen other portraits.
    judge.record(status="finished")
    for flags, message in (
        (("--independent_runs", judge.path), "than the generator's, tiny_port"),
        (("--rivals", judge.path), "portraits or more of a rival, as many"),
        (("--rivals", tmp_path / "no"), "Expected a folder of PNG files"),
    ):
        assert message in refusal(capsys, *own, *flags)
    assert not (vae.path / "judge").exists()
    # What trains another judge keeps what else was given.
    (tmp_path / "theirs").mkdir()
    for number in range(50):
        path = tmp_path / "theirs" / f"{number}.png"
        Image.new("RGB", (84, 108)).save(path)
    both = ("--judge_run", judge.path, "--rivals", tmp_path / "theirs")
    message = refusal(capsys, *own, *both)
    assert f"--rivals {tmp_path / 'theirs'}`" in message


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        ("tiny_portraits/synthetic", "utk_face/synthetic"),
        ("tiny_portraits/synthetic_tiny", "utk_face/synthetic"),
        ("tiny_portraits/archives", "utk_face/108x84"),
        ("utk_face/synthetic_80x80", "tiny_portraits/synthetic"),
        ("utk_face/96x96", "tiny_portraits/archives"),
    ],
)
def test_commands_that_train_independent_judges(dataset, expected, tmp_path):
    line = judge_commands(DataConfig("here", dataset, HALF))
    assert "\n" not in line
    commands = [parse(text) for text in find_commands(line)]
    runs = [one.config.run_dir for one in commands]
    assert len(runs) == 2 and f"--independent_runs {' '.join(runs)}." in line
    for one in commands:
        data = one.config.data
        assert (data.data_dir, data.dataset) == ("here", expected)
        # Of all of it: the generator has seen none.
        assert data.train_split == "train"
        # A variant that can be built, with that task.
        name, _, variant = expected.partition("/")
        builder_class = find_builder_class(name)
        files = not variant.startswith("synthetic")
        settings = builder_class.find_settings(variant, files)
        features = builder_class(data_dir=tmp_path, **settings).info.features
        assert one.config.model.tasks[0] in features
    assert judge_commands(DataConfig("here", "selfies/files")) == ""


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
