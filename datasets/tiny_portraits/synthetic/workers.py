"""Draws portraits in several processes, in the order asked for.

The workers are plain child processes that speak over pipes. A pool of
`multiprocessing` would fork the threads of TensorFlow or import the caller's
main module again; these do neither, so they serve scripts and notebooks alike.
"""

import collections
import concurrent.futures
import contextlib
import functools
import os
import pathlib
import pickle
import queue
import subprocess
import sys
import threading

from ..errors import DatasetInputError
from . import labels
from .png import encode_png
from .portrait import Appearance
from .portrait import draw_counterfactual
from .portrait import draw_portrait

# The folder to import this package from, whatever name it goes by.
_ROOT = pathlib.Path(__file__).parents[__name__.count(".")]
_CHUNK = 32  # portraits asked for at once


def draw_files(table, seed, indices, pairs) -> list[tuple[int, bytes, bytes]]:
    """Draws some portraits of a pack.

    Args:
        table: The `LabelTable` of the seed.
        seed: The seed of the pack.
        indices: The image indices to draw.
        pairs: Booleans, whether a portrait has a counterfactual.

    Returns:
        For each its index, its PNG file, and that of its counterfactual
        (empty without one).
    """
    files = []
    for index, paired in zip(indices, pairs, strict=True):
        appearance = Appearance.of(table, seed, index)
        other_png = b""
        if paired:
            source = int(table.source[index])
            shown = int(table.shown[index, 0])
            other = appearance.with_cues_of(
                seed, source, labels.GENDERS[1 - shown]
            )
            picture, changed = draw_counterfactual(appearance, other)
            other_png = encode_png(changed)
        else:
            picture = draw_portrait(appearance)
        files.append((int(index), encode_png(picture), other_png))
    return files


def draw_in_order(seed, indices, pairs, workers, table=None):
    """Draws a pack's portraits.

    Args:
        seed: The seed of the pack.
        indices: int array of the image indices.
        pairs: bool array, whether a portrait has a counterfactual.
        workers: The number of processes; 1 draws in this one.
        table: The `LabelTable` of the seed, if it is at hand.

    Yields:
        What `draw_files` returns, one portrait after the other.
    """
    starts = range(0, len(indices), _CHUNK)
    slices = [slice(start, start + _CHUNK) for start in starts]
    chunks = [(indices[part].tolist(), pairs[part].tolist()) for part in slices]
    table = table or labels.LabelTable.draw(seed)
    workers = min(workers, len(chunks))
    if workers <= 1:
        for chunk in chunks:
            yield from draw_files(table, seed, *chunk)
        return
    with contextlib.ExitStack() as stack:
        # All of them start before one is waited for.
        crew = [stack.enter_context(_Worker()) for _ in range(workers)]
        idle = queue.SimpleQueue()
        for worker in crew:
            worker.send((table, seed))
        # Each draws one chunk while the next one lies ready.
        for worker in crew * 2:
            idle.put(worker)

        def draw(chunk):
            worker = idle.get()
            try:
                return worker.draw(chunk)
            finally:
                idle.put(worker)

        threads = concurrent.futures.ThreadPoolExecutor(2 * workers)
        stack.callback(threads.shutdown, wait=True, cancel_futures=True)
        # A few chunks ahead keep every worker busy and the memory constant.
        waiting = collections.deque()
        for chunk in chunks:
            waiting.append(threads.submit(draw, chunk))
            if len(waiting) > 4 * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


# What a worker runs. The data set's own `__init__` imports TensorFlow Datasets,
# which takes ten times as long as all that drawing needs: an empty package
# stands in for it.
_SCRIPT = f"""\
import sys, types
package = types.ModuleType({__name__.rsplit(".", 2)[0]!r})
package.__path__ = [{str(pathlib.Path(__file__).parents[1])!r}]
sys.modules[package.__name__] = package
from {__name__} import serve
serve()
"""


class _Worker:
    """A child process that draws what it is asked for."""

    def __init__(self):
        self._sending, self._receiving = threading.Lock(), threading.Lock()
        path = os.pathsep.join(
            [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=_ROOT,
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

    def draw(self, chunk):
        """Returns what `draw_files` does for a chunk, for any thread."""
        with self._sending:
            self.send(chunk)
            # Taken before the next one may send: answers come in this order.
            self._receiving.acquire()
        try:
            with self._alive():
                return pickle.load(self._process.stdout)
        finally:
            self._receiving.release()

    @contextlib.contextmanager
    def _alive(self):
        try:
            yield
        except (BrokenPipeError, EOFError, pickle.UnpicklingError) as error:
            raise DatasetInputError(
                "A worker process ended while it drew portraits; it may have "
                "been killed or run out of memory. Draw again with "
                f"--workers 1. Received: exit code {self._process.wait()}"
            ) from error


def serve() -> None:
    """Answers the parent process until it closes the pipe or is gone.

    The first message holds the `LabelTable` and the seed, every other one a
    chunk: indices, and whether they have counterfactuals.
    """
    receive = functools.partial(pickle.load, sys.stdin.buffer)
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        table, seed = receive()
        while True:
            pickle.dump(
                draw_files(table, seed, *receive()),
                sys.stdout.buffer,
                pickle.HIGHEST_PROTOCOL,
            )
            sys.stdout.buffer.flush()
