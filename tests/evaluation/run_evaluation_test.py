import dataclasses
import hashlib
import json
import pathlib

import numpy as np
import pytest

from tests.evaluation.predictions import random_predictions
from tests.portrait_factory import GENDER
from tests.portrait_factory import SCHEMA
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import TrainingConfig
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.evaluation import run_evaluation
from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.records import record as records_lib
from tp_keras.records.page_parts import Report
from tp_keras.records.report import page_of
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tasks import Schema

DATASET = "tiny_portraits/synthetic"
COUNT = 60


def fingerprint(split, pixels="own"):
    return hashlib.sha256(f"{split} {pixels}".encode()).hexdigest()


class FakeModel:
    """Predicts what `random_predictions` says, whatever the images."""

    def predict_answers(self, images, batch_size=256):
        probabilities, _ = random_predictions(COUNT)
        embedding = np.zeros((COUNT, 64), np.float32)
        return {
            name: array[: len(images)]
            for name, array in (
                probabilities | {"embedding": embedding}
            ).items()
        }


def fake_portraits(dataset, split, count=COUNT, pixels="own"):
    _, labels = random_predictions(COUNT)
    return Portraits(
        images=np.zeros((count, 108, 84, 3), np.uint8),
        labels={name: array[:count] for name, array in labels.items()},
        indices=np.arange(count),
        dataset=f"{dataset}/1.0.0",
        split=split,
        storage="memory",
        fingerprint=fingerprint(split, pixels),
        schema=SCHEMA,
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
    run.record(
        fingerprints={s: fingerprint(s) for s in ("train", "validation")},
        schema=SCHEMA.to_dict(),
    )
    return run.path


class Prepared:
    """Stands in for what is prepared: which portraits lie in which folder."""

    def __init__(self):
        self.calls = []
        # A folder, or folder and split -> other pixels than those of the run.
        self.others = {}
        self.missing = set()

    def load_portraits(self, data_dir, dataset, split, storage="auto"):
        self.calls.append((str(data_dir), dataset, split, storage))
        if split in self.missing:
            raise UserError("Expected a split out of test.")
        folder = pathlib.Path(data_dir).name
        pixels = self.others.get(folder, self.others.get((folder, split)))
        return fake_portraits(dataset, split, pixels=pixels or "own")


@pytest.fixture
def prepared(monkeypatch):
    """Puts fakes in place of data and model."""
    prepared = Prepared()
    source = run_evaluation.source
    monkeypatch.setattr(source, "load_portraits", prepared.load_portraits)
    monkeypatch.setattr(RunFolder, "load_model", lambda self: FakeModel())
    # Drawn in other tests; here it would only take time.
    monkeypatch.setattr(
        run_evaluation,
        "evaluation_report",
        lambda records, schema: Report("Evaluation", [], False),
    )
    return prepared


def folder_of(run_dir, **arguments):
    """Evaluates, and returns the name of the folder that was written."""
    _, folder = run_evaluation.evaluate_run(run_dir, **arguments)
    assert folder.parent == run_dir / "evaluation"
    assert records_lib.read_records(folder / "records.jsonl")
    return folder.name


def test_evaluates_the_runs_own_data(run_dir, data_dir, prepared):
    records, folder = run_evaluation.evaluate_run(run_dir)
    assert prepared.calls[0] == (data_dir, DATASET, "test", "auto")
    probabilities, labels = random_predictions(COUNT)
    assert records == evaluate_predictions(
        probabilities,
        labels,
        SCHEMA,
        seed=5,
        split="test",
        dataset=f"{DATASET}/1.0.0",
    )
    assert records_lib.read_records(folder / "records.jsonl") == records
    assert folder == run_dir / "evaluation" / "test"
    measured = json.loads((folder / "measured.json").read_text())
    assert measured == {
        "dataset": f"{DATASET}/1.0.0",
        "split": "test",
        "portraits": COUNT,
        "fingerprint": fingerprint("test"),
    }


OTHER = f"tiny_portraits-synthetic-1.0.0-test-{fingerprint('test', 'b')[:8]}"


def test_two_data_sets_of_one_name_have_two_folders(run_dir, prepared):
    prepared.others |= {"b": "b", "c": "c"}
    names = [folder_of(run_dir, data_dir=name) for name in "bcb"]
    assert names[0] == names[2] == OTHER
    assert names[1] != OTHER and names[1].startswith(OTHER[:-8])
    folders = list((run_dir / "evaluation").iterdir())
    assert {folder.name for folder in folders} == set(names)
    assert len({page_of(folder).read_text() for folder in folders}) == 1
    assert len({page_of(folder) for folder in folders}) == 2


def test_what_was_prepared_anew_in_its_place_is_not_the_runs(run_dir, prepared):
    assert folder_of(run_dir) == "test"
    prepared.others["data"] = "b"
    assert folder_of(run_dir) == OTHER
    prepared.others.clear()
    # Other test portraits beside the same validation portraits.
    prepared.others["data", "test"] = "b"
    assert folder_of(run_dir) == OTHER
    prepared.others.clear()
    assert folder_of(run_dir) == "test"


def test_a_copy_of_the_runs_data_is_its_own(run_dir, prepared):
    assert folder_of(run_dir, data_dir="copy") == "test"


def test_other_data_need_no_validation_split(run_dir, prepared):
    prepared.missing.add("validation")
    prepared.others["b"] = "b"
    assert folder_of(run_dir, data_dir="b") == OTHER


def test_a_run_that_knows_nothing_of_its_data_owns_none(run_dir, prepared):
    RunFolder(run_dir).record(fingerprints={})
    assert folder_of(run_dir).startswith("tiny_portraits-synthetic-1.0.0-test-")


def test_parts_of_a_split_have_folders_of_their_own(run_dir, prepared):
    # Without a hash the last two would have one name.
    parts = ["test", "validation", "test[:50%]", "test[:10%]", "test[-10:]"]
    names = [folder_of(run_dir, split=part) for part in parts]
    assert names[:2] == ["test", "validation"]
    assert len(set(names)) == len(parts)
    assert names[2].startswith("tiny_portraits-synthetic-1.0.0-test--50---")


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


def test_empty_split_is_told(run_dir, prepared, monkeypatch):
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
    run_dir, prepared, monkeypatch
):
    whole = FakeModel.predict_answers

    def only_gender(self, images):
        return {"gender": whole(self, images)["gender"]}

    monkeypatch.setattr(FakeModel, "predict_answers", only_gender)
    records, _ = run_evaluation.evaluate_run(run_dir)
    assert {record.task for record in records} == {"gender"}


def test_portraits_of_another_data_set_are_seen_as_those_of_the_run(
    run_dir, prepared, monkeypatch
):
    own = prepared.load_portraits
    turned = dataclasses.replace(GENDER, classes=GENDER.classes[::-1])

    def load(*args, **kwargs):
        portraits = own(*args, **kwargs)
        labels = portraits.labels["gender"]
        return dataclasses.replace(
            portraits,
            labels={"gender": np.where(labels < 0, labels, 1 - labels)},
            schema=Schema(SCHEMA.image_shape, [turned]),
        )

    expected, _ = run_evaluation.evaluate_run(run_dir)
    monkeypatch.setattr(run_evaluation.source, "load_portraits", load)
    records, _ = run_evaluation.evaluate_run(run_dir)
    assert records == records_lib.find(expected, task="gender")
