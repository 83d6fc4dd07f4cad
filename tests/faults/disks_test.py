"""A disk that fills up while a training writes, and then has room again."""

import contextlib
import subprocess

import pytest

from tests.faults.kills_test import make_jobs
from tests.faults.kit import TALLY
from tests.faults.kit import resumed_fault
from tests.faults.kit import tell

pytestmark = pytest.mark.large

_LARGE = 200_000


@contextlib.contextmanager
def disk(folder, kilobytes):
    """A disk of a size, and a function that gives it another."""
    folder.mkdir()
    options = f"size={kilobytes}k"
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True
    )

    def resize(size):
        options = f"remount,size={size}k"
        subprocess.run(["mount", "-o", options, folder], check=True)

    try:
        yield resize
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("name", ["training", "generator"])
def test_with_room_again_it_goes_on(name, tiny_data_dir, tmp_path):
    job, _ = make_jobs(tiny_data_dir)[name]
    whole, kind = tmp_path / "whole", f"full disk, {name}"
    assert not job.run(whole).returncode
    expected = job.outcome(whole)
    size = sum(p.stat().st_size for p in whole.rglob("*") if p.is_file())
    for share in (0, 0.02, 0.1, 0.3, 0.6, 0.9, 1.2, 1.6, 2.2, 3.0):
        kilobytes, folder = max(int(share * size / 1000), 4), tmp_path / "disk"
        with disk(folder, kilobytes) as resize:
            out, fault = folder / "run", None
            first = job.run(out)
            if first.returncode and "disk is full" not in first.stderr:
                fault = "said: " + first.stderr.strip().splitlines()[-1]
            resize(_LARGE)
            fault = fault or resumed_fault(job, out, expected)
        folder.rmdir()
        tell(kind, f"{kilobytes} kB", fault)
    assert [fault for _, fault in TALLY[kind] if fault] == []
