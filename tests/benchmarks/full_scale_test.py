import json
import re
import shutil

import pytest

from benchmarks import full_scale
from benchmarks.full_scale import FullScale
from tp_keras.errors import UserError

COUNTS = (1_000, 4_000, 16_000)


def grown(seconds, cpu_seconds=None, stage="build"):
    cpu_seconds = cpu_seconds or seconds
    return [
        {"count": n, "stage": stage, "seconds": s, "cpu_seconds": c}
        for n, s, c in zip(COUNTS, seconds, cpu_seconds, strict=True)
    ]


@pytest.mark.parametrize(
    ("seconds", "cpu_seconds", "words"),
    [
        ((1, 4, 16), None, "N^1.00; a portrait costs 1.00 times as much at "
         "16,000 as at 1,000. Linear"),
        # 3 s and a millisecond for each portrait.
        ((4, 7, 19), None, "N^0.56; a portrait costs 0.30 times as much at "
         "16,000 as at 1,000. Less than linear: 3.00 s are there"),
        ((1, 8, 64), None, "N^1.50; .* the work of a portrait grows, 4.00 "),
        ((1, 8, 64), (1, 4, 16), "N^1.50; .* waiting, .* is 1.00 times"),
    ],
)  # fmt: skip
def test_growth_by_hand(seconds, cpu_seconds, words):
    text = full_scale.describe_growth("build", grown(seconds, cpu_seconds))
    assert re.search(re.escape(words).replace(r"\.\*", ".*"), text), text

    one = full_scale.describe_growth("build", grown(seconds)[:1])
    assert "nothing of growth" in one


@pytest.mark.parametrize(
    ("count", "share", "words"),
    [
        (134_734, 0.02, ["107,818 portraits takes 80 s (aim: 90 s, reached)",
                         "2.0% of the time of its steps (aim: 3%, reached)"]),
        (67_367, 0.04, ["at full size, at this pace, 160 s",
                        "4.0% of the time of its steps (aim: 3%, missed)"]),
    ],
)  # fmt: skip
def test_the_training_is_told_with_its_aims(count, share, words):
    row = {
        "count": count,
        "stage": "train",
        "backbone": "",
        "seconds": 80.0,
        "portraits": 107_818,
        "share": share,
        "slowdown": 1.1,
    }
    text = full_scale.describe_training([{**row, "count": 9}, row])
    assert all(word in text for word in words), text


def test_too_little_space_and_wrong_numbers_are_said_first(
    tmp_path, monkeypatch
):
    with pytest.raises(UserError, match="between 1000 and 134734"):
        FullScale(counts=(10,), work_dir=tmp_path).execute()
    monkeypatch.setattr(
        shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(9, 8, 1)
    )
    with pytest.raises(UserError, match=r"0\.0 GB left, and 1,000 portraits"):
        FullScale(counts=(1_000,), work_dir=tmp_path).execute()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_stage_is_repeated_and_the_others_are_kept(
    tmp_path, monkeypatch, capsys
):
    ran = []

    def run_stage(stage, folder, count, backbone):
        ran.append((count, stage))
        if stage == "draw":
            (folder / "pack").mkdir()
        if ran.count((count, "cached")) == 1 and count == 2_000:
            raise UserError("The stage failed.")
        return {
            "seconds": count / 1_000,
            "cpu_seconds": count / 500,
            "peak": 1e9,
            "disk": 2e6,
            "splits": {"train": count},
            "archives": 1,
            "portraits": count,
            "share": 0.01,
            "slowdown": 1.0,
        }

    monkeypatch.setattr(full_scale, "run_stage", run_stage)
    command = FullScale(counts=(2_000, 1_000), work_dir=tmp_path)
    with pytest.raises(UserError, match="The stage failed"):
        command.execute()
    command.execute()
    once = [(n, stage) for n in (1_000, 2_000) for stage in full_scale.STAGES]
    once.insert(once.index((2_000, "cached")), (2_000, "cached"))
    assert ran == once
    printed = capsys.readouterr().out
    row = "| 2,000 | training epoch | 2.00 | 1,000 | 2.00 | 1,000 | 2 |"
    assert printed.count(row) == 1
    assert printed.count("Linear.") == len(full_scale.STAGES)
    assert [path.name for path in tmp_path.iterdir()] == ["full_scale.jsonl"]


@pytest.mark.large
def test_every_stage_runs(tmp_path, capsys):
    FullScale(counts=(1_000, 2_100), work_dir=tmp_path).execute()
    rows = [
        json.loads(line)
        for line in (tmp_path / "full_scale.jsonl").read_text().splitlines()
    ]
    assert [row["stage"] for row in rows] == [*full_scale.STAGES] * 2
    for row in rows:
        assert row["seconds"] > 0 and row["peak"] > 30e6
        if row["stage"] == "build":
            assert sum(row["splits"].values()) == row["count"]
        if row["stage"] == "decode":
            assert row["disk"] == pytest.approx(
                27_216 * row["count"] * 0.9, rel=0.05
            )
    train = rows[-1]
    assert 0 < train["share"] < 1 and train["portraits"] > 1_000
    assert "2,100 portraits in 2 archives: " in capsys.readouterr().out
