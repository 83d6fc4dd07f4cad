"""Two processes at once in one folder."""

import random
import shutil
import time

import pytest

from tests.faults.jobs import TRIES
from tests.faults.kit import some
from tests.faults.kit import try_each

pytestmark = pytest.mark.large

REFUSED = ("Another process is",)


@pytest.mark.parametrize("name", TRIES)
def test_the_second_is_told_and_the_first_ends_as_alone(name, jobs, tmp_path):
    job, chance = jobs[name], random.Random(0)
    expected, seconds = job.timed(tmp_path / "whole")

    def run_both(delay):
        out = tmp_path / f"run{delay}"
        first = job.start(out, "first")
        time.sleep(delay)
        both = first, job.start(out, "second")
        faults = [running.fault(REFUSED) for running in both]
        if all(running.wait() for running in both):
            return "both are refused"
        if any(faults):
            return next(filter(None, faults))
        fault = job.resumed_fault(out, expected)
        shutil.rmtree(out)
        return fault

    # The first ones at the same moment, as far as that can be.
    count = some(TRIES[name].pairs)
    delays = [0.001 * number for number in range(count // 4)]
    delays += [chance.uniform(0, seconds) for _ in range(count - count // 4)]
    tries = {f"{delay:.4f} s apart": delay for delay in delays}
    try_each(f"two at once, {name}", tries, run_both)
