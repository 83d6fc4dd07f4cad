"""The whole way, by the commands, on 400 synthetic portraits."""

import pathlib
import types

import numpy as np
import pytest
import tensorflow_datasets as tfds
from PIL import Image

from tests.made_runs import TINY_RESIDUAL
from tests.printed_commands import parse_next
from tp_keras.data.examples import labelled_image
from tp_keras.data.source import load_portraits
from tp_keras.export import read_metadata
from tp_keras.records.record import find_one
from tp_keras.records.record import read_records
from tp_keras.records.table import format_figure
from tp_keras.runs.run_folder import RunFolder
from tp_keras.serving import CSession
from training import train
from training.command import run
from training.evaluate import Evaluate
from training.export import Export
from training.predict import Predict

ROOT = pathlib.Path(__file__).parents[1]
DATASET = "tiny_portraits/synthetic_tiny"


@pytest.fixture(scope="module")
def way(tmp_path_factory, tiny_data_dir):
    """A trained, evaluated and exported run, and what it answers."""
    folder = tmp_path_factory.mktemp("way")
    run_dir = str(folder / "run")
    train.main(
        ["demo", "--run_dir", run_dir, "--dataset", DATASET]
        + ["--data_dir", str(tiny_data_dir), "--backbone", TINY_RESIDUAL]
        + ["--epochs", "2", "--warmup_epochs", "0.5", "--batch_size", "32"]
        + ["--averaging", "0", "--debias", "conditional_grl"]
        + ["--branch_steps", "30"]
    )
    run(Evaluate, ["--run_dir", run_dir])
    run(Export, ["--run_dir", run_dir, "--output_dir", str(folder / "models")])
    test = load_portraits(tiny_data_dir, DATASET, "test", progress=False)
    run_folder = RunFolder(run_dir)
    model = run_folder.load_model()
    return types.SimpleNamespace(
        run=run_folder,
        bundle=folder / "models" / "portrait_attributes" / "1",
        records=read_records(
            run_folder.path / "evaluation" / "test" / "records.jsonl"
        ),
        model=model,
        test=test,
        answers=model.predict_answers(test.images, verbose=0),
    )


def test_the_run_is_complete(way):
    assert way.run.is_finished
    assert len(way.run.read_history()) == 2
    plots = list((way.run.path / "evaluation" / "test").glob("*.png"))
    assert len(plots) >= 3


def test_records_model_and_plain_keras_agree(way, tiny_data_dir):
    rows = tfds.load(DATASET, split="test", data_dir=tiny_data_dir)
    way.model.compile("adamw")
    rows = rows.map(lambda row: labelled_image(row, way.test.schema))
    found = way.model.evaluate(rows.batch(64), verbose=0, return_dict=True)
    for task in way.model.tasks:
        labels = way.test.labels[task.name]
        hits = task.predicted(way.answers[task.name]) == labels
        where = {"metric": "accuracy", "task": task.name, "group": "all"}
        record = find_one(way.records, **where)
        assert record.count == (labels >= 0).sum()
        assert record.value == pytest.approx(hits[labels >= 0].mean())
        assert found[f"{task.name}_accuracy"] == pytest.approx(record.value)


def test_the_bundle_answers_as_the_model_through_the_server_s_loader(way):
    with CSession(way.bundle) as session:
        found = session.run("serving_default", {"image": way.test.images})
        found |= session.run("embed", {"image": way.test.images})
    for name, value in way.answers.items():
        np.testing.assert_allclose(found[name], value, atol=1e-4)
    graph = (way.bundle / "saved_model.pb").read_bytes()
    assert b"adversary" not in graph and b"debias" not in graph


def test_the_metadata_ties_the_bundle_to_data_and_figures(way):
    metadata = read_metadata(way.bundle)
    assert metadata["data_fingerprints"] == way.run.facts["fingerprints"]
    figures = {
        (f["metric"], f["task"], f["group"]) for f in metadata["figures"]
    }
    assert ("accuracy", "hair_color", "female") in figures
    text = (way.bundle / "metadata.json").read_text()
    assert str(way.run.path) not in text


def test_files_are_predicted_by_the_command(way, tmp_path, capsys):
    files = [str(tmp_path / f"{row}.png") for row in range(3)]
    for pixels, path in zip(way.test.images, files, strict=False):
        Image.fromarray(pixels).save(path)
    words = ["--bundle", str(way.bundle.parent), "--portraits", "True"]
    run(Predict, [*words, "--images", *files])
    printed = capsys.readouterr().out.splitlines()
    for row, path in enumerate(files):
        line = next(line for line in printed if path in line)
        for task in way.model.tasks:
            best = way.answers[task.name][row].argmax()
            assert task.classes[best] in line


def test_any_prepared_data_set_of_these_features_can_be_evaluated(
    way, tiny_data_dir, capsys
):
    arguments = ["--run_dir", str(way.run.path), "--split", "counterfactual"]
    arguments += ["--data_dir", str(tiny_data_dir), "--dataset", DATASET]
    run(Evaluate, arguments)
    told = capsys.readouterr().out
    folder = way.run.path / "evaluation" / "counterfactual"
    record = find_one(
        read_records(folder / "records.jsonl"),
        **{"metric": "accuracy", "task": "hair_color", "group": "female"},
    )
    assert f"`{DATASET}/1.1.0`, split `counterfactual`" in told
    assert format_figure(record) in told
    assert f"Tables, plots and records: {folder}\n" in told
    assert f"Page: {folder.parent}-counterfactual.html\n" in told
    assert parse_next(told) == Export(str(way.run.path))
