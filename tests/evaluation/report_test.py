import dataclasses

import numpy as np
import PIL.Image
import pytest

from tests import portrait_factory as made
from tests.evaluation.predictions import random_predictions
from tp_keras.evaluation import plots
from tp_keras.evaluation import report
from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.evaluation.report import evaluation_report
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.report import write_report
from tp_keras.records.table import format_figure


@pytest.fixture(scope="module")
def records():
    answers, labels = random_predictions(150, schema=made.EVERY_KIND)
    return evaluate_predictions(
        answers,
        labels,
        made.EVERY_KIND,
        seed=4,
        split="test",
        num_bootstraps=10,
    )


def write(folder, records, schema=made.EVERY_KIND):
    """Writes the report, and returns the names of its plots."""
    write_report(
        folder,
        folder.with_suffix(".html"),
        records,
        lambda written: evaluation_report(written, schema),
        {},
    )
    return {path.name for path in folder.glob("*.png")}


def test_each_kind_has_its_plots(records, tmp_path):
    shown = [r for r in records if r.task in ("age", "mood", "signs")]
    names = write(tmp_path / "a", shown)
    assert names == {
        *("mae_age.png", "confusion_age.png", "auc_signs.png"),
        *("recall_mood.png", "confusion_mood.png", "reliability_mood.png"),
    }
    for name in names:
        with PIL.Image.open(tmp_path / "a" / name) as image:
            pixels = np.asarray(image.convert("L"))
        assert 0.003 < (pixels < 200).mean() < 0.9


def test_nothing_labelled_and_no_groups_are_drawn_as_well(tmp_path):
    schema = dataclasses.replace(made.EVERY_KIND, protected=None)
    answers, labels = random_predictions(4, schema=schema)
    for own in labels.values():
        own[...] = np.nan if own.dtype == np.float32 else -1
    only = {name: answers[name] for name in ("age", "signs", "smile")}
    records = evaluate_predictions(
        only, labels, schema, seed=0, split="test", num_bootstraps=2
    )
    assert len(write(tmp_path / "a", records, schema)) == 6
    assert "mood" not in (tmp_path / "a" / "table.md").read_text()


def test_headline_names_task_figure_unit_interval_and_count(records):
    frame = report.headline_table(records)
    names = ["task", "figure", "all", "north", "south", "west"]
    assert [*frame.columns] == names
    figures = frame.set_index(["task", "figure"])["south"]
    south = {"group": "south", "class_name": None}
    for task, title, metric in (
        ("age", "mean absolute error (years)", "mae"),
        ("age", "within the tolerance (5 years)", "within_tolerance"),
        ("mood", "mean class error", "mean_class_error"),
        ("signs", "area under the ROC curve", "auc"),
        ("smile", "macro-F1", "macro_f1"),
    ):
        record = find_one(records, task=task, metric=metric, **south)
        assert figures[task, title] == format_figure(record)
        assert figures[task, "n"] == str(record.count)
    assert "mean class error" not in figures["smile"]


def test_tables_of_a_task_hold_classes_and_counts(records):
    classes, confusion = report.task_tables(records, made.SMILE)
    assert classes.frame.iloc[1, :2].tolist() == ["no", "recall"]
    assert confusion.frame.shape == (4 * 2, 4)
    answers, labels = random_predictions(150, schema=made.EVERY_KIND)
    found = answers["smile"].argmax(-1)
    for cells in confusion.frame.values:
        rows = labels["smile"] == made.SMILE.classes.index(cells[1])
        if cells[0] != "all":
            rows &= labels["origin"] == made.ORIGIN.classes.index(cells[0])
        counts = np.bincount(found[rows], minlength=2)
        assert cells[2:].tolist() == [str(count) for count in counts]


def test_confusion_counts_survive_the_way_through_shares():
    answers, labels = random_predictions(3001)
    only = {"hair_color": answers["hair_color"]}
    records = evaluate_predictions(
        only, labels, made.SCHEMA, seed=0, split="test", num_bootstraps=1
    )
    expected = np.zeros((5, 5), int)
    known = labels["hair_color"] >= 0
    found = answers["hair_color"].argmax(-1)
    np.add.at(expected, (labels["hair_color"][known], found[known]), 1)
    cells = find(records, metric="confusion", group="all")
    counts = [plots.cell_count(cell) for cell in cells]
    assert counts == expected.ravel().tolist()
    # And each is shown, or a dash where no row has the label.
    figure = plots.confusion_plot(records, made.HAIR_COLOR, ["all"])
    shown = [text.get_text().split("\n")[0] for text in figure.axes[0].texts]
    assert shown == [str(count) for count in counts]
    assert f"n = {known.sum():,}" in figure.axes[0].get_title()


def test_confusion_dashes_what_no_row_has(records):
    figure = plots.confusion_plot(records, made.ORIGIN, ["all", "south"])
    shown = [text.get_text() for text in figure.axes[1].texts]
    assert shown[:3] == shown[6:] == ["-"] * 3
    assert "-" not in shown[3:6]


def test_reliability_shows_bins_and_names_the_error(records):
    groups = ["all", "north"]
    figure = plots.reliability_plot(records, made.MOOD, groups)
    for panel, group in zip(figure.axes, groups, strict=True):
        own = find(records, task="mood", group=group)
        bins = [r for r in find(own, metric="bin_accuracy") if r.count]
        marks = panel.collections[-1]
        accuracies = marks.get_offsets()[:, 1].tolist()
        assert accuracies == [record.value for record in bins]
        hollow = marks.get_facecolors()[:, 0] == 1
        assert hollow.tolist() == [record.count < 10 for record in bins]
        heights = np.array([bar.get_height() for bar in panel.patches])
        counts = np.array([record.count for record in bins])
        np.testing.assert_allclose(
            heights[heights > 0], 0.2 * counts / counts.max()
        )
        error = find_one(own, metric="expected_calibration_error")
        assert f"error {error.value:.3f}" in panel.get_title()
        assert panel.get_title().startswith(f"{group} (n = {error.count})")


def test_group_plot_shows_each_figure_and_names_the_groups(records):
    figure = plots.group_plot(
        records, made.SMILE, "recall", made.EVERY_KIND.groups
    )
    recalls = find(records, metric="recall", task="smile")
    expected = [r.value for r in recalls if r.group != "all"]
    (panel,) = figure.axes
    shown = [line.get_xdata()[0] for line in panel.lines]
    assert sorted(shown) == sorted(expected)
    (legend,) = figure.legends
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == [*made.EVERY_KIND.groups]
    alone = plots.group_plot(records, made.SMILE, "recall", ["all"])
    assert not alone.legends
