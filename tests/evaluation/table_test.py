import numpy as np
import pytest

from tests.evaluation.predictions import one_hot
from tests.evaluation.predictions import random_predictions
from tp_keras import tasks
from tp_keras.evaluation import table
from tp_keras.evaluation.evaluator import evaluate_predictions
from tp_keras.records.record import Record
from tp_keras.records.table import format_figure


@pytest.fixture(scope="module")
def records():
    # Four women, one taken for a man; two men, of one no hair type is known.
    return evaluate_predictions(
        {
            "gender": one_hot([0, 0, 0, 1, 1, 1], 2),
            "hair_type": one_hot([0, 1, 1, 1, 2, 2], 3),
        },
        {
            "gender": np.array([0, 0, 0, 0, 1, 1]),
            "hair_type": np.array([0, 0, 1, 1, 2, -1]),
        },
        seed=4,
        split="test",
        dataset="tiny_portraits/synthetic",
        num_bootstraps=20,
    )


def cells(text, start):
    """Returns the cells of the first line that starts with `start`."""
    lines = [line for line in text.splitlines() if line.startswith(start)]
    return [cell.strip() for cell in lines[0].strip("|").split("|")]


def test_headline_names_task_metric_group_interval_and_count(records):
    text = table.headline_table(records)
    assert cells(text, "| task") == [
        "task",
        "figure",
        "all",
        "female",
        "male",
    ]
    assert cells(text, "| gender") == ["gender", "n", "6", "4", "2"]
    assert cells(text, "| hair_type") == ["hair_type", "n", "5", "4", "1"]
    # 5 of 6, 3 of 4 and 2 of 2 with Wilson's intervals.
    assert cells(text, "|           | accuracy") == [
        "",
        "accuracy",
        "0.833 [0.436, 0.970]",
        "0.750 [0.301, 0.954]",
        "1.000 [0.342, 1.000]",
    ]
    for title in table.HEADLINE_METRICS.values():
        assert text.count(f"| {title} ") == 2


def test_class_table_dashes_what_is_not_defined(records):
    lines = table.class_table(records).splitlines()
    # Header, rule, and three groups for each of 2 + 3 classes.
    assert len(lines) == 2 + 3 * 5
    men_with_wavy_hair = [cell.strip() for cell in lines[-4].split("|")[1:-1]]
    assert men_with_wavy_hair == ["", "", "male", "0", "-", "-", "-"]


def test_confusion_tables_hold_counts(records):
    text = table.confusion_tables(records)
    # Men with straight hair: there are none, so no share to count from.
    men = text.split("| hair_type, male")[1].splitlines()
    assert cells(men[2], "| straight") == ["straight", "0", "0", "0", "0"]
    women = text.split("| hair_type, female")[1].splitlines()
    assert cells(women[2], "| straight") == ["straight", "1", "1", "0", "2"]
    assert cells(women[3], "| wavy") == ["wavy", "0", "2", "0", "2"]


def test_confusion_counts_survive_the_way_through_shares():
    probabilities, labels = random_predictions(3001)
    records = evaluate_predictions(
        probabilities, labels, seed=0, split="test", num_bootstraps=1
    )
    expected = np.zeros((5, 5), int)
    predictions = probabilities["hair_color"].argmax(-1)
    for label, prediction in zip(
        labels["hair_color"], predictions, strict=True
    ):
        if label >= 0:
            expected[label, prediction] += 1
    counts = table.confusion_counts(records, tasks.HAIR_COLOR, "all")
    assert counts == expected.tolist()


def test_only_evaluated_tasks_appear(records):
    text = table.full_report(records)
    assert "hair_type" in text
    assert "hair_color" not in text


def test_report_says_what_was_evaluated(records):
    text = table.full_report(records)
    assert "`tiny_portraits/synthetic`, split `test`" in text
    assert "Seed of the run: 4" in text


def test_columns_are_aligned(records):
    for text in (table.headline_table(records), table.class_table(records)):
        assert len({len(line) for line in text.splitlines()}) == 1


@pytest.mark.parametrize(
    "record, expected",
    [
        (Record("a", "gender", "all", 0.12345, 3, 0.1, 0.2), "0.123 [0.100, "),
        (Record("a", "gender", "all", 0.12345, 3), "0.123"),
        (Record("a", "gender", "all", None, 0), "-"),
    ],
)
def test_format_figure(record, expected):
    assert format_figure(record).startswith(expected)
