import types

import numpy as np
import pytest

from tests.evaluation.predictions import random_predictions
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import TrainingConfig
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.evaluation import records as records_lib
from tp_keras.evaluation import run_evaluation
from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.run_folder import RunFolder

DATASET = "tiny_portraits/synthetic"
COUNT = 60


class FakeModel:
    """Predicts what `random_predictions` says, whatever the images."""

    def predict_probabilities(self, images, batch_size=256):
        probabilities, _ = random_predictions(COUNT)
        embedding = np.zeros((COUNT, 64), np.float32)
        return {
            name: array[: len(images)]
            for name, array in (
                probabilities | {"hair_embedding": embedding}
            ).items()
        }


def fake_portraits(dataset, split, count=COUNT):
    _, labels = random_predictions(COUNT)
    return Portraits(
        images=np.zeros((count, 108, 84, 3), np.uint8),
        labels={name: array[:count] for name, array in labels.items()},
        indices=np.arange(count),
        dataset=f"{dataset}/1.0.0",
        split=split,
        storage="memory",
        fingerprint="f",
    )


@pytest.fixture
def data_dir(tmp_path):
    return str(tmp_path / "data")


@pytest.fixture
def run_dir(tmp_path, data_dir):
    run = RunFolder(tmp_path / "run")
    run.claim(
        ExperimentConfig(
            run_dir=str(run.path),
            data=DataConfig(data_dir=data_dir, dataset=DATASET),
            training=TrainingConfig(seed=5),
        )
    )
    run.model_path.touch()
    return run.path


@pytest.fixture
def loaded(monkeypatch):
    """Puts fakes in place of data and model, and lists what is loaded."""
    calls = []

    def load_portraits(data_dir, dataset, split, storage="auto"):
        calls.append((str(data_dir), dataset, split, storage))
        return fake_portraits(dataset, split)

    def find_builder(data_dir, dataset):
        info = types.SimpleNamespace(full_name=f"{dataset}/1.0.0")
        return types.SimpleNamespace(info=info)

    source = run_evaluation.source
    monkeypatch.setattr(source, "load_portraits", load_portraits)
    monkeypatch.setattr(source, "find_builder", find_builder)
    monkeypatch.setattr(RunFolder, "load_model", lambda self: FakeModel())
    # Drawn in other tests; here it would only take time.
    plots = run_evaluation.report.plots
    monkeypatch.setattr(plots, "write_plots", lambda folder, records: [])
    return calls


def test_evaluates_the_runs_own_data(run_dir, data_dir, loaded):
    records = run_evaluation.evaluate_run(run_dir)
    assert loaded == [(data_dir, DATASET, "test", "auto")]
    probabilities, labels = random_predictions(COUNT)
    assert records == evaluate_predictions(
        probabilities, labels, seed=5, split="test", dataset=f"{DATASET}/1.0.0"
    )
    folder = run_dir / "evaluation" / "test"
    assert records_lib.read_records(folder / "records.jsonl") == records
    assert folder == run_evaluation.evaluation_folder(run_dir)


@pytest.mark.parametrize(
    "other, name",
    [
        ({"split": "validation"}, "validation"),
        ({"split": "test[:50%]"}, "test--50--"),
        ({"dataset": DATASET}, "test"),
        (
            {"dataset": "tiny_portraits/archives"},
            "tiny_portraits-archives-1.0.0-test",
        ),
        ({"data_dir": "elsewhere"}, "tiny_portraits-synthetic-1.0.0-test"),
    ],
)
def test_other_data_have_a_folder_of_their_own(run_dir, loaded, other, name):
    run_evaluation.evaluate_run(run_dir, **other)
    ((data_dir, dataset, split, _),) = loaded
    assert data_dir.endswith(other.get("data_dir", "data"))
    assert dataset == other.get("dataset", DATASET)
    assert split == other.get("split", "test")
    assert [path.name for path in (run_dir / "evaluation").iterdir()] == [name]


def test_the_runs_own_data_folder_is_known_by_any_path(
    run_dir, data_dir, loaded, monkeypatch
):
    monkeypatch.chdir(run_dir.parent)
    folder = run_evaluation.evaluation_folder(run_dir, data_dir="data")
    assert folder.name == "test"


def test_missing_run_is_told(tmp_path):
    with pytest.raises(UserError, match="There is no run. .*no_run"):
        run_evaluation.evaluate_run(tmp_path / "no_run")
    assert not (tmp_path / "no_run").exists()


def test_run_without_a_model_is_told(run_dir):
    RunFolder(run_dir).model_path.unlink()
    with pytest.raises(UserError, match="The run has no model yet"):
        run_evaluation.evaluate_run(run_dir)


def test_missing_data_name_the_command_and_write_nothing(run_dir):
    with pytest.raises(UserError, match="python -m training.build_dataset"):
        run_evaluation.evaluate_run(run_dir)
    assert not (run_dir / "evaluation").exists()


def test_empty_split_is_told(run_dir, loaded, monkeypatch):
    monkeypatch.setattr(
        run_evaluation.source,
        "load_portraits",
        lambda data_dir, dataset, split, storage: fake_portraits(
            dataset, split, count=0
        ),
    )
    with pytest.raises(UserError, match="holds no portraits"):
        run_evaluation.evaluate_run(run_dir, split="test[:0]")
    assert not (run_dir / "evaluation").exists()


def test_a_run_of_one_task_is_evaluated_for_it_alone(
    run_dir, loaded, monkeypatch
):
    whole = FakeModel.predict_probabilities

    def only_gender(self, images):
        return {"gender": whole(self, images)["gender"]}

    monkeypatch.setattr(FakeModel, "predict_probabilities", only_gender)
    records = run_evaluation.evaluate_run(run_dir)
    assert {record.task for record in records} == {"gender"}
