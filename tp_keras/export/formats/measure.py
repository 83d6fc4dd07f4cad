"""Runs the files of formats; call it in a `FreshProcess`.

TensorFlow's first session decides the threads of all that follow, and the
process that made the model has had its sessions.
"""

import statistics
import time

import numpy as np

from tp_keras.export.formats.registry import FORMATS

BATCH_SIZES = (1, 64)

_WARM_UP = 3


def predict(name, path, images_path) -> dict[str, np.ndarray]:
    """Returns what a format's file answers to the portraits of a `.npy`."""
    images = np.load(images_path, mmap_mode="r")
    run = FORMATS[name].load(path, images.shape[1:])
    step = max(BATCH_SIZES)
    batches = [
        run(np.ascontiguousarray(images[i : i + step]))
        for i in range(0, len(images), step)
    ]
    return {
        output: np.concatenate([batch[output] for batch in batches])
        for output in batches[0]
    }


def measure_latencies(
    paths, image_shape, seconds, threads=1, batch_sizes=BATCH_SIZES
) -> dict[str, dict[int, float]]:
    """Measures files against each other, a request of each in turn.

    `paths` is a dict of the formats' names to their files, and `seconds` the
    time for a file at a batch size. The result is a dict of name to batch size
    to the median seconds: of one thread the processor's time, which on an idle
    machine is that of the clock, and which other processes disturb less; of
    more that of the clock.
    """
    files = {
        name: FORMATS[name].load(path, image_shape, threads)
        for name, path in paths.items()
    }
    clock = time.process_time if threads == 1 else time.perf_counter
    latencies = {name: {} for name in files}
    generator = np.random.default_rng(0)
    for batch in batch_sizes:
        shape = (batch, *image_shape)
        images = generator.integers(0, 256, shape, dtype=np.uint8)
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
