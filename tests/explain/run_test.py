"""The command, on drawn portraits and a run that wasn't trained."""

import json
import re

import pytest

from tests.explain.small_classifier import SCHEMA
from tests.explain.small_classifier import make_pictures
from tests.explain.small_classifier import make_small_classifier
from tests.explain.small_classifier import regions
from tests.made_runs import make_run
from tests.portrait_factory import make_portraits
from tests.printed_commands import refusal
from tp_keras.config import DataConfig
from tp_keras.data import source
from tp_keras.explain.measure import METHODS
from tp_keras.explain.run_explanations import run_explanations
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.record import read_records
from tp_keras.records.report import read_report
from training.command import run as run_command
from training.explain import Explain

DATASET = "tiny_portraits/synthetic_tiny"
REGIONS = {"face", "hair", "clothes", "background"}


@pytest.fixture(scope="module")
def run_dir(tiny_data_dir, tmp_path_factory):
    data = DataConfig(data_dir=str(tiny_data_dir), dataset=DATASET)
    return make_run(tmp_path_factory.mktemp("runs") / "made", data=data).path


@pytest.fixture(scope="module")
def explained(run_dir):
    words = ["--run_dir", str(run_dir), "--count", "16", "--seed", "1"]
    run_command(Explain, words)
    return run_dir / "explanations" / "test"


def test_records_tell_every_method_task_and_region(explained):
    records = read_records(explained / "records.jsonl")
    for task in ("gender", "hair_color", "hair_type"):
        for method in METHODS:
            shares = find(
                records,
                task=task,
                variant=method,
                metric="evidence_share",
                group="all",
            )
            assert {record.class_name for record in shares} == REGIONS
            assert sum(r.value for r in shares) == pytest.approx(1, abs=1e-5)
            assert all(r.low <= r.value <= r.high for r in shares)
            assert all(r.count == 16 for r in shares)
        areas = find(records, task=task, metric="area_share", group="all")
        total = sum(record.value for record in areas)
        assert total == pytest.approx(len(METHODS))
        hidden = find(records, task=task, metric="changed_answers")
        assert {record.class_name for record in hidden} == REGIONS
        for metric, count in (("deletion", 8), ("insertion", 8)):
            assert len(find(records, task=task, metric=metric)) == count
        for method in METHODS[2:]:
            where = {"task": task, "variant": method}
            gap = find_one(records, metric="completeness_gap", **where)
            assert gap.value < 0.1
    assert {record.dataset for record in records} == {f"{DATASET}/1.1.0"}


def test_the_page_has_panels_and_says_where_regions_come_from(explained):
    report = read_report(explained)
    assert not report.shows_people
    titles = [section.title for section in report.sections]
    assert titles == [
        *("Where the evidence lies", "gender", "hair_color", "hair_type"),
        *("Whether maps can be trusted", "How it is measured", "Limits"),
    ]
    summary = report.sections[0].summary
    assert "those that the portraits were drawn with" in summary.note
    assert len(report.sections[0].sentences) == 6
    page = (explained.parents[1] / "explanations.html").read_text()
    for task in ("gender", "hair_color", "hair_type"):
        assert (explained / f"panel_{task}.png").is_file()
        assert (explained / f"means_{task}.png").is_file()
    assert page.count("data:image/png") == 6
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    facts = json.loads((explained / "measured.json").read_text())
    assert facts["portraits"] == 16


@pytest.fixture
def small_run(tmp_path, monkeypatch):
    """A run of every kind of task, and its portraits."""
    portraits = make_portraits(40, schema=SCHEMA, missing=0.1)
    pictures = make_pictures(40)
    monkeypatch.setattr(
        source,
        "load_portraits",
        lambda *_, **__: portraits.with_images(pictures),
    )
    run = make_run(tmp_path / "run", SCHEMA)
    make_small_classifier().save(run.model_path)
    return run.path


def test_every_kind_of_task_rests_on_its_own_region(small_run):
    records, folder = run_explanations(
        small_run, count=20, find_regions=regions
    )
    for task in SCHEMA.task_names:
        for method in METHODS:
            own = find_one(
                records,
                task=task,
                variant=method,
                metric="evidence_share",
                group="all",
                class_name=f"band of {task}",
            )
            assert own.value > 0.7, (task, method)
    # The other answers are the same whatever the brightness of their band.
    hidden = {
        record.class_name: record.value
        for record in find(records, task="age", metric="changed_answers")
    }
    assert max(hidden, key=hidden.get) == "band of age"
    said = read_report(folder).sections[0].sentences
    assert said[0].startswith("age: band of age, 25% of the picture")


def test_without_regions_there_are_nine_places_and_the_seed_chooses(small_run):
    chosen = []
    for seed in (0, 3):
        records, folder = run_explanations(small_run, count=16, seed=seed)
        facts = json.loads((folder / "measured.json").read_text())
        chosen.append(facts["fingerprint"])
        assert "No regions are known" in facts["regions"]
    assert chosen[0] != chosen[1]
    areas = find(records, metric="area_share", task="age", variant=METHODS[0])
    assert len(areas) == 9


def test_what_can_not_be_explained_is_refused(run_dir, tmp_path, capsys):
    words = ["--run_dir", str(run_dir)]
    assert "Expected a count of 16" in refusal(
        capsys, run_command, Explain, [*words, "--count", "3"]
    )
    assert "There is no run" in refusal(
        capsys, run_command, Explain, ["--run_dir", str(tmp_path)]
    )
