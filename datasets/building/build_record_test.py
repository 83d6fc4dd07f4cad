import pathlib

from datasets.tiny_portraits import build_record
from datasets.tiny_portraits import portraits_config
from datasets.tiny_portraits.build_record import BuildRecord
from datasets.tiny_portraits.summary import format_summary
from datasets.tiny_portraits.synthetic import pack as synthetic_pack


def make_record():
    record = BuildRecord("/packs/a", {"a.zip": "1 2"}, {})
    for color in ("black", "black", -1):
        record.count_labels(
            {"gender": "male", "hair_color": color, "hair_type": "wavy"}
        )
    record.found = {"train": 2000, "test": 5}
    record.counts = {"train": 2000, "test": 3}
    record.skipped = 1234
    record.seconds = 61.25
    return record


def test_a_record_comes_back_as_it_was_written(tmp_path):
    record = make_record()
    record.write(tmp_path)
    assert BuildRecord.read(tmp_path) == record


def test_a_missing_or_damaged_record_is_none(tmp_path):
    assert BuildRecord.read(tmp_path) is None
    (tmp_path / build_record.RECORD_NAME).write_text("{")
    assert BuildRecord.read(tmp_path) is None


def test_changed_inputs_are_those_added_removed_or_other():
    old = {"same": "1", "other": "1", "removed": "1"}
    new = {"same": "1", "other": "2", "added": "1"}
    names = build_record.changed_inputs(old, new)
    assert names == ["added", "other", "removed"]
    assert not build_record.changed_inputs(new, new)


def test_the_fingerprint_of_drawn_portraits_is_that_of_their_pack():
    def inputs(*arguments):
        config = portraits_config.synthetic_config(*arguments)
        return build_record.fingerprint(config, None)

    assert inputs(7, 3) == synthetic_pack.describe_pack(7, 3)
    assert not build_record.changed_inputs(inputs(7, 3), inputs(7, 3))
    changed = build_record.changed_inputs(inputs(7, 3), inputs(8, 4))
    assert changed == ["count", "seed"]


def test_named_sizes_keep_their_names_and_others_say_theirs():
    names = {
        arguments: portraits_config.synthetic_config(*arguments).name
        for arguments in [(12_000,), (400, 0), (134_734,), (500,), (400, 7)]
    }
    assert list(names.values()) == [
        "synthetic",
        "synthetic_tiny",
        "synthetic_full",
        "synthetic_500",
        "synthetic_400_seed7",
    ]


def test_the_summary_says_it_all():
    summary = format_summary(make_record(), pathlib.Path("/data/1.0.0"))
    assert summary.split("\n") == [
        "portraits   train 2,000, test 3 of 5, validation none",
        "gender      female 0, male 3",
        "hair_color  black 2, brown 0, blond 0, gray 0, bald 0, not labelled 1",
        "hair_type   straight 0, wavy 3, bald 0",
        "skipped     1,234 items, see /data/1.0.0/skipped.csv",
        "built in    61.2 s from /packs/a",
        "lies in     /data/1.0.0",
        "No portrait of validation was found (image indices 162,770 to "
        "182,636): training then sets a part of train aside.",
    ]
