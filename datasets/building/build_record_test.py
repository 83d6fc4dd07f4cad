import math
import pathlib

import pytest

from . import build_record
from . import checksums
from .build_record import BuildRecord
from .build_record import LabelCounts
from .summary import format_summary


@pytest.fixture
def record():
    classes = {"color": ("black", "blond"), "age": (), "size": (), "worn": ()}
    counts = LabelCounts(classes, {"worn": ("hat", "scarf", "ring")})
    for color, age, worn in (
        ("black", 1.0, (0, 1, -1)),
        ("black", math.nan, (0, 1, 1)),
        (-1, 4.0, (-1, 0, -1)),
    ):
        labels = {"color": color, "age": age, "worn": worn}
        counts.add(labels | {"size": math.nan})
    return BuildRecord(
        "/packs/a",
        {"a.zip": "1 2"},
        found={"train": 2000, "test": 5},
        counts={"train": 2000, "test": 3},
        labels=counts.summarize(),
        details={"groups": 1990},
        skipped=1234,
        notes=["a.csv: separated by tabs"],
        seconds=61.25,
    )


def test_a_record_comes_back_as_it_was_written(tmp_path, record):
    record.write(tmp_path)
    assert BuildRecord.read(tmp_path) == record


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"5", b'{"source": "\xff", "inputs": {}}'),
        *(b'{"source": 1, "inputs": {}}', b'{"source": "", "inputs": []}'),
    ],
)
def test_a_missing_or_damaged_record_is_none(tmp_path, content):
    assert BuildRecord.read(tmp_path) is None
    (tmp_path / build_record.RECORD_NAME).write_bytes(content)
    assert BuildRecord.read(tmp_path) is None


def test_a_record_that_was_changed_is_none(tmp_path, record):
    record.write(tmp_path)
    checksums.write_checksums(tmp_path)
    assert BuildRecord.read(tmp_path) == record
    path = tmp_path / build_record.RECORD_NAME
    path.write_text(path.read_text().replace("/packs/a", "/packs/b"))
    assert BuildRecord.read(tmp_path) is None


def test_changed_inputs_are_those_added_removed_or_other():
    old = {"same": "1", "other": "1", "removed": "1"}
    new = {"same": "1", "other": "2", "added": "1"}
    names = build_record.changed_inputs(old, new)
    assert names == ["added", "other", "removed"]
    assert not build_record.changed_inputs(new, new)


def test_the_summary_says_it_all(record):
    summary = format_summary(record, pathlib.Path("/data/1.0.0"))
    assert summary.split("\n") == [
        "portraits  train 2,000, test 3 of 5, validation none",
        "color      black 2, blond 0, not labelled 1",
        "age        from 1.0, to 4.0, mean 2.5, not labelled 1",
        "size       not labelled 3",
        "worn       hat 0, scarf 2, ring 1, not labelled 3",
        "groups     1,990",
        "read       a.csv: separated by tabs",
        "skipped    1,234 items, see /data/1.0.0/skipped.csv",
        "built in   61.2 s from /packs/a",
        "lies in    /data/1.0.0",
        "No portrait of validation was found: training then sets a part of "
        "train aside.",
    ]
