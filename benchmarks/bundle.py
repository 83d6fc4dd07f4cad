"""Compares the folded bundle with what Keras exports of the same model.

python -m benchmarks.bundle

* `keras`: `model.export` of the network with Keras' own normalisation.
* `unfolded`: `model.export` of the network as it is; our normalisation is an
  operation that TensorFlow itself fuses into some of the convolutions.
* `folded`: the bundle.

All run in the session of TensorFlow Serving (C API, one thread, as the files
beside the bundles have it), in turns; one portrait a request also with the
threads that a server takes by itself, one per core. Times are medians of the
processor's time in this process, which on an idle machine with one thread is
that of the clock, and which other processes disturb less. Weights are
untrained: they change no time.
"""

import concurrent.futures
import dataclasses
import math
import multiprocessing
import pathlib
import shutil
import statistics
import tempfile
import time

import numpy as np
from tqdm import tqdm

from benchmarks.portraits_schema import PORTRAITS
from tp_keras import serving
from training.command import run

# What is compared with: MobileNet of keras.applications, a quarter as wide.
APPLICATION = "MobileNet"
APPLICATION_ALPHA = 0.25

HEADER = (
    f"{'model':24}{'export':17}{'MB':>7}{'load ms':>9}"
    f"{'b1 ms':>8}{'b8 ms':>8}{'b64 ms':>8}{'img/s':>8}{'b1 own':>8}"
)


@dataclasses.dataclass(frozen=True)
class Measurement:
    """One export of one model.

    Attributes:
        size: Bytes on disk.
        load: Seconds to load.
        latencies: Median seconds of a request, for each batch size.
        own_threads: That of one portrait with a server's own threads.
    """

    size: int
    load: float
    latencies: dict[int, float]
    own_threads: float = math.nan

    @property
    def rate(self) -> float:
        """Images per second at the largest batch."""
        batch = max(self.latencies)
        return batch / self.latencies[batch]


@dataclasses.dataclass(frozen=True)
class Bundle:
    """Prints size, load time and latency of both exports of each model."""

    backbones: tuple[str, ...] = ("mobilenet_025", "portrait_s", APPLICATION)
    """Presets of tp_keras or names of models of keras.applications."""

    batch_sizes: tuple[int, ...] = (1, 8, 64)
    """Batch sizes of a request."""

    seconds: float = 2.0
    """Time of each measurement of an export at a batch size."""

    def execute(self) -> None:
        """Measures and prints the table."""
        rows = []
        total = len(self.backbones)
        for backbone in tqdm(self.backbones, total=total, desc="exports"):
            folder = pathlib.Path(tempfile.mkdtemp())
            try:
                rows.append((backbone, self._measure(backbone, folder)))
            finally:
                shutil.rmtree(folder)
        print(HEADER)
        for backbone, measurements in rows:
            for name, measurement in measurements.items():
                print(_row(backbone, name, measurement))
            folded = measurements.pop("folded")
            for name, measurement in measurements.items():
                print(_gain(name, measurement, folded))
            print(_shipped(backbone, measurements["keras"], folded))

    def _measure(self, backbone, folder) -> dict[str, Measurement]:
        import keras

        from tp_keras import export
        from tp_keras import models

        arguments = {}
        if backbone == APPLICATION:
            arguments["alpha"] = APPLICATION_ALPHA
        classifier = models.PortraitClassifier(
            models.create_backbone(
                backbone, PORTRAITS.image_shape, **arguments
            ),
            PORTRAITS,
        )
        model = classifier.inference_model()
        plain = keras.models.clone_model(
            model, clone_function=_with_keras_normalization, recursive=True
        )
        folders = {"keras": folder / "keras", "unfolded": folder / "unfolded"}
        plain.export(str(folders["keras"]), verbose=False)
        model.export(str(folders["unfolded"]), verbose=False)
        folders["folded"] = export.export_bundle(classifier, folder)

        found = self._in_a_process(folders, self.batch_sizes, 1)
        own = self._in_a_process(folders, (1,), None)
        return {
            name: dataclasses.replace(
                measurement, own_threads=own[name].latencies[1]
            )
            for name, measurement in found.items()
        }

    def _in_a_process(self, folders, batch_sizes, threads):
        # Of its own: a session takes over the threads that TensorFlow started
        # when the model was built, or for the first session.
        with concurrent.futures.ProcessPoolExecutor(
            max_workers=1, mp_context=multiprocessing.get_context("spawn")
        ) as pool:
            return pool.submit(
                measure, folders, batch_sizes, self.seconds, threads
            ).result()


def measure(folders, batch_sizes, seconds, threads=1) -> dict[str, Measurement]:
    """Measures exports of one model against each other.

    Args:
        folders: Dict of name to folder of the export.
        batch_sizes: Batch sizes of a request.
        seconds: Time of each measurement of an export at a batch size.
        threads: Those of the session, None for one per core.

    Returns:
        Dict of name to `Measurement`.
    """
    sessions, loads = {}, {}
    for name, path in folders.items():
        # The second load: the first reads the library and warms the disk.
        for _ in range(2):
            start = time.process_time()
            sessions[name] = serving.CSession(path, threads=threads)
            loads[name] = time.process_time() - start
    latencies: dict[str, dict[int, float]] = {name: {} for name in folders}
    generator = np.random.default_rng(0)
    for batch in batch_sizes:
        images = generator.integers(
            0, 256, (batch, *PORTRAITS.image_shape), dtype=np.uint8
        )
        for name, times in _alternate(sessions, images, seconds).items():
            latencies[name][batch] = statistics.median(times)
    return {
        name: Measurement(_size(path), loads[name], latencies[name])
        for name, path in folders.items()
    }


def _alternate(sessions, images, seconds) -> dict[str, list[float]]:
    """Returns the seconds of every request, the exports in turns."""
    requests = {}
    for name, session in sessions.items():
        (argument,) = session.signatures["serving_default"].inputs
        requests[name] = (session, {argument: images})
        for _ in range(3):
            session.run("serving_default", requests[name][1])
    times = {name: [] for name in sessions}
    end = time.perf_counter() + seconds * len(sessions)
    while time.perf_counter() < end:
        for name, (session, inputs) in requests.items():
            start = time.process_time()
            session.run("serving_default", inputs)
            times[name].append(time.process_time() - start)
    return times


def _size(folder) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def _row(backbone, name, measurement) -> str:
    latencies = "".join(
        f"{seconds * 1e3:8.2f}" for seconds in measurement.latencies.values()
    )
    return (
        f"{backbone:24}{name:17}{measurement.size / 1e6:7.2f}"
        f"{measurement.load * 1e3:9.0f}{latencies}{measurement.rate:8.0f}"
        f"{measurement.own_threads * 1e3:8.2f}"
    )


def _gain(name, other, folded) -> str:
    latencies = "".join(
        f"{other.latencies[batch] / folded.latencies[batch]:7.2f}x"
        for batch in folded.latencies
    )
    return (
        f"{'':14}{'folded against ' + name:27}"
        f"{other.size / folded.size:6.2f}x{other.load / folded.load:8.2f}x"
        f"{latencies}{folded.rate / other.rate:7.2f}x"
        f"{other.own_threads / folded.own_threads:7.2f}x"
    )


def _shipped(backbone, keras, folded) -> str:
    """Says what a user of both gains, who starts a server on them."""
    ours = folded.latencies[1]
    return (
        f"{backbone}: one portrait takes the bundle {ours * 1e3:.2f} ms of a "
        "processor with the flags beside it, `model.export` with a server's "
        f"own {keras.own_threads * 1e3:.2f} ms "
        f"({keras.own_threads / ours:.1f}x), with the same flags "
        f"{keras.latencies[1] * 1e3:.2f} ms ({keras.latencies[1] / ours:.2f}x)."
    )


def _with_keras_normalization(layer):
    import keras

    cls, config = type(layer), layer.get_config()
    if isinstance(layer, keras.layers.BatchNormalization):
        cls = keras.layers.BatchNormalization
    return cls.from_config(config)


if __name__ == "__main__":
    run(Bundle)
