import functools
import operator
import os
import signal
import tempfile

import pytest

from . import workers as workers_lib
from .errors import DatasetInputError

CHUNKS = [(number,) for number in range(50)]


class Counter:
    """Counts its calls, as a reader keeps its archive."""

    def __init__(self):
        self.calls = 0

    def __call__(self, number):
        self.calls += 1
        return number, self.calls, os.getpid()


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_answers_come_in_the_order_of_the_chunks(workers):
    double = functools.partial(operator.mul, 2)
    answers = list(workers_lib.map_in_order(double, CHUNKS, workers))
    assert answers == list(range(0, 100, 2))


def test_every_worker_keeps_one_copy_of_the_function():
    # The workers import what they call: this module too.
    answers = list(workers_lib.map_in_order(Counter(), CHUNKS, 2))
    processes = {process for _, _, process in answers}
    # One may have done it all before the other one was there.
    assert len(processes) in (1, 2) and os.getpid() not in processes
    for process in processes:
        calls = [calls for _, calls, who in answers if who == process]
        assert sorted(calls) == list(range(1, len(calls) + 1))


@pytest.mark.parametrize("workers", [1, 2])
def test_what_the_function_raises_reaches_the_caller(workers):
    divide = functools.partial(operator.truediv, 1)
    answers = workers_lib.map_in_order(
        divide, [(2,), (4,), (0,), (1,)], workers
    )
    assert next(answers) == 0.5
    with pytest.raises(ZeroDivisionError):
        list(answers)


def test_a_killed_worker_is_an_error_and_no_worker_stays_behind():
    answers = workers_lib.map_in_order(Counter(), CHUNKS * 20, 2)
    seen = {next(answers)[2] for _ in range(20)}
    os.kill(min(seen), signal.SIGKILL)
    with pytest.raises(DatasetInputError, match="worker process ended"):
        list(answers)
    for process in seen:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_only_a_few_answers_are_held_for_a_slow_caller(tmp_path):
    make = functools.partial(write, str(tmp_path))
    answers = workers_lib.map_in_order(make, CHUNKS * 4, 2)
    next(answers)
    answers.close()
    assert len(list(tmp_path.iterdir())) < 20


def write(folder, number):
    descriptor, _ = tempfile.mkstemp(dir=folder)
    os.close(descriptor)
