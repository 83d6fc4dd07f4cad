import copy
import dataclasses
import functools
import re

import numpy as np
import pytest

from tests.generator.evaluation.made_generators import BandJudge
from tests.generator.evaluation.made_generators import MadeSampler
from tests.generator.evaluation.made_generators import make_splits
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.generator.config import GenerationSettings
from tp_keras.generator.evaluation import small_network
from tp_keras.generator.evaluation.candidates import CANDIDATES
from tp_keras.generator.evaluation.candidates import blurred
from tp_keras.generator.evaluation.measurement import GenerationMeasurement
from tp_keras.generator.evaluation.pictures import draw_pictures
from tp_keras.generator.evaluation.plots import all_candidates
from tp_keras.generator.evaluation.plots import draw_octaves
from tp_keras.generator.evaluation.plots import draw_scores
from tp_keras.generator.evaluation.report import make_report
from tp_keras.generator.evaluation.rivals import Rival
from tp_keras.generator.evaluation.summary import summary_figures
from tp_keras.records import table
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.report import write_report

QUICK = GenerationSettings(
    samples_per_cell=4, min_count=3, temperature=0.7, seed=5
)
PICTURES = ("samples", "reconstructions", "edits", "nearest_training")


class FirstClass:
    """Takes the place of a network that would be trained."""

    def __init__(self, num_classes, settings):
        self.names = list(num_classes)

    def fit(self, images, labels):
        return self

    def predict(self, images):
        return {name: np.zeros(len(images), int) for name in self.names}


class OtherJudge(BandJudge):
    """Sees the same half as large, which is all the same when whitened."""

    def __init__(self, name, schema):
        super().__init__(schema)
        self.name = name

    def features(self, images):
        return super().features(images)[:, ::-1] / 2


def measure(schema, judges=(), rivals=None):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_network, "SmallNetwork", FirstClass)
        training, validation, test, unseen = make_splits(100, schema=schema)
        measurement = GenerationMeasurement(
            MadeSampler(schema),
            BandJudge(schema),
            training,
            validation,
            test,
            unseen,
            QUICK,
            independent=judges,
            rivals=rivals,
        )
        fields = list(measurement.measure(progress=False))
    return measurement, [Record(seed=5, split="test", **one) for one in fields]


@pytest.fixture(scope="module", params=[SCHEMA, EVERY_KIND], ids=["a", "b"])
def measured(request):
    return measure(request.param)


def test_every_figure_is_there(measured):
    measurement, records = measured
    assert {record.metric for record in records} == {
        "normalized_kernel_distance",
        "judge_accuracy",
        "fidelity",
        "cell_accuracy",
        "cell_fidelity",
        "worst_cell_fidelity",
        "classification_score",
        "two_sample_accuracy",
        "edit_success",
        "edit_kept",
        "unedited_kept",
        "nearer_than_1_percent",
        "nearer_to_training",
        "octave_power",
        "blurred_two_sample_accuracy",
        "coverage",
        "density",
        "cell_diversity",
        "lowest_cell_diversity",
        "mean_cell_diversity",
    }
    for name in CANDIDATES:
        assert find(records, variant=f"{name} judge")
    # No condition is left out, and nothing else is asked for.
    conditions = set(measurement.schema.conditions)
    assert {record.task for record in records} == {*conditions, "all"}

    # A perfect generator is found perfect.
    for record in find(records, metric="fidelity", variant="generated"):
        assert record.value == 1
    assert find(records, metric="worst_cell_fidelity")[0].value == 1
    for record in find(records, metric="edit_success"):
        assert record.value == 1


def test_cells_have_enough_test_portraits_and_numbers_of_their_own(measured):
    measurement, records = measured
    sizes = {
        cell: len(cell.rows(measurement.test.labels))
        for cell in measurement.cells
    }
    assert min(sizes.values()) >= QUICK.min_count
    cells = find(records, metric="cell_accuracy", variant="real")
    counts = [record.count for record in cells[:: len(measurement.tasks)]]
    assert counts == list(sizes.values())
    # With fewer cells a cell has the same portraits.
    cell = max(sizes, key=sizes.get)
    fewer = dataclasses.replace(QUICK, min_count=sizes[cell])
    other = copy.copy(measurement)
    other.settings, other.cells = fewer, {}
    list(other._measure_cells())
    assert len(other.cells) < len(measurement.cells)
    np.testing.assert_array_equal(other.cells[cell], measurement.cells[cell])


def test_both_are_blurred_before_they_are_told_apart(measured, monkeypatch):
    measurement, _ = measured
    calls = []
    monkeypatch.setattr(
        small_network, "measure_two_sample", lambda *call: calls.append(call)
    )
    list(measurement._measure_two_samples())
    real, made, name, _, metric = calls[-1]
    assert (name, metric) == ("generated", "blurred_two_sample_accuracy")
    expected = blurred(measurement.test.images, 1.0)
    np.testing.assert_array_equal(real, expected)
    expected = blurred(measurement.images["generated"], 1.0)
    np.testing.assert_array_equal(made, expected)


def test_the_page_shows_all_of_it(measured, tmp_path):
    measurement, records = measured
    plots = {plot.file_name: plot for plot in draw_pictures(measurement)}
    assert list(plots) == [f"{name}.png" for name in PICTURES]
    for name in ("samples.png", "nearest_training.png"):
        title = plots[name].figure.get_suptitle()
        assert "temperature 0.7, seed 5" in title.replace("\n", " ")
    folder = tmp_path / "generation"
    write_report(
        folder,
        tmp_path / "generation.html",
        records,
        functools.partial(
            make_report,
            schema=measurement.schema,
            settings=QUICK,
            pictures=list(plots.values()),
        ),
        {},
    )
    text = (tmp_path / "generation.html").read_text(encoding="utf-8")
    names = {*PICTURES, "scores", "fidelity", "octaves"}
    assert {path.stem for path in folder.glob("*.png")} == names
    sources = re.findall(r' (?:src|href|srcset)="(.{0,22})', text)
    assert sources == ["data:image/png;base64,"] * len(names)
    assert "temperature 0.7, seed 5" in text
    shows_people = "must not leave this machine" in text
    assert shows_people == measurement.schema.shows_people
    text = (folder / "table.md").read_text()
    for title in ("Attributes", "Edits"):
        assert f"### {title}\n" in text
    for task in measurement.tasks:
        assert f"edit of {task.name}, success" in text
    assert "| worst fidelity " in text
    # No independent judge was there, and the first line says so.
    lines = text.splitlines()
    (heading,) = (i for i, x in enumerate(lines) if x.startswith("| figure "))
    first = lines[heading + 2]
    assert "kernel score, independent judges" in first
    assert "| - " in first and "no independent judge" in first


def test_independent_judges_and_rivals():
    """Both are measured, and what judges say together is the headline."""
    schema = SCHEMA
    own = make_portraits(100, seed=9, schema=schema)
    rivals = {
        "theirs": Rival(own.images, own.labels),
        "plain": Rival(np.full_like(own.images, 90), None),
    }
    judges = [OtherJudge(f"independent_{n}", schema) for n in ("a", "b")]
    _, records = measure(schema, judges, rivals)
    figures = summary_figures(records, schema)
    first = figures[0]
    assert first.title == "kernel score, independent judges"
    (score,) = find(records, variant="generated independent_a")[:1]
    assert first.record.value == pytest.approx(score.value)
    assert first.record.variant == "generated independent"
    assert f"a {table.format_figure(score)}; b " in first.compare
    # Recall is in their eyes alone, fidelity in those of the judge.
    found = find(records, metric="coverage")
    spaces = {record.variant.rpartition(" ")[2] for record in found}
    assert spaces == {"independent_a", "independent_b", "independent"}
    title = "coverage of test, independent judges"
    (coverage,) = (one for one in figures if one.title == title)
    assert coverage.record.variant == "generated independent"
    assert coverage.compare.startswith("real 0.")
    assert coverage.record.value > 0.8
    (lowest,) = find(records, metric="lowest_cell_diversity")
    assert lowest.variant == "generated independent"

    for metric in ("two_sample_accuracy", "blurred_two_sample_accuracy"):
        for name in rivals:
            assert find(records, metric=metric, variant=name)
    for name, told in (("theirs", 3), ("plain", 0)):
        assert len(find(records, metric="fidelity", variant=name)) == told
        assert find(records, variant=f"{name} independent")
    for record in find(records, metric="octave_power", variant="plain"):
        assert record.value == pytest.approx(0, abs=1e-6)
    assert list(all_candidates(records)) == [*CANDIDATES, *rivals]
    scores = draw_scores(records, QUICK)
    titles = [panel.get_title(loc="left") for panel in scores.axes]
    assert titles == [
        "kernel score, judge",
        "kernel score, independent",
        "told from real",
    ]
    # One that is far doesn't press all others into one place.
    far = [
        dataclasses.replace(record, value=7.96, low=7.0, high=9.0)
        if record.variant == "blur 2 judge"
        else record
        for record in records
    ]
    panel, *_ = draw_scores(far, QUICK).axes
    said = [text.get_text() for text in panel.texts]
    assert "8.0 \N{RIGHTWARDS ARROW}" in said
    assert panel.get_xlim()[1] < 2
    (panel,) = draw_octaves(records, QUICK).axes
    names = [line.get_label() for line in panel.lines]
    assert {"generated", "real", "theirs"} <= set(names)
