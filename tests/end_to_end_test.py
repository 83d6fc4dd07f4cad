"""The whole way, by the commands, on 400 synthetic portraits."""

import csv
import json
import pathlib
import subprocess
import sys

import numpy as np
import pytest
import tensorflow_datasets as tfds

from datasets.building.bad_items import BadItems
from datasets.building.build_record import BuildRecord
from datasets.tiny_portraits.portrait_pack import PortraitPack
from tp_keras.data.examples import labelled_image
from tp_keras.data.source import load_portraits
from tp_keras.records.record import find_one
from tp_keras.records.record import read_records
from tp_keras.runs.run_folder import RunFolder
from tp_keras.serving import CSession
from training import train
from training.command import run
from training.evaluate import Evaluate
from training.export import Export

ROOT = pathlib.Path(__file__).parents[1]
DATASET = "tiny_portraits/synthetic_tiny"


@pytest.fixture(scope="module")
def way(tmp_path_factory, tiny_data_dir):
    """A trained, evaluated and exported run: its folder and its bundle."""
    folder = tmp_path_factory.mktemp("way")
    train.main(
        ["demo", "--run_dir", str(folder / "run"), "--dataset", DATASET]
        + ["--data_dir", str(tiny_data_dir), "--backbone", "mobilenet_025"]
        + ["--epochs", "4", "--warmup_epochs", "1", "--batch_size", "32"]
        + ["--averaging", "0", "--debias", "conditional_grl"]
        + ["--branch_steps", "200"]
    )
    run(Evaluate, ["--run_dir", str(folder / "run")])
    run(
        Export,
        ["--run_dir", str(folder / "run")]
        + ["--output_dir", str(folder / "exported")],
    )
    bundle = folder / "exported" / "portrait_attributes" / "1"
    return RunFolder(folder / "run"), bundle


def test_the_run_is_complete(way):
    run_folder, _ = way
    assert run_folder.is_finished
    with run_folder.history_path.open() as file:
        assert len(list(csv.DictReader(file))) == 4
    plots = list((run_folder.path / "evaluation" / "test").glob("*.png"))
    assert len(plots) >= 3


def test_the_records_say_what_the_model_does(way, tiny_data_dir):
    run_folder, _ = way
    test = load_portraits(
        tiny_data_dir, DATASET, "test", "memory", progress=False
    )
    found = run_folder.load_model().predict_answers(test.images, 64, 0)
    records = read_records(
        run_folder.path / "evaluation" / "test" / "records.jsonl"
    )
    for task in ("gender", "hair_color", "hair_type"):
        labels = test.labels[task]
        hits = found[task].argmax(axis=1)[labels >= 0] == labels[labels >= 0]
        record = find_one(records, metric="accuracy", task=task, group="all")
        assert record.count == (labels >= 0).sum()
        assert record.value == pytest.approx(hits.mean())


def test_plain_keras_finds_the_accuracies_of_the_records(way, tiny_data_dir):
    run_folder, _ = way
    rows = tfds.load(DATASET, split="test", data_dir=tiny_data_dir)
    classifier = run_folder.load_model()
    classifier.compile("adamw")
    found = classifier.evaluate(
        rows.map(labelled_image).batch(64), verbose=0, return_dict=True
    )
    records = read_records(
        run_folder.path / "evaluation" / "test" / "records.jsonl"
    )
    for task in ("gender", "hair_color", "hair_type"):
        record = find_one(records, metric="accuracy", task=task, group="all")
        assert found[f"{task}_accuracy"] == pytest.approx(record.value)


def test_the_bundle_answers_as_the_model_through_the_server_s_loader(
    way, tiny_data_dir
):
    run_folder, bundle = way
    images = load_portraits(
        tiny_data_dir, DATASET, "test", "memory", progress=False
    ).images
    expected = run_folder.load_model().predict_answers(images, 64, 0)
    with CSession(bundle) as session:
        found = session.run("serving_default", {"image": images})
        found |= session.run("embed", {"image": images})
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, atol=1e-4)
    graph = (bundle / "saved_model.pb").read_bytes()
    assert b"adversary" not in graph and b"debias" not in graph


def test_the_metadata_ties_the_bundle_to_data_and_figures(way):
    run_folder, bundle = way
    metadata = json.loads((bundle / "metadata.json").read_text())
    assert metadata["data_fingerprints"] == run_folder.facts["fingerprints"]
    figures = {
        (f["metric"], f["task"], f["group"]) for f in metadata["figures"]
    }
    assert ("accuracy", "hair_color", "female") in figures
    assert str(run_folder.path) not in (bundle / "metadata.json").read_text()


def test_a_fresh_process_predicts_files_without_keras(
    way, tiny_data_dir, tmp_path
):
    run_folder, bundle = way
    test = load_portraits(
        tiny_data_dir, DATASET, "test[:3]", "memory", progress=False
    )
    record = BuildRecord.read(tiny_data_dir / DATASET / "1.1.0")
    pack = PortraitPack(pathlib.Path(record.source), BadItems("raise"))
    wanted = [int(index) for index in test.indices]
    for index, content in pack.portraits(wanted):
        (tmp_path / f"{index}.png").write_bytes(content)
    files = [str(tmp_path / f"{index}.png") for index in wanted]
    printed = subprocess.run(
        [sys.executable, "-m", "training.predict"]
        + ["--bundle", str(bundle.parent), "--images", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    model = run_folder.load_model()
    expected = model.predict_answers(test.images, 64, 0)
    for row, path in enumerate(files):
        line = next(x for x in printed.splitlines() if path in x)
        for task in model.tasks:
            best = expected[task.name][row].argmax()
            assert task.classes[best] in line


def test_any_prepared_data_set_of_these_features_can_be_evaluated(
    way, tiny_data_dir, capsys
):
    run_folder, _ = way
    run(
        Evaluate,
        ["--run_dir", str(run_folder.path), "--split", "counterfactual"],
    )
    assert "counterfactual" in capsys.readouterr().out
    folder = run_folder.path / "evaluation" / "counterfactual"
    assert read_records(folder / "records.jsonl")
