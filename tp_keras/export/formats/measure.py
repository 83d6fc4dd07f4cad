"""Runs the files of formats, in a process of its own.

TensorFlow's first session decides the threads of all that follow, and the
process that made the model has had its sessions.
"""

import concurrent.futures
import contextlib
import multiprocessing
import statistics
import time

import numpy as np

from tp_keras.export.formats.registry import FORMATS
from tp_keras.quiet import no_native_messages
from tp_keras.tasks import IMAGE_SHAPE

BATCH_SIZES = (1, 64)

_WARM_UP = 3


@contextlib.contextmanager
def worker():
    """Gives a process in which nothing of TensorFlow has run.

    Yields:
        An executor of one process, for `predict` and `measure_latencies`.
    """
    with concurrent.futures.ProcessPoolExecutor(
        max_workers=1, mp_context=multiprocessing.get_context("spawn")
    ) as pool:
        # It keeps the standard error that it is born with.
        with no_native_messages():
            pool.submit(_start).result()
        yield pool


def predict(name, path, images_path) -> dict[str, np.ndarray]:
    """Returns what a file answers to all portraits.

    Args:
        name: Name of the format.
        path: Its file.
        images_path: `.npy` file of uint8 `[count, 108, 84, 3]`.
    """
    run = FORMATS[name].load(path)
    images = np.load(images_path, mmap_mode="r")
    step = max(BATCH_SIZES)
    batches = [
        run(np.ascontiguousarray(images[i : i + step]))
        for i in range(0, len(images), step)
    ]
    return {
        output: np.concatenate([batch[output] for batch in batches])
        for output in batches[0]
    }


def measure_latencies(paths, seconds, threads=1) -> dict[str, dict[int, float]]:
    """Measures files against each other, a request of each in turn.

    Args:
        paths: Dict of name of the format to its file.
        seconds: Float. Time for a file at a batch size.
        threads: Int. The threads that a request is worked on with.

    Returns:
        Dict of name to batch size to the median seconds: of one thread the
        processor's time, which on an idle machine is that of the clock, and
        which other processes disturb less; of more that of the clock.
    """
    files = {
        name: FORMATS[name].load(path, threads) for name, path in paths.items()
    }
    clock = time.process_time if threads == 1 else time.perf_counter
    latencies = {name: {} for name in files}
    generator = np.random.default_rng(0)
    for batch in BATCH_SIZES:
        images = generator.integers(
            0, 256, (batch, *IMAGE_SHAPE), dtype=np.uint8
        )
        times = {name: [] for name in files}
        for run in files.values():
            for _ in range(_WARM_UP):
                run(images)
        end = time.perf_counter() + seconds * len(files)
        while not all(times.values()) or time.perf_counter() < end:
            for name, run in files.items():
                start = clock()
                run(images)
                times[name].append(clock() - start)
        for name, values in times.items():
            latencies[name][batch] = statistics.median(values)
    return latencies


def _start():
    """Does nothing: to be called it must be imported."""
