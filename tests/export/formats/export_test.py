"""The command and the bundle that it publishes."""

import json
import pathlib
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from tests import made_runs
from tests.export.networks import Here
from tests.export.networks import random_portraits
from tests.portrait_factory import EVERY_KIND
from tests.printed_commands import find_commands
from tests.printed_commands import refusal
from tp_keras import config as config_lib
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.export import read_metadata
from tp_keras.export import run_export
from tp_keras.export.formats import FORMATS
from tp_keras.export.formats import add
from tp_keras.runs.run_folder import RunFolder
from tp_keras.serving import Predictor
from training import command
from training.export import Export

ROOT = pathlib.Path(__file__).parents[3]
DATASET = "tiny_portraits/synthetic_tiny"


def make_run(path, data_dir):
    data = config_lib.DataConfig(data_dir=str(data_dir), dataset=DATASET)
    return made_runs.make_run(path, data=data, status="finished").path


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_data_dir):
    return make_run(tmp_path_factory.mktemp("runs") / "tiny", tiny_data_dir)


@pytest.fixture
def here(monkeypatch):
    monkeypatch.setattr(add, "FreshProcess", Here)


@pytest.fixture(scope="module")
def exported(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported_models")
    bundle = run_export.export_run(
        run, folder, formats=FORMATS, latency_seconds=0.02
    )
    return bundle


def test_every_format_is_in_the_bundle(exported):
    entries = read_metadata(exported)["formats"]
    assert list(entries) == list(FORMATS)
    for name, entry in entries.items():
        files = FORMATS[name].files(exported)
        assert entry["bytes"] == sum(p.stat().st_size for p in files) > 1000
        assert entry["runtime"] == FORMATS[name].runtime()
        assert entry["latency_ms"]["64"] > entry["latency_ms"]["1"] > 0
    assert entries["litert_int8"]["calibration_portraits"] == 256


def test_accuracy_is_that_of_the_model_on_the_test_split(
    exported, run, tiny_data_dir
):
    test = source.load_portraits(tiny_data_dir, DATASET, "test", progress=False)
    outputs = RunFolder(run).load_model()(test.images)
    metadata = read_metadata(exported)
    assert metadata["formats_checked_on"] == {
        "dataset": test.dataset,
        "split": "test",
        "fingerprint": test.fingerprint,
        "portraits": len(test),
    }
    labels = test.labels["hair_color"]
    rows = (labels >= 0) & (test.labels["gender"] == 1)
    correct = np.argmax(outputs["hair_color"], axis=1) == labels
    for name in ("saved_model", "litert", "onnx", "openvino"):
        (record,) = (
            record
            for record in metadata["formats"][name]["records"]
            if record["metric"] == "accuracy"
            and record["task"] == "hair_color"
            and record["group"] == "male"
        )
        assert record["value"] == pytest.approx(correct[rows].mean())
        assert record["count"] == rows.sum()


def test_no_path_leaves_the_machine(exported, run, tiny_data_dir):
    text = json.dumps(read_metadata(exported))
    paths = [str(run.parent), str(tiny_data_dir), str(exported.parent)]
    for file in (path for path in exported.rglob("*") if path.is_file()):
        data = file.read_bytes()
        for path in paths:
            assert path.encode() not in data
            assert path not in text


def test_what_the_readme_shows_to_clients(
    exported, tiny_data_dir, tmp_path, monkeypatch, capsys
):
    """Its snippets answer as the bundle does, and name the classes."""
    # There it is the second version, after one without other formats.
    models = tmp_path / "exported_models" / exported.parent.name
    models.mkdir(parents=True)
    (models / "2").symlink_to(exported)
    test = source.load_portraits(tiny_data_dir, DATASET, "test", progress=False)
    Image.fromarray(test.images[0]).save(tmp_path / "portrait.png")
    monkeypatch.chdir(tmp_path)
    readme = (ROOT / "exported_models" / "README.md").read_text()
    _, _, section = readme.partition("## Files for other runtimes")
    section, _, _ = section.partition("\n## ")
    snippets = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len(snippets) == 3
    answers = Predictor(exported).predict_files(["portrait.png"])[0].labels
    for snippet in snippets:
        assert len(snippet.splitlines()) <= 20
        exec(compile(snippet, "README.md", "exec"), {})
        printed = dict(map(str.split, capsys.readouterr().out.splitlines()))
        assert printed == answers


def test_what_is_printed(exported, capsys, monkeypatch):
    asked = {}

    def export_run(run_dir, output_dir, **arguments):
        asked.update(arguments)
        return exported

    monkeypatch.setattr(run_export, "export_run", export_run)
    command.run(Export, ["--run_dir", "run", "--formats", "litert,onnx"])
    assert list(asked["formats"]) == ["litert", "onnx"]
    text = capsys.readouterr().out
    assert f"portraits of {DATASET}/" in text
    assert "| litert_int8 |" in text
    assert "| hair_type  | female |" in text


def test_a_file_that_differs_is_refused(bundle, classifier, here, tmp_path):
    folder = shutil.copytree(bundle, tmp_path / "1")
    images = random_portraits(2, schema=EVERY_KIND)
    expected = classifier.predict_answers(images, verbose=0)
    expected["smile"] = expected["smile"] + 1e-3
    with pytest.raises(UserError, match="saved_model file differs .*'smile'"):
        add.add_formats(
            folder,
            None,
            (FORMATS["saved_model"],),
            tasks=classifier.tasks,
            images=images,
            expected=expected,
        )


def test_without_data_noise_and_no_accuracy(tmp_path, here, capsys):
    run = make_run(tmp_path / "run", tmp_path / "gone")
    bundle = run_export.export_run(
        run, tmp_path, formats=["litert"], latency_seconds=0.0
    )
    metadata = read_metadata(bundle)
    assert metadata["formats_checked_on"]["dataset"] == "noise"
    records = metadata["formats"]["litert"]["records"]
    assert {record["metric"] for record in records} == {
        "max_difference",
        "mean_difference",
        "same_decisions",
    }


def test_integers_are_never_calibrated_with_noise(tmp_path, capsys):
    run = make_run(tmp_path / "run", tmp_path / "gone")
    words = ["--run_dir", str(run), "--formats", "litert_int8"]
    words += ["--output_dir", str(tmp_path / "exported_models")]
    (build,) = find_commands(refusal(capsys, command.run, Export, words))
    assert str(tmp_path / "gone") in build
    # Before any work: not even the folder is made.
    assert not (tmp_path / "exported_models").exists()
