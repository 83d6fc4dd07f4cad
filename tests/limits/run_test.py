"""The command, on drawn portraits and a run that wasn't trained."""

import re

import pytest

from tests.made_runs import make_run
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tests.printed_commands import refusal
from tp_keras.config import DataConfig
from tp_keras.data import source
from tp_keras.limits.run_limits import run_limits
from tp_keras.limits.safe_ranges import read_safe_ranges
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.record import read_records
from tp_keras.records.report import read_report
from training.command import run as run_command
from training.limits import Limits

DATASET = "tiny_portraits/synthetic_tiny"
TASKS = ("gender", "hair_color", "hair_type")


@pytest.fixture(scope="module")
def run_dir(tiny_data_dir, tmp_path_factory):
    data = DataConfig(data_dir=str(tiny_data_dir), dataset=DATASET)
    return make_run(tmp_path_factory.mktemp("runs") / "made", data=data).path


@pytest.fixture(scope="module")
def measured(run_dir):
    words = ["--run_dir", str(run_dir), "--count", "24", "--finder_count", "4"]
    axes = ("brightness", "saturation", "filter", "hidden_place")
    run_command(Limits, [*words, "--axes", *axes])
    return run_dir / "limits" / "test"


def test_records_tell_every_value_of_every_axis(measured):
    records = read_records(measured / "records.jsonl")
    counts = {"brightness": 12, "saturation": 9, "filter": 12}
    counts["hidden_place"] = 20
    for axis, count in counts.items():
        for task in TASKS:
            where = {"task": task, "variant": axis}
            for metric in ("accuracy", "balanced_accuracy", "loss"):
                found = find(records, metric=metric, **where)
                assert len(found) == count
                assert all(r.low <= r.value <= r.high for r in found)
        assert len(find(records, task="finder", variant=axis)) == 3 * count
    same = {"variant": "brightness", "class_name": "1", "metric": "loss"}
    for task in (*TASKS, "finder"):
        record = find_one(records, task=task, **same)
        assert (record.value, record.low, record.high) == (0, 0, 0)
    labelled = find_one(records, task="gender", **same)
    assert labelled.count == 24


def test_safe_ranges_lie_beside_them_for_whoever_warns(measured, run_dir):
    ranges = read_safe_ranges(run_dir)
    assert {(one.axis, one.task) for one in ranges} == {
        (axis, task)
        for axis in ("brightness", "saturation", "filter", "hidden_place")
        for task in (*TASKS, "finder")
    }
    records = read_records(measured / "records.jsonl")
    for one in ranges:
        for name in one.unsafe:
            where = {"task": one.task, "variant": one.axis, "class_name": name}
            assert find_one(records, metric="loss", **where).value >= 0.02
        assert one.holds(1.0) or one.safe or one.unsafe


def test_the_page_shows_curves_filters_and_places(measured):
    report = read_report(measured)
    titles = [section.title for section in report.sections]
    assert titles[0] == "What it bears" and "Colour filters" in titles
    names = {plot.file_name for plot in report.sections[0].plots}
    assert names == {"curves_share.png", "filter.png", "places.png"}
    page = (measured.parents[1] / "limits.html").read_text()
    assert page.count("data:image/png") == 3
    assert not re.search(r"""(src|href)=["'](?!data:|#)""", page)
    summary = report.sections[0].summary.frame
    assert list(summary) == ["axis", *TASKS, "finder"]


def test_numbers_and_flags_have_curves_of_their_own(tmp_path, monkeypatch):
    portraits = make_portraits(40, schema=EVERY_KIND)
    monkeypatch.setattr(source, "load_portraits", lambda *_, **__: portraits)
    run = make_run(tmp_path / "run", EVERY_KIND)
    records, ranges, folder = run_limits(
        run.path, axes=("blur", "filter", "hidden_place")
    )
    blurred = find(records, task="age", metric="mae", variant="blur")
    assert len(blurred) == 9 and blurred[0].count < 40
    assert {one.task for one in ranges} == set(EVERY_KIND.task_names)
    plots = read_report(folder).sections[0].plots
    names = {plot.file_name for plot in plots}
    assert {"curves_share.png", "curves_age.png"} <= names


def test_what_can_not_be_measured_is_refused(run_dir, tmp_path, capsys):
    words = ["--run_dir", str(run_dir)]
    assert "Expected axes out of resolution" in refusal(
        capsys, run_command, Limits, [*words, "--axes", "smell"]
    )
    assert "Expected a count of 2" in refusal(
        capsys, run_command, Limits, [*words, "--count", "1"]
    )
    assert "There is no run" in refusal(
        capsys, run_command, Limits, ["--run_dir", str(tmp_path)]
    )
