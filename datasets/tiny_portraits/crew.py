"""Calls a function in several processes, answers in the order asked for.

The workers are plain child processes that speak over pipes. A pool of
`multiprocessing` would fork the threads of TensorFlow or import the caller's
main module again; these do neither, so they serve scripts and notebooks alike.
"""

import collections
import concurrent.futures
import contextlib
import os
import pathlib
import pickle
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

from .errors import DatasetInputError

# The folder to import this package from, whatever name it goes by.
_ROOT = pathlib.Path(__file__).parents[__name__.count(".")]


def count_cores() -> int:
    """Returns the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # Not every system tells more.


def map_in_order(
    function: Callable, chunks: Sequence[tuple], workers: int
) -> Iterator[Any]:
    """Calls a function for each chunk of work.

    Args:
        function: What can be pickled, from this package. A worker holds one
            copy, so that a callable object may keep things between calls.
        chunks: The arguments of each call.
        workers: The number of processes; 1 calls the function in this one.

    Yields:
        The answers in the order of the chunks. Only a few are held at a time,
        however slow the caller is.

    Raises:
        DatasetInputError: If a worker ends before its time.
        Exception: What the function raised.
    """
    workers = min(workers, len(chunks))
    if workers <= 1:
        for chunk in chunks:
            yield function(*chunk)
        return
    with contextlib.ExitStack() as stack:
        # All of them start before one is waited for.
        crew = [stack.enter_context(_Worker()) for _ in range(workers)]
        idle = queue.SimpleQueue()
        for worker in crew:
            worker.send(function)
        # Each works on one chunk while the next one lies ready.
        for worker in crew * 2:
            idle.put(worker)

        def call(chunk):
            worker = idle.get()
            try:
                return worker.call(chunk)
            finally:
                idle.put(worker)

        threads = concurrent.futures.ThreadPoolExecutor(2 * workers)
        stack.callback(threads.shutdown, wait=True, cancel_futures=True)
        # A few chunks ahead keep every worker busy and the memory constant.
        waiting = collections.deque()
        for chunk in chunks:
            waiting.append(threads.submit(call, chunk))
            if len(waiting) > 4 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


# What a worker runs. The data set's own `__init__` imports TensorFlow Datasets,
# which takes ten times as long as all that a worker needs: an empty package
# stands in for it.
_SCRIPT = f"""\
import sys, types
package = types.ModuleType({__package__!r})
package.__path__ = [{str(pathlib.Path(__file__).parent)!r}]
sys.modules[package.__name__] = package
from {__name__} import serve
serve()
"""


class _Worker:
    """A child process that answers what it is asked."""

    def __init__(self):
        self._sending, self._receiving = threading.Lock(), threading.Lock()
        path = os.pathsep.join(
            [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": path},
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def send(self, message) -> None:
        """Sends what `serve` expects next."""
        with self._alive():
            pickle.dump(message, self._process.stdin, pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()

    def call(self, chunk):
        """Returns what the function does for a chunk, for any thread."""
        with self._sending:
            self.send(chunk)
            # Taken before the next one may send: answers come in this order.
            self._receiving.acquire()
        try:
            with self._alive():
                answer, error = pickle.load(self._process.stdout)
        finally:
            self._receiving.release()
        if error is not None:
            raise error
        return answer

    @contextlib.contextmanager
    def _alive(self):
        try:
            yield
        except (BrokenPipeError, EOFError, pickle.UnpicklingError) as error:
            raise DatasetInputError(
                "A worker process ended in the middle of its work; it may have "
                "been killed or run out of memory. Run the same command "
                f"again. Received: exit code {self._process.wait()}"
            ) from error


def serve() -> None:
    """Answers the parent process until it closes the pipe or is gone.

    The first message is the function, every other one holds the arguments of a
    call. An answer is what the function returned, or None, and what it raised.
    """
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        function = pickle.load(requests)
        while True:
            chunk = pickle.load(requests)
            try:
                answer = function(*chunk), None
            except Exception as error:
                answer = None, error
            pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
            answers.flush()
