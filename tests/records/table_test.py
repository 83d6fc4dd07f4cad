import pytest

from tp_keras.records.record import Record
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_count
from tp_keras.records.table import format_figure
from tp_keras.records.table import format_with_count
from tp_keras.records.table import markdown_table

RECORDS = [
    Record("recall", "mood", "all", 0.5, 1234, 0.4, 0.6, class_name="wild"),
    Record("accuracy", "mood", "all", 0.25, 8, 0.1, 0.4),
    Record("recall", "mood", "a", None, 0, class_name="wild"),
    Record("recall", "mood", "a", 0.75, 4, class_name="calm", null=0.5),
]
ROWS = {"class": "class_name", "figure": "metric"}


@pytest.mark.parametrize(
    "record, expected",
    [
        (RECORDS[0], "0.500 [0.400, 0.600] (n = 1,234)"),
        (RECORDS[3], "0.750 (n = 4)"),
        (RECORDS[2], "- (n = 0)"),
    ],
)
def test_cells(record, expected):
    assert format_with_count(record) == expected
    assert format_figure(record) == expected.split(" (n")[0]


def test_pivot_keeps_the_order_of_the_records():
    frame = figure_table(RECORDS, ROWS)
    assert [*frame.columns] == ["class", "figure", "all", "a"]
    assert frame.values.tolist() == [
        ["wild", "recall", "0.500 [0.400, 0.600]", "-"],
        ["", "accuracy", "0.250 [0.100, 0.400]", "-"],
        ["calm", "recall", "-", "0.750"],
    ]


def test_pivot_names_chooses_and_adds():
    frame = figure_table(
        [RECORDS[0], RECORDS[1], RECORDS[3]],
        {"what": lambda record: record.class_name.upper()},
        columns="metric",
        titles={"recall": "found"},
        form=format_count,
        more={
            "null": lambda record: "" if record.null is None else "yes",
            "n": format_count,
        },
    )
    assert frame.to_dict("list") == {
        "what": ["WILD", "CALM"],
        "found": ["1,234", "4"],
        "null": ["", "yes"],
        "n": ["1,234", "4"],
    }


def test_two_records_of_one_cell_are_refused():
    with pytest.raises(ValueError, match="duplicate"):
        figure_table(RECORDS, {"task": "task"})


def test_pivot_of_nothing_has_its_header():
    frame = figure_table([], ROWS, more={"n": format_count})
    assert [*frame.columns] == ["class", "figure", "n"]


def test_markdown_is_aligned():
    text = markdown_table(figure_table(RECORDS, ROWS))
    lines = text.splitlines()
    assert len({len(line) for line in lines}) == 1
    assert lines[0].startswith("| class | figure   | all  ")
    assert set(lines[1]) == set("|- ")
    assert lines[4] == lines[4].strip() and "| 0.750 |" in lines[4]
