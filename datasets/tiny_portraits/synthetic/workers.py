"""Draws portraits in several processes, in the order asked for.

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

from ..errors import DatasetInputError
from . import labels
from .png import encode_png
from .portrait import Appearance
from .portrait import draw_counterfactual
from .portrait import draw_portrait

# The folder to import this package from, whatever name it goes by.
_ROOT = pathlib.Path(__file__).parents[__name__.count(".")]
_CHUNK = 64  # portraits asked for at once


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
    chunks = [
        (indices[start : start + _CHUNK].tolist(),
         pairs[start : start + _CHUNK].tolist())
        for start in range(0, len(indices), _CHUNK)
    ]  # fmt: skip
    workers = min(workers, len(chunks))
    if workers <= 1:
        table = table or labels.LabelTable.draw(seed)
        for chunk in chunks:
            yield from draw_files(table, seed, *chunk)
        return
    with contextlib.ExitStack() as stack:
        idle = queue.SimpleQueue()
        for _ in range(workers):
            idle.put(stack.enter_context(_Worker(seed)))

        def draw(chunk):
            worker = idle.get()
            try:
                return worker.draw(chunk)
            finally:
                idle.put(worker)

        threads = concurrent.futures.ThreadPoolExecutor(workers)
        stack.callback(threads.shutdown, wait=True, cancel_futures=True)
        # A few chunks ahead keep every worker busy and the memory constant.
        waiting = collections.deque()
        for chunk in chunks:
            waiting.append(threads.submit(draw, chunk))
            if len(waiting) > 2 * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


class _Worker:
    """A child process that draws what it is asked for."""

    def __init__(self, seed: int):
        path = os.pathsep.join(
            [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        )
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"from {__name__} import serve; serve({seed})",
            ],
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

    def draw(self, chunk):
        try:
            pickle.dump(chunk, self._process.stdin)
            self._process.stdin.flush()
            return pickle.load(self._process.stdout)
        except (BrokenPipeError, EOFError, pickle.UnpicklingError) as error:
            raise DatasetInputError(
                "A worker process ended while it drew portraits; it may have "
                "been killed or run out of memory. Draw again with "
                f"--workers 1. Received: exit code {self._process.wait()}"
            ) from error


def serve(seed: int) -> None:
    """Answers the parent process until it closes the pipe or is gone."""
    table = labels.LabelTable.draw(seed)
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        while True:
            chunk = pickle.load(sys.stdin.buffer)
            pickle.dump(draw_files(table, seed, *chunk), sys.stdout.buffer)
            sys.stdout.buffer.flush()
