"""A disk that fills up while a command writes, and then has room again."""

import contextlib
import random
import subprocess

import pytest

from tests.faults.jobs import TRIES
from tests.faults.kit import some
from tests.faults.kit import try_each

pytestmark = pytest.mark.large

_LARGE = 200_000
FULL = ("The disk is full", "Free some space or pass")


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


@pytest.mark.parametrize("name", TRIES)
def test_with_room_again_it_goes_on(name, jobs, tmp_path):
    job, chance = jobs[name], random.Random(0)
    whole = tmp_path / "whole"
    expected = job.whole(whole)
    size = sum(p.stat().st_size for p in whole.rglob("*") if p.is_file())

    def fill_and_resume(kilobytes):
        folder = tmp_path / f"disk{kilobytes}"
        with disk(folder, kilobytes) as resize:
            out = folder / "run"
            fault = job.start(out).fault(FULL)
            resize(_LARGE)
            return fault or job.resumed_fault(out, expected)

    # Backups need room besides.
    sizes = chance.sample(
        range(4, 4 + 2 * size // 1000), some(TRIES[name].disks)
    )
    tries = {f"{kilobytes} kB": kilobytes for kilobytes in sizes}
    try_each(f"full disk, {name}", tries, fill_and_resume)
