import dataclasses

from tp_keras.export.formats import describe_formats
from tp_keras.export.formats import latency_table
from tp_keras.export.formats.compare import HITS
from tp_keras.records.record import Record


def entry(size, accuracy, warnings=()):
    records = [
        Record("max_difference", "smile", "all", 0.02, 200),
        Record("mean_difference", "smile", "all", 0.001, 200),
        # An embedding has differences of its own, on another scale.
        Record("max_difference", "embedding", "all", 3.0, 200),
        Record("mean_difference", "embedding", "all", 3.0, 200),
        Record("same_decisions", "smile", "all", 0.995, 200),
        Record("accuracy", "smile", "all", accuracy, 200),
        Record("accuracy", "smile", "north", 0.75, 200),
        Record("accuracy", "smile", "south", None, 0),
        Record("max_difference", "age", "all", 0.01, 200),
        Record("mean_difference", "age", "all", 0.003, 200),
        Record("same_decisions", "age", "all", 1.0, 200),
        Record("within_tolerance", "age", "all", 0.5, 200),
    ]
    return {
        "file": ".",
        "bytes": size,
        "runtime": "x 1",
        "latency_ms": {"1": 0.5, "64": 16.0},
        "records": [dataclasses.asdict(record) for record in records],
        "warnings": list(warnings),
    }


METADATA = {
    "formats": {
        "saved_model": entry(1_500_000, 0.8),
        "litert_int8": entry(400_000, 0.7, ["litert_int8 loses it."]),
    },
    "formats_checked_on": {"dataset": "a/b", "split": "test", "portraits": 200},
}


def test_rows_and_warnings():
    text = describe_formats(METADATA)
    rows = [
        " ".join(line.replace("|", " ").split()) for line in text.splitlines()
    ]
    assert rows[5] == (
        "saved_model 1.500 0.500 4,000 2.0e-02 2.0e-03 99.50 % 80.00 % 50.00 %"
    )
    assert "smile all 80.00 % 70.00 % 200" in rows
    assert "smile south - - 0" in rows
    assert "200 portraits of a/b, test" in text
    assert text.endswith("warning: litert_int8 loses it.")


def test_latencies_alone():
    text = latency_table({"litert": {1: 0.0005, 64: 0.016}})
    row = [cell.strip() for cell in text.splitlines()[-1].split("|")]
    assert row[1:-1] == ["litert", "0.500", "4,000"]


def test_without_labels_there_is_one_table():
    fields = METADATA["formats"]["litert_int8"]
    records = [r for r in fields["records"] if r["metric"] not in HITS]
    data = {"dataset": "noise", "portraits": 8}
    text = describe_formats(
        {
            "formats": {"litert_int8": {**fields, "records": records}},
            "formats_checked_on": data,
        }
    )
    assert "8 images of noise" in text
    assert "Right answers" not in text
    assert "north" not in text
