import dataclasses
import html
import json
import types

import numpy as np
import pytest

from tests import made_runs
from tests.fairness import representations_test
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import GENDER
from tests.portrait_factory import HAIR_COLOR
from tests.portrait_factory import HAIR_TYPE
from tests.portrait_factory import ORIGIN
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.config import DataConfig
from tp_keras.data import builders
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.fairness import page
from tp_keras.fairness import probes
from tp_keras.fairness import report
from tp_keras.fairness import summary
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records import record as records_lib
from tp_keras.records import report as report_writer
from tp_keras.records.record import find
from training import command
from training.fairness_report import FairnessReport

COUNT = 160
DATASET = "made/synthetic"
ARCHIVES = "made-archives-1.0.0-test-archives"
QUICK = FairnessSettings(
    min_count=10,
    num_bootstraps=20,
    num_permutations=20,
    probe_folds=2,
    probe_seeds=1,
    neighbors=(5, 20),
)


def plot_names(*tasks):
    kinds = ("recall", "leakage", "neighbors")
    return {f"{kind}_{task}.png" for kind in kinds for task in tasks}


PLOT_NAMES = plot_names("hair_color", "hair_type")


def make_run(path, tasks=(), schema=SCHEMA):
    validation = split_of(DATASET, "validation", schema).fingerprint
    data = DataConfig(data_dir=str(path / "data"), dataset=DATASET)
    prints = {"validation": validation}
    made_runs.make_run(path, schema, tasks, 5, data, fingerprints=prints)
    return path


def split_of(dataset, split, schema=SCHEMA):
    """The portraits of a split; the first quarter has a twin."""
    schema = dataclasses.replace(schema, shows_people="archives" in dataset)
    portraits = make_portraits(COUNT, seed=1, split=split, schema=schema)
    if split == "counterfactual":
        portraits = portraits.take(slice(0, COUNT // 4))
        images = portraits.images.copy()
        images[..., 0] = 200 - images[..., 0].clip(max=200)
        portraits = dataclasses.replace(portraits, images=images)
    return dataclasses.replace(
        portraits,
        dataset=f"{dataset}/1.0.0",
        # Of two data sets two.
        fingerprint=f"{dataset.rpartition('/')[2]}-{split}",
    )


def put_made_portraits(monkeypatch, schema=SCHEMA):
    """Puts made portraits in place of prepared ones; returns the calls."""
    calls = []

    def load_portraits(data_dir, dataset, split, storage="auto"):
        calls.append((data_dir, dataset, split))
        return split_of(dataset, split, schema)

    def find_builder(data_dir, dataset):
        splits = ["train", "test"]
        if dataset == DATASET:
            splits.append("counterfactual")
        info = types.SimpleNamespace(splits=splits)
        return types.SimpleNamespace(info=info)

    monkeypatch.setattr(source, "load_portraits", load_portraits)
    monkeypatch.setattr(builders, "find_builder", find_builder)
    representations_test.represent_eagerly(monkeypatch)
    # One instead of several to choose from: a third of the time.
    one = dict.fromkeys(probes.KINDS, (1.0,))
    monkeypatch.setattr(probes, "STRENGTHS", one)
    return calls


@pytest.fixture
def loaded(monkeypatch):
    return put_made_portraits(monkeypatch)


@pytest.fixture
def unprobed(monkeypatch):
    monkeypatch.setattr(report, "measure_leakage", lambda *_: iter(()))


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A report as the command writes it: run folder, records and output."""
    path = make_run(tmp_path_factory.mktemp("run") / "run")
    with pytest.MonkeyPatch.context() as monkeypatch:
        put_made_portraits(monkeypatch)
        lines = []
        monkeypatch.setattr("builtins.print", lambda *text: lines.extend(text))
        flags = ["--run_dir", str(path)]
        for field in dataclasses.fields(QUICK):
            value = getattr(QUICK, field.name)
            words = value if isinstance(value, tuple) else [value]
            flags += [f"--{field.name}", *map(str, words)]
        command.run(FairnessReport, flags)
    folder = path / "fairness" / "test"
    records = records_lib.read_records(folder / "records.jsonl")
    return path, records, "\n".join(lines)


def test_command_writes_folder_and_page(written):
    path, records, output = written
    folder = path / "fairness" / "test"
    names = {"measured.json", "records.jsonl", "report.json", "table.md"}
    assert {item.name for item in folder.iterdir()} == PLOT_NAMES | names
    assert [item.name for item in folder.parent.iterdir()] == ["test"]
    assert summary.summary_text(records, SCHEMA) in output
    assert str(folder) in output
    assert str(path / "fairness.html") in output
    assert {record.task for record in records} == {"hair_color", "hair_type"}
    stamps = {(record.seed, record.split, record.dataset) for record in records}
    assert stamps == {(5, "test", f"{DATASET}/1.0.0")}
    flips = find(records, metric="counterfactual_flips", group="all")
    assert [record.count for record in flips] == [COUNT // 4] * 2


def test_page_shows_every_figure_of_the_summary(written):
    path, records, _ = written
    text = html.unescape((path / "fairness.html").read_text(encoding="utf-8"))
    assert text.count("<img") == len(PLOT_NAMES)
    assert "gender in hair_color, hair_type" in text
    for task in (HAIR_COLOR, HAIR_TYPE):
        items = summary.summarize(records, task, GENDER)
        assert len(items) == 8
        for item in items:
            assert item.sentence in text
        cells = summary.task_table(records, task, GENDER).frame.values
        for cell in cells.ravel():
            assert cell in text
    text = (path / "fairness" / "test" / "table.md").read_text()
    for record in records:
        if record.value is not None:
            assert f"{record.value:.3f}" in text
        else:
            assert f"not supported (n = {record.count:,})" in text


@pytest.mark.parametrize(
    "arguments, name",
    [({"split": "train"}, "train"), ({"dataset": "made/archives"}, ARCHIVES)],
    ids=["split", "data set"],
)
def test_other_data_have_a_place_of_their_own_and_no_twins(
    written, loaded, unprobed, arguments, name
):
    path, _, _ = written
    records, folder = report.run_fairness_report(
        path, **arguments, settings=QUICK
    )
    assert "counterfactual" not in [split for *_, split in loaded]
    assert not find(records, metric="counterfactual_flips")
    assert folder == path / "fairness" / name
    measured = json.loads((folder / "measured.json").read_text())
    assert measured["split"] == arguments.get("split", "test")
    assert measured["settings"]["min_count"] == QUICK.min_count
    text = (path / f"fairness-{name}.html").read_text(encoding="utf-8")
    assert ("must not leave this machine" in text) == ("dataset" in arguments)


def test_unsupported_figures_are_marked(written):
    _, records, _ = written
    few = [
        dataclasses.replace(record, value=None, low=None, high=None, count=7)
        for record in records
    ]
    made = page.make_report(few, SCHEMA, {}, QUICK)
    text = report_writer.make_markdown(made, "")
    for task in (HAIR_COLOR, HAIR_TYPE):
        rows = summary.task_table(few, task, GENDER).frame
        assert list(rows["found"]) == ["not supported (n = 7)"] * 8
    assert "nan" not in text.lower().split()


def test_any_groups_and_kinds(tmp_path, monkeypatch):
    put_made_portraits(monkeypatch, EVERY_KIND)
    path = make_run(tmp_path / "run", schema=EVERY_KIND)
    records, folder = report.run_fairness_report(path, settings=QUICK)
    assert {record.task for record in records} == {"age", "smile"}
    assert {record.group for record in records} == {"all", *ORIGIN.classes}
    text = (folder / "table.md").read_text()
    assert "# Without regard? origin in age, smile" in text
    for words in (
        *("right within 5 years", "if origin played no role"),
        *("gap of mean errors", "0.333"),
        "with the cues of another origin, and smile stays",
    ):
        assert words in text, words
    names = {path.name for path in folder.glob("*.png")}
    assert names == plot_names("age", "smile")


# === What can't be measured ===


def test_run_without_guarded_tasks_is_told(loaded, tmp_path, capsys):
    path = make_run(tmp_path / "run", ("gender",))
    with pytest.raises(SystemExit) as caught:
        command.run(FairnessReport, ["--run_dir", str(path)])
    assert caught.value.code == command.EXIT_USER_ERROR
    message = capsys.readouterr().err
    assert "learned no guarded task" in message
    assert "--tasks gender hair_color hair_type" in message
    assert not loaded
    assert not (path / "fairness").exists()


def test_missing_groups_or_data_are_told(written, tmp_path):
    schema = dataclasses.replace(SCHEMA, protected=None, guarded=())
    path = make_run(tmp_path / "run", schema=schema)
    with pytest.raises(UserError, match="protected=None, guarded=none"):
        report.run_fairness_report(path)
    path, _, _ = written
    with pytest.raises(UserError, match="Received"):
        report.run_fairness_report(path)


@pytest.mark.parametrize(
    "lost, message",
    [
        (("gender",), "None of the 160 portraits has a label of gender"),
        (("hair_color", "hair_type"), "has a label of hair_color, hair_type"),
    ],
)
def test_missing_labels_are_told(written, loaded, monkeypatch, lost, message):
    path, _, _ = written

    def load_portraits(data_dir, dataset, split, storage):
        portraits = split_of(dataset, split)
        labels = portraits.labels | {
            name: np.full(COUNT, -1, np.int32) for name in lost
        }
        return dataclasses.replace(portraits, labels=labels)

    monkeypatch.setattr(source, "load_portraits", load_portraits)
    with pytest.raises(UserError, match=message):
        report.run_fairness_report(path, split="train[:10]")
    assert not (path / "fairness" / "train--10-").exists()
