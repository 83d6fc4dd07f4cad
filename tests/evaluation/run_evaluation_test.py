import dataclasses
import hashlib
import json
import pathlib

import numpy as np
import pytest

from tests.evaluation.predictions import random_predictions
from tests.portrait_factory import GENDER
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.config import DataConfig
from tp_keras.config import ExperimentConfig
from tp_keras.config import TrainingConfig
from tp_keras.errors import UserError
from tp_keras.evaluation import run_evaluation
from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.records.page_parts import Report
from tp_keras.records.record import find
from tp_keras.records.record import read_records
from tp_keras.records.report import page_of
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tasks import Schema

DATASET = "tiny_portraits/synthetic"
COUNT = 60


def fingerprint(split, pixels="own"):
    return hashlib.sha256(f"{split} {pixels}".encode()).hexdigest()


class FakeModel:
    """Predicts what `random_predictions` says, whatever the images."""

    def predict_answers(self, images):
        return random_predictions(COUNT)[0]


class Prepared:
    """Stands in for what is prepared: which portraits lie in which folder."""

    def __init__(self):
        self.calls = []
        # A folder, or folder and split -> other pixels than those of the run.
        self.others = {}
        self.missing = set()
        self.change = lambda portraits: portraits

    def load_portraits(self, data_dir, dataset, split, storage="auto", *_):
        self.calls.append((str(data_dir), dataset, split, storage))
        if split in self.missing:
            raise UserError("Expected a split out of test.")
        folder = pathlib.Path(data_dir).name
        pixels = self.others.get(folder, self.others.get((folder, split)))
        portraits = dataclasses.replace(
            make_portraits(COUNT, split=split),
            labels=random_predictions(COUNT)[1],
            dataset=f"{dataset}/1.0.0",
            fingerprint=fingerprint(split, pixels or "own"),
        )
        return self.change(portraits)


@pytest.fixture
def run_dir(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.claim(
        ExperimentConfig(
            run_dir=str(run.path),
            data=DataConfig(data_dir=str(tmp_path / "data"), dataset=DATASET),
            training=TrainingConfig(seed=5),
        )
    )
    run.model_path.touch()
    run.record(
        fingerprints={s: fingerprint(s) for s in ("train", "validation")},
        schema=SCHEMA.to_dict(),
    )
    return run.path


@pytest.fixture
def prepared(monkeypatch):
    """Puts fakes in place of data and model."""
    prepared = Prepared()
    source = run_evaluation.source
    monkeypatch.setattr(source, "load_portraits", prepared.load_portraits)
    monkeypatch.setattr(RunFolder, "load_model", lambda self: FakeModel())
    # Drawn and measured in other tests; here it would only take time.
    monkeypatch.setattr(run_evaluation, "calibrate", lambda run, model: {})
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
    assert read_records(folder / "records.jsonl")
    return folder.name


def test_evaluates_the_runs_own_data(run_dir, prepared):
    records, folder = run_evaluation.evaluate_run(run_dir)
    data_dir = str(run_dir.parent / "data")
    assert prepared.calls[0] == (data_dir, DATASET, "test", "auto")
    where = {"split": "test", "dataset": f"{DATASET}/1.0.0"}
    assert records == evaluate_predictions(
        *random_predictions(COUNT), SCHEMA, seed=5, **where
    )
    assert read_records(folder / "records.jsonl") == records
    assert folder == run_dir / "evaluation" / "test"
    assert (run_dir / "evaluation.html").is_file()
    measured = json.loads((folder / "measured.json").read_text())
    facts = {"portraits": COUNT, "fingerprint": fingerprint("test")}
    assert where | facts == {k: measured[k] for k in where | facts}


OTHER = f"tiny_portraits-synthetic-1.0.0-test-{fingerprint('test', 'b')[:8]}"


def test_two_data_sets_of_one_name_have_two_folders(run_dir, prepared):
    prepared.others |= {"b": "b", "c": "c"}
    names = [folder_of(run_dir, data_dir=name) for name in "bcb"]
    assert names[0] == names[2] == OTHER
    assert names[1] != OTHER and names[1].startswith(OTHER[:-8])
    folders = list((run_dir / "evaluation").iterdir())
    assert {folder.name for folder in folders} == set(names)
    pages = {page_of(folder) for folder in folders}
    assert pages == set(run_dir.glob("evaluation*.html"))


def test_what_was_prepared_anew_in_its_place_is_not_the_runs(run_dir, prepared):
    assert folder_of(run_dir) == "test"
    # Others, or other test portraits beside the same validation portraits.
    for place in ("data", ("data", "test")):
        prepared.others[place] = "b"
        assert folder_of(run_dir) == OTHER
        prepared.others.clear()
    assert folder_of(run_dir) == "test"
    # A copy elsewhere is.
    assert folder_of(run_dir, data_dir="copy") == "test"


def test_parts_of_a_split_and_other_data_have_folders_of_their_own(
    run_dir, prepared
):
    # Without a hash the last two would have one name.
    parts = ["test", "validation", "test[:10%]", "test[-10:]"]
    names = [folder_of(run_dir, split=part) for part in parts]
    assert names[:2] == ["test", "validation"]
    assert len(set(names)) == len(parts)
    assert names[2].startswith("tiny_portraits-synthetic-1.0.0-test--10---")
    # Other data need no validation split.
    prepared.missing.add("validation")
    prepared.others["b"] = "b"
    assert folder_of(run_dir, data_dir="b") == OTHER
    prepared.missing.clear()
    # A run that knows nothing of its data owns none.
    RunFolder(run_dir).record(fingerprints={})
    assert folder_of(run_dir).startswith("tiny_portraits-synthetic-1.0.0-test-")


def test_missing_run_model_or_data_are_told(run_dir, tmp_path):
    with pytest.raises(UserError, match="There is no run. .*no_run"):
        run_evaluation.evaluate_run(tmp_path / "no_run")
    assert not (tmp_path / "no_run").exists()
    with pytest.raises(UserError, match="python -m training.build_dataset"):
        run_evaluation.evaluate_run(run_dir)
    RunFolder(run_dir).model_path.unlink()
    with pytest.raises(UserError, match="The run has no model yet"):
        run_evaluation.evaluate_run(run_dir)
    assert not (run_dir / "evaluation").exists()


def test_other_portraits_are_seen_as_those_of_the_run(run_dir, prepared):
    expected, _ = run_evaluation.evaluate_run(run_dir)
    turned = dataclasses.replace(GENDER, classes=GENDER.classes[::-1])

    def change(portraits):
        labels = portraits.labels["gender"]
        labels = {"gender": np.where(labels < 0, labels, 1 - labels)}
        schema = Schema(SCHEMA.image_shape, [turned])
        return dataclasses.replace(portraits, labels=labels, schema=schema)

    prepared.change = change
    records, _ = run_evaluation.evaluate_run(run_dir)
    assert records == find(expected, task="gender")
