import numpy as np
import pytest

from tests.evaluation.predictions import random_predictions
from tp_keras import tasks
from tp_keras.evaluation import plots
from tp_keras.evaluation import table
from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.records.record import find
from tp_keras.records.record import find_one


@pytest.fixture(scope="module")
def records():
    probabilities, labels = random_predictions(300)
    return evaluate_predictions(
        probabilities, labels, seed=0, split="test", num_bootstraps=10
    )


def test_confusion_plot_shows_every_count_and_dashes_what_no_row_has(records):
    figure = plots.confusion_plot(records, tasks.HAIR_COLOR)
    titles = [panel.get_title().split(" (")[0] for panel in figure.axes]
    assert titles == ["all", "female", "male"]
    for panel, group in zip(figure.axes, titles, strict=True):
        counts = table.confusion_counts(records, tasks.HAIR_COLOR, group)
        shown = [text.get_text().split("\n")[0] for text in panel.texts]
        assert shown == [
            str(count) if sum(row) else "-" for row in counts for count in row
        ]
        assert f"n = {np.sum(counts)}" in panel.get_title()


def test_recall_plot_shows_value_interval_and_count(records):
    figure = plots.recall_plot(records)
    panel = figure.axes[tasks.TASKS.index(tasks.HAIR_TYPE)]
    men = [line for line in panel.lines if line.get_label() == "male"]
    shown = [line.get_xdata()[0] for line in men]
    recalls = find(records, metric="recall", task="hair_type", group="male")
    assert shown == [record.value for record in recalls]

    # One line for each interval; women are never bald here.
    ends = [
        tuple(collection.get_segments()[0][:, 0])
        for collection in panel.collections
    ]
    expected = [
        (record.low, record.high)
        for group in ("female", "male")
        for record in find(
            records, metric="recall", task="hair_type", group=group
        )
        if record.count
    ]
    assert len(expected) == 5
    np.testing.assert_allclose(ends, expected)
    assert [text.get_text().split(" of ")[1] for text in panel.texts] == [
        str(record.count)
        for group in ("female", "male")
        for record in find(
            records, metric="recall", task="hair_type", group=group
        )
        if record.count
    ]


def test_reliability_plot_joins_bins_of_many_and_names_the_error(records):
    figure = plots.reliability_plot(records)
    panel = figure.axes[0]
    joined = [line for line in panel.lines if line.get_label() == "female"]
    bins = find(records, metric="bin_accuracy", task="gender", group="female")
    many = [record.value for record in bins if record.count >= 10]
    few = [record.value for record in bins if 0 < record.count < 10]
    assert many
    assert few
    assert list(joined[0].get_ydata()) == many
    hollow = [
        list(line.get_ydata())
        for line in panel.lines
        if line.get_fillstyle() == "none"
    ]
    assert few in hollow
    error = find_one(
        records,
        metric="expected_calibration_error",
        task="gender",
        group="female",
    )
    assert f"female {error.value:.3f}" in panel.get_title()


def test_reliability_plot_shows_the_number_in_each_bin(records):
    figure = plots.reliability_plot(records)
    panel = figure.axes[len(tasks.TASKS)]
    bins = find(records, metric="bin_accuracy", task="gender", group="all")
    counts = [record.count for record in bins]
    assert [bar.get_height() for bar in panel.patches] == counts
    assert [text.get_text().strip() for text in panel.texts] == [
        str(count) for count in counts if count
    ]


def test_legends_name_the_groups(records):
    for figure, groups in (
        (plots.reliability_plot(records), ["all", "female", "male"]),
        (plots.recall_plot(records), ["female", "male"]),
    ):
        (legend,) = figure.legends
        assert [text.get_text() for text in legend.get_texts()] == groups
