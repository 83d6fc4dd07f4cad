"""Backups that are damaged while nobody trains."""

import random
import shutil

import pytest

from tests.faults.kills_test import make_jobs
from tests.faults.kit import TALLY
from tests.faults.kit import killed
from tests.faults.kit import resumed_fault
from tests.faults.kit import tell
from tests.faults.kit import writing_calls

pytestmark = pytest.mark.large


def flip(data, chance):
    place = chance.randrange(len(data))
    changed = bytes([data[place] ^ (1 << chance.randrange(8))])
    return data[:place] + changed + data[place + 1 :]


DAMAGES = {
    "bit flipped": flip,
    "cut": lambda data, chance: data[: chance.randrange(len(data))],
    "emptied": lambda data, chance: b"",
    "removed": lambda data, chance: None,
}


def test_of_damaged_backups_the_one_before_is_taken(tiny_data_dir, tmp_path):
    job, _ = make_jobs(tiny_data_dir)["training"]
    whole, stopped, kind = tmp_path / "whole", tmp_path / "stopped", "backups"
    calls = writing_calls(job, whole)
    expected, chance = job.outcome(whole), random.Random(0)
    # Before the third backup takes its place, so that there are two.
    (last,) = (
        kill
        for kill, call in calls
        if kill.startswith("rename") and '/epoch-00003"' in call
    )
    assert killed(job, stopped, last)
    files = sorted((stopped / "backup").glob("epoch-*/*"))
    assert len({file.parent for file in files}) == 2
    for file in files:
        for name, damage in DAMAGES.items():
            out = tmp_path / "run"
            shutil.copytree(stopped, out)
            target = out / file.relative_to(stopped)
            data = damage(target.read_bytes(), chance)
            target.unlink() if data is None else target.write_bytes(data)
            fault = resumed_fault(job, out, expected)
            tell(kind, f"{file.parent.name}/{file.name} {name}", fault)
            shutil.rmtree(out)
    assert [fault for _, fault in TALLY[kind] if fault] == []
