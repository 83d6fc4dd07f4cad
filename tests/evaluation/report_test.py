import pathlib

import numpy as np
import PIL.Image
import pytest

from tests.evaluation.predictions import one_hot
from tests.evaluation.predictions import random_predictions
from tp_keras.errors import UserError
from tp_keras.evaluation import plots
from tp_keras.evaluation import report
from tp_keras.evaluation import table
from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.records import record as records_lib

PLOT_NAMES = {
    "confusion_gender.png",
    "confusion_hair_color.png",
    "confusion_hair_type.png",
    "reliability.png",
    "recall_by_gender.png",
}


def evaluate(seed):
    probabilities, labels = random_predictions(200, seed)
    return evaluate_predictions(
        probabilities, labels, seed=seed, split="test", num_bootstraps=20
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "evaluation" / "test"
    return folder, report.write_evaluation(folder, evaluate(seed=0))


def pixels(path):
    with PIL.Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_folder_holds_records_table_and_plots(written):
    folder, paths = written
    names = {path.name for path in paths}
    assert names == PLOT_NAMES | {"records.jsonl", "table.md"}
    assert {path.name for path in folder.iterdir()} == names
    assert [path.name for path in folder.parent.iterdir()] == ["test"]
    assert records_lib.read_records(folder / "records.jsonl") == evaluate(0)


def test_plots_are_pictures_with_something_in_them(written):
    folder, _ = written
    for name in PLOT_NAMES:
        image = pixels(folder / name)
        assert image.shape[0] >= 300
        assert image.shape[1] >= 600
        share_of_ink = (image.min(-1) < 200).mean()
        assert 0.01 < share_of_ink < 0.9


def test_everything_is_made_from_the_records_on_disk(written, tmp_path):
    folder, _ = written
    records = records_lib.read_records(folder / "records.jsonl")
    plots.write_plots(tmp_path, records)
    for name in PLOT_NAMES:
        again = pixels(tmp_path / name)
        np.testing.assert_array_equal(again, pixels(folder / name))
    assert (folder / "table.md").read_text() == table.full_report(records)


def test_plots_differ_with_the_records(written, tmp_path):
    folder, _ = written
    plots.write_plots(tmp_path, evaluate(seed=1))
    for name in PLOT_NAMES:
        assert not np.array_equal(
            pixels(tmp_path / name), pixels(folder / name)
        )


def test_a_second_evaluation_replaces_the_first(tmp_path):
    folder = tmp_path / "test"
    report.write_evaluation(folder, evaluate(seed=0))
    (folder / "left over").touch()
    report.write_evaluation(folder, evaluate(seed=1))
    assert records_lib.read_records(folder / "records.jsonl") == evaluate(1)
    assert not (folder / "left over").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["test"]


def test_failed_writing_leaves_the_first_evaluation(tmp_path, monkeypatch):
    folder = tmp_path / "test"
    report.write_evaluation(folder, evaluate(seed=0))

    def fail(folder, records):
        (pathlib.Path(folder) / "half.png").touch()
        raise OSError("no space left")

    monkeypatch.setattr(plots, "write_plots", fail)
    with pytest.raises(OSError, match="no space left"):
        report.write_evaluation(folder, evaluate(seed=1))
    assert records_lib.read_records(folder / "records.jsonl") == evaluate(0)
    assert (folder / "reliability.png").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["test"]


def test_one_task_without_labelled_rows_is_drawn_as_well(tmp_path):
    records = evaluate_predictions(
        {"hair_type": one_hot([0, 1], 3)},
        {"gender": np.array([0, 1]), "hair_type": np.array([-1, -1])},
        seed=0,
        split="test",
        num_bootstraps=5,
    )
    paths = report.write_evaluation(tmp_path / "test", records)
    assert {path.name for path in paths} == {
        "confusion_hair_type.png",
        "reliability.png",
        "recall_by_gender.png",
        "records.jsonl",
        "table.md",
    }


def test_refuses_no_records(tmp_path):
    with pytest.raises(UserError, match="no figures to write"):
        report.write_evaluation(tmp_path / "test", [])
    assert not list(tmp_path.iterdir())
