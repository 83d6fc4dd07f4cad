import dataclasses
import json
import math

import pytest

from tp_keras.errors import UserError
from tp_keras.records import record as records_lib
from tp_keras.records.record import Record

RECORDS = [
    Record("accuracy", "gender", "all", 0.1 + 0.2, 10, 0.2, 0.4, 3, "test"),
    Record("recall", "hair_color", "male", None, 0, class_name="bald"),
    Record(
        "confusion",
        "hair_color",
        "female",
        0.5,
        4,
        dataset="a/b",
        class_name="black",
        predicted_class="brown",
    ),
    Record("bin_accuracy", "gender", "all", 1.0, 2, bin=14),
    # Too few rows may leave a figure open.
    Record("recall", "hair_type", "male", None, 3, class_name="wavy"),
]


def test_round_trip_is_exact(tmp_path):
    path = tmp_path / "new folder" / "records.jsonl"
    records_lib.write_records(path, RECORDS)
    assert records_lib.read_records(path) == RECORDS
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    # A line is a JSON object with null for the undefined.
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(lines) == len(RECORDS)
    assert lines[0]["metric"] == "accuracy"
    assert (lines[1]["value"], lines[1]["count"]) == (None, 0)


@pytest.mark.parametrize(
    "changes, message",
    [
        *(
            ({name: number}, f"`{name}` of a record must be a fin")
            for name in ("value", "low", "high", "null")
            for number in (math.nan, math.inf, "0.5", True)
        ),
        ({"count": 0}, "null where no row counts.*value=0.3"),
        *(
            ({"count": count}, "whole number of rows")
            for count in (-1, 2.0, None)
        ),
    ],
)
def test_refuses_what_is_no_figure(changes, message):
    with pytest.raises(UserError, match=message):
        dataclasses.replace(RECORDS[0], **changes)


def test_missing_file_names_the_command(tmp_path):
    with pytest.raises(UserError, match="python -m training.evaluate --run_d"):
        records_lib.read_records(tmp_path / "records.jsonl")


@pytest.mark.parametrize(
    "line",
    [
        '{"metric": "accuracy", "ta',
        "",
        "[1, 2]",
        '{"metric": "accuracy"}',
        '{"metric": "a", "task": "b", "group": "c", "value": 1, "count": 1, '
        '"colour": 1}',
        '{"metric": "a", "task": "b", "group": "c", "value": NaN, "count": 1}',
    ],
)
def test_corrupt_line_is_named(tmp_path, line):
    good = json.dumps(dataclasses.asdict(RECORDS[0]))
    path = tmp_path / "records.jsonl"
    path.write_text(f"{good}\n{good}\n{line}\n")
    message = "records.jsonl, line 3; .*python -m training.evaluate.*Received: "
    with pytest.raises(UserError, match=message):
        records_lib.read_records(path)


def test_find_filters_by_fields_in_order():
    found = records_lib.find(RECORDS, task="hair_color")
    assert found == RECORDS[1:3]
    assert records_lib.find(RECORDS, task="gender", bin=14) == RECORDS[3:4]
    assert records_lib.find(RECORDS, class_name=None) == [
        RECORDS[0],
        RECORDS[3],
    ]


def test_find_one_wants_exactly_one():
    assert records_lib.find_one(RECORDS, metric="accuracy") == RECORDS[0]
    for task in ("gender", "age"):
        with pytest.raises(UserError, match="Expected one record with"):
            records_lib.find_one(RECORDS, task=task)
