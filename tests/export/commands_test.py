import contextlib
import io
import os
import pathlib

import pandas as pd
import pytest
from PIL import Image

from tests import made_runs
from tests.export.networks import random_portraits
from tests.portrait_factory import EVERY_KIND
from tests.printed_commands import parse_next
from tp_keras import config as config_lib
from tp_keras.export import read_metadata
from tp_keras.records import record as records_lib
from training import command
from training.export import Export
from training.predict import Predict


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run as training and evaluation leave it."""
    path = tmp_path_factory.mktemp("runs") / "tiny"
    data = config_lib.DataConfig(data_dir=str(path / "no_data"))
    facts = {"status": "finished", "fingerprints": {"train": "abc"}}
    made_runs.make_run(path, EVERY_KIND, data=data, **facts)
    records_lib.write_records(
        path / "evaluation" / "test" / "records.jsonl",
        [
            records_lib.Record("accuracy", "smile", "all", 0.75, 8),
            records_lib.Record("recall", "smile", "all", 0.5, 4),
        ],
    )
    return path


@pytest.fixture(scope="module")
def printed(run, tmp_path_factory):
    """What the command prints."""
    output_dir = tmp_path_factory.mktemp("exported models")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        Export(run_dir=str(run), output_dir=str(output_dir)).execute()
    return printed.getvalue()


def refused(kind, *words):
    """Runs a command that ends with an error."""
    with pytest.raises(SystemExit) as error:
        command.run(kind, [*map(str, words)])
    assert error.value.code == 2


@pytest.fixture
def exported(printed):
    (line,) = (x for x in printed.splitlines() if x.startswith("Bundle: "))
    return pathlib.Path(line.removeprefix("Bundle: "))


def test_a_run_is_exported_with_what_is_known_of_it(exported, printed):
    metadata = read_metadata(exported)
    assert metadata["run"] == "tiny"
    assert metadata["data_fingerprints"] == {"train": "abc"}
    assert [figure["metric"] for figure in metadata["figures"]] == ["accuracy"]
    assert metadata["figures"][0]["value"] == 0.75
    assert metadata["settings"]["training"]["epochs"] == 30
    assert "8 portraits differ from the model by at most" in printed
    models = exported.parents[1]
    assert (
        f"For a server, in {models}: balancer.conf, batching.config, "
        "compose.yaml, deployment.yaml, kserve.yaml, models.config, "
        "monitoring.config\n"
        f"Check: python -m tp_keras.serving.check '{models}'\n"
        f"Serve: docker compose -f '{models}/compose.yaml' up\n"
    ) in printed
    assert parse_next(printed) == Predict(str(exported.parent), ("FILE.png",))


def test_a_missing_run_or_bundle_leaves_nothing(tmp_path, capsys):
    output = "--output_dir", tmp_path / "exported_models"
    refused(Export, "--run_dir", tmp_path / "gone", *output)
    assert "training.train" in capsys.readouterr().err
    refused(Predict, "--bundle", tmp_path, "--images", "a.png")
    assert "training.export" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_predict_ends_with_an_error_but_predicts_the_others(
    exported, tmp_path, capsys
):
    # A name that is no text.
    good, bad = tmp_path / os.fsdecode(b"caf\xe9.png"), tmp_path / "bad.png"
    Image.fromarray(random_portraits(1, schema=EVERY_KIND)[0]).save(good)
    bad.write_text("no image")
    arguments = "--bundle", exported.parent, "--images", tmp_path
    refused(Predict, *arguments, "--portraits", "True")
    captured = capsys.readouterr()
    assert f"Bundle: {exported}" in captured.out
    header, row = captured.out.splitlines()[1:]
    assert header.split() == ["file", *EVERY_KIND.task_names]
    assert "caf" in row
    assert " years " in row
    # A bar, where it takes long, is no error.
    (line,) = (x for x in captured.err.splitlines() if x.startswith("error: "))
    assert line.startswith("error: The file is no picture, or not a whole one")
    assert str(bad) in line


@pytest.mark.parametrize("suffix", [".csv", ".JSONL"])
def test_predict_writes_a_file(exported, tmp_path, capsys, suffix):
    for i, pixels in enumerate(random_portraits(3, schema=EVERY_KIND)):
        Image.fromarray(pixels).save(tmp_path / f"{i}.png")
    (tmp_path / "bad.webp").write_text("no image")
    output = tmp_path / f"new/answers{suffix}"
    arguments = "--bundle", exported, "--images", tmp_path
    arguments += "--portraits", "True"
    refused(Predict, *arguments, "--output", output)
    captured = capsys.readouterr()
    assert f"Predictions: {output} (3 of 4 files)" in captured.out
    assert str(tmp_path / "bad.webp") in captured.err
    # Whole, though one file failed.
    if suffix == ".csv":
        files = pd.read_csv(output)["file"].tolist()
    else:
        files = pd.read_json(output, lines=True)["file"].tolist()
    names = "0.png", "1.png", "2.png", "bad.webp"
    assert files == [str(tmp_path / name) for name in names]
    assert [output] == list(output.parent.iterdir())


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--images", "*.xyz"], "There is no picture"),
        (["--images", "a.png", "--output", "a.xlsx"], "ends in .csv, .json"),
        (["--images"], "Expected one or more files"),
    ],
)
def test_predict_refuses_before_it_begins(
    exported, tmp_path, monkeypatch, capsys, arguments, message
):
    monkeypatch.chdir(tmp_path)
    refused(Predict, "--bundle", exported, *arguments)
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert list(tmp_path.iterdir()) == []
