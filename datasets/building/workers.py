"""Calls a function in several processes, answers in the order asked for.

They are spawned: a fork would copy the threads of TensorFlow. Other than
spawned processes usually do, they don't import the caller's main module again,
so scripts and notebooks need no guard.
"""

import collections
import concurrent.futures
import contextlib
import multiprocessing
import os
import pathlib
import pickle
import signal
import sys
import threading
import types
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from .errors import DatasetInputError


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
        function: What can be pickled, of this package. A worker holds one
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
    pool = concurrent.futures.ProcessPoolExecutor(
        workers,
        multiprocessing.get_context("spawn"),
        initializer=_start,
        # Unpickled by `_start`, where nothing heavy is imported any more.
        initargs=(pickle.dumps(function),),
    )
    # A few chunks ahead keep every worker busy and the memory constant.
    waiting = collections.deque()
    try:
        for chunk in chunks:
            with _no_main():
                waiting.append(pool.submit(_call, chunk))
            if len(waiting) > 4 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        raise DatasetInputError(
            "A worker process ended in the middle of its work; it may have "
            "been killed or run out of memory. Run the same command again. "
            f"Received: {error}"
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _no_main() -> Iterator[None]:
    """Hides the main module, which a spawned process would run again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = types.ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


# The one copy of the function in a worker.
_function: Callable


def _start(pickled: bytes) -> None:
    """Prepares a worker.

    A data set's own `__init__` imports TensorFlow Datasets, which takes ten
    times as long as all that a worker needs: empty packages stand in for it.
    """
    global _function
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # The parent's business.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    root = pathlib.Path(__file__).parents[1]
    for folder in root.glob("*/"):
        name = f"{__package__.rpartition('.')[0]}.{folder.name}"
        if name not in sys.modules:
            package = sys.modules[name] = types.ModuleType(name)
            package.__path__ = [str(folder)]
    _function = pickle.loads(pickled)


def _end_with_parent() -> None:
    """Ends a worker whose parent was killed."""
    multiprocessing.parent_process().join()
    os._exit(1)


def _call(chunk: tuple) -> Any:
    return _function(*chunk)
