"""Two processes at once in one folder."""

import concurrent.futures
import time

import pytest

from tests.faults.kills_test import make_jobs
from tests.faults.kit import TALLY
from tests.faults.kit import resumed_fault
from tests.faults.kit import tell

pytestmark = pytest.mark.large


@pytest.mark.parametrize("name", ["training", "generator"])
def test_the_second_is_told_and_the_first_ends_as_alone(
    name, tiny_data_dir, tmp_path
):
    job, _ = make_jobs(tiny_data_dir)[name]
    whole, kind = tmp_path / "whole", f"pairs at once, {name}"
    assert not job.run(whole).returncode
    expected = job.outcome(whole)
    for delay in (0, 0, 0.5, 1, 2, 3, 4, 5):
        number = len(TALLY[kind])
        out = tmp_path / f"run{number}"
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            first = pool.submit(job.run, out)
            time.sleep(delay)
            second = pool.submit(job.run, out)
            done = [first.result(), second.result()]
        refused = [run for run in done if run.returncode]
        fault = None
        for run in refused:
            if "Another process" not in run.stderr:
                fault = "said: " + run.stderr.strip().splitlines()[-1]
        if len(refused) == 2:
            fault = "both refused"
        fault = fault or resumed_fault(job, out, expected)
        tell(kind, f"{delay} s apart", fault)
    assert [fault for _, fault in TALLY[kind] if fault] == []
