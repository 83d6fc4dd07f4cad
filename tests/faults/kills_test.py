"""Commands that are killed end, called again, as if they never had been."""

import random
import shutil

import pytest

from tests.faults.jobs import TRIES
from tests.faults.kit import some
from tests.faults.kit import try_each
from tests.faults.stepping import states

pytestmark = pytest.mark.large


# A search trains for a time, so that no two write alike.
@pytest.mark.parametrize("name", [name for name in TRIES if name != "search"])
def test_killed_at_any_system_call_it_ends_as_without(name, jobs, tmp_path):
    job = jobs[name]
    found, calls = states(job, tmp_path)
    expected = job.outcome(tmp_path / "job" / "run")

    def resume(folder):
        return job.resumed_fault(folder / "run", expected)

    kind = f"{name} killed at one of {calls} system calls: different states"
    try_each(kind, {folder.name: folder for folder in found}, resume)


@pytest.mark.parametrize("name", TRIES)
def test_killed_at_any_moment_it_ends_as_without(name, jobs, tmp_path):
    job, chance = jobs[name], random.Random(0)
    expected, seconds = job.timed(tmp_path / "whole")

    def kill_and_resume(moment):
        out = tmp_path / f"run{moment}"
        running = job.start(out)
        while running.wait(moment) is not None:
            # Ended before that: earlier, then.
            moment *= 0.8
            shutil.rmtree(out)
            running = job.start(out)
        running.kill()
        running.wait()
        fault = job.resumed_fault(out, expected)
        shutil.rmtree(out)
        return fault

    count = some(TRIES[name].kills)
    moments = [chance.uniform(0, 1.3 * seconds) for _ in range(count)]
    tries = {f"after {moment:.4f} s": moment for moment in moments}
    try_each(f"{name} killed at a random moment", tries, kill_and_resume)
