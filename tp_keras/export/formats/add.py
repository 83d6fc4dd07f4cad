"""Writes a bundle in more formats, and measures each against the model."""

import pathlib
import tempfile

import keras
import numpy as np
from tqdm import tqdm

from tp_keras.errors import UserError
from tp_keras.export.formats import measure
from tp_keras.export.formats.compare import compare
from tp_keras.export.formats.compare import describe_losses
from tp_keras.export.formats.format import FOLDER
from tp_keras.export.formats.format import Format
from tp_keras.fresh_process import FreshProcess
from tp_keras.quiet import no_native_messages
from tp_keras.records.record import find

_RECORD_FIELDS = ("metric", "task", "group", "value", "low", "high", "count")


def describe_record(record) -> dict:
    """Returns what `metadata.json` says of a `Record`."""
    return {field: getattr(record, field) for field in _RECORD_FIELDS}


def add_formats(
    folder,
    model: keras.Model,
    formats: tuple[Format, ...],
    *,
    tasks,
    images: np.ndarray,
    expected: dict[str, np.ndarray],
    portraits=None,
    calibration_images: np.ndarray | None = None,
    seconds: float = 1.0,
) -> dict[str, dict]:
    """Writes the files of formats into a bundle, and checks them.

    Each file answers all `images` in its own runtime, on one thread.

    Args:
        folder: Folder of the version, with the SavedModel in it.
        model: The folded model, from `answer_model`.
        formats: From `get_formats`.
        tasks: Those of the model.
        images: uint8 `[count, height, width, 3]` to check with.
        expected: What the trained model answers to `images`.
        portraits: `Portraits` whose images they are; without, no accuracy.
        calibration_images: uint8 `[count, height, width, 3]`, training
            portraits for the formats that need them.
        seconds: How long to measure a file at a batch size.

    Returns:
        What `metadata.json` says of the formats: a dict for each, of its file,
        size in bytes, runtime, latencies in milliseconds by batch size,
        records (see `compare`) and warnings.

    Raises:
        UserError: If a file that doesn't round differs from the model by more
            than its tolerance.
    """
    folder = pathlib.Path(folder)
    (folder / FOLDER).mkdir(exist_ok=True)
    reference = compare(tasks, expected, expected, portraits)
    entries = {}
    bar = tqdm(formats, desc="formats", unit="format")
    with (
        tempfile.TemporaryDirectory() as scratch,
        FreshProcess() as process,
        bar,
    ):
        images_path = pathlib.Path(scratch) / "images.npy"
        np.save(images_path, images)
        for item in bar:
            path = folder / item.file
            facts = {}
            # One is there with the bundle, and answers what the rest needn't.
            if not path.is_file():
                with no_native_messages():
                    facts = item.convert(model, tasks, path, calibration_images)
            found = process.call(measure.predict, item.name, path, images_path)
            records = compare(tasks, expected, found, portraits)
            differences = find(records, metric="max_difference")
            worst = max(differences, key=lambda record: record.value)
            if item.tolerance and worst.value > item.tolerance:
                raise UserError(
                    f"The {item.name} file differs from its model by "
                    f"{worst.value:.2g} in {worst.task!r}. Expected at most "
                    f"{item.tolerance:g}."
                )
            entries[item.name] = {
                "file": item.file,
                "bytes": sum(p.stat().st_size for p in item.files(folder)),
                "runtime": item.runtime(),
                **facts,
                "records": [describe_record(record) for record in records],
                "warnings": describe_losses(item.name, reference, records),
            }
        bar.set_postfix_str("latencies")
        latencies = process.call(
            measure.measure_latencies,
            {item.name: folder / item.file for item in formats},
            images.shape[1:],
            seconds,
        )
    for name, values in latencies.items():
        entries[name]["latency_ms"] = {
            str(batch): 1e3 * value for batch, value in values.items()
        }
    return entries
