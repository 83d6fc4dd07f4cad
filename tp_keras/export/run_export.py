"""Exports the model of a run folder, with all that is known of it."""

import dataclasses
import itertools
import pathlib

import numpy as np

from tp_keras.data import builders
from tp_keras.data import source
from tp_keras.data.filters import take_labelled
from tp_keras.data.joint import join
from tp_keras.data.labels import strata
from tp_keras.errors import UserError
from tp_keras.export.bundle import BUNDLE_NAME
from tp_keras.export.bundle import CHECK_COUNT
from tp_keras.export.bundle import noise
from tp_keras.export.bundle import write_bundle
from tp_keras.export.formats import add_formats
from tp_keras.export.formats import get_formats
from tp_keras.export.formats.add import describe_record
from tp_keras.export.photo_facts import photo_facts
from tp_keras.export.publishing import publish
from tp_keras.export.publishing import unpublished
from tp_keras.export.publishing import write_metadata
from tp_keras.files import check_place
from tp_keras.files import sha256
from tp_keras.records.record import read_records
from tp_keras.records.report import RECORDS_NAME
from tp_keras.records.report import read_measured
from tp_keras.runs.run_folder import RunFolder

# What a bundle says of its quality; the whole stays in the run folder.
FIGURES = ("accuracy", "balanced_accuracy", "mae", "within_tolerance")

# Ranges of activations hardly move any more, and rounding is coarser the
# wider they are.
CALIBRATION_COUNT = 256

# Out of how many the former are chosen: all that need be decoded.
_CALIBRATION_POOL = 4096


def export_run(
    run_dir,
    output_dir,
    *,
    name: str = BUNDLE_NAME,
    formats=(),
    latency_seconds: float = 1.0,
) -> pathlib.Path:
    """Exports the best model of a run; see `export_bundle`.

    Args:
        run_dir: Folder of the run.
        output_dir: Folder of all exported models.
        name: Name under which the model is served.
        formats: Names of file formats; see `get_formats`. Several are checked
            on the test split; see `add_formats`. Where the run's data is gone,
            noise takes its place and accuracy is left out.
        latency_seconds: How long to measure a file at a batch size.

    Raises:
        UserError: If the run is not there or holds no trained model, if a
            format is unknown, lacks its packages, needs training portraits
            that are gone, or differs from the model.

    Example:
        >>> export_run("runs/demo", "exported_models")
        PosixPath('exported_models/portrait_attributes/1')
    """
    # First what is cheap to refuse.
    formats = get_formats(formats)
    run = RunFolder(run_dir).require()
    calibration_images = None
    if any(item.needs_calibration for item in formats):
        calibration_images = _calibration_portraits(run)
    check_place(pathlib.Path(output_dir, name))
    classifier = run.load_model()
    limit = None if len(formats) > 1 else CHECK_COUNT
    portraits = _load(run, "test", limit)
    images = noise(classifier.schema.image_shape)
    if portraits is not None:
        images = portraits.images
    with unpublished(output_dir, name) as folder:
        model, facts = write_bundle(
            classifier, folder, images[:CHECK_COUNT], describe_run(run)
        )
        train = _load(run, "train", _CALIBRATION_POOL)
        facts |= photo_facts(run, classifier, folder, train)
        write_metadata(folder, facts)
        if len(formats) > 1:
            facts["formats"] = add_formats(
                folder,
                model,
                formats,
                tasks=classifier.tasks,
                images=images,
                expected=classifier.predict_answers(images, verbose=0),
                portraits=portraits,
                calibration_images=calibration_images,
                seconds=latency_seconds,
            )
            facts["formats_checked_on"] = _describe(portraits, len(images))
            write_metadata(folder, facts)
        return publish(folder)


def describe_run(run) -> dict:
    """Returns what `metadata.json` says of a run: no path of this machine."""
    settings = dataclasses.asdict(run.config)
    settings.pop("run_dir")
    settings["data"].pop("data_dir")
    for name in ("backbone", "from_run"):
        # Of a file or a folder its name; of a network's the whole.
        value = pathlib.Path(settings["model"][name])
        if value.is_absolute() or value.exists():
            settings["model"][name] = value.name
    folder, records = run.path / "evaluation" / "test", []
    if (folder / RECORDS_NAME).is_file():
        command = run.commands()["evaluate"]
        records = read_records(folder / RECORDS_NAME, command)
        read_measured(folder, command)
    return {
        "run": run.path.resolve().name,
        "model_sha256": sha256(run.model_path),
        "data_fingerprints": run.facts.get("fingerprints", {}),
        "figures": [
            describe_record(record)
            for record in records
            if record.metric in FIGURES and record.class_name is None
        ],
        "settings": settings,
    }


def _describe(portraits, count):
    if portraits is None:
        return {"dataset": "noise", "portraits": count}
    return {
        "dataset": portraits.dataset,
        "split": portraits.split,
        "fingerprint": portraits.fingerprint,
        "portraits": count,
    }


def _calibration_portraits(run):
    """Returns training portraits, in a choice that depends on the seed."""
    portraits = _load(run, "train", _CALIBRATION_POOL)
    if portraits is None:
        data = run.config.data.first
        command = builders.build_command(data.data_dir, data.dataset)
        raise UserError(
            "Integer formats are calibrated with training portraits, which are "
            "not there. Expected the data of the run; "
            f"`{command}` makes it again. Received: "
            f"data_dir={data.data_dir}, dataset={data.dataset}"
        )
    seed = run.config.training.seed
    return portraits.images[choose_rows(portraits, CALIBRATION_COUNT, seed)]


def _load(run, split, limit=None):
    """Returns portraits of the run's data, or None if there are none."""
    parts = run.config.data.parts
    found = [_load_part(data, split, limit) for data in parts]
    found = [portraits for portraits in found if portraits is not None]
    labels = run.config.data.selection(split).get("labels", ())
    found = take_labelled(found, labels, strict=False)
    return join(found).seen_as(run.schema) if found else None


def _load_part(data, split, limit):
    """Returns portraits of one data set of a run, or None."""
    try:
        splits = builders.find_builder(data.data_dir, data.dataset).info.splits
    except UserError:
        return None
    if split not in splits:
        return None
    part, storage = data.part(split), data.storage
    if limit is not None and part == split:
        part = f"{split}[:{min(limit, splits[split].num_examples)}]"
        storage = "memory"
    location = data.data_dir, data.dataset, part, storage
    return source.load_portraits(*location, progress=limit is None)


def choose_rows(portraits, count: int, seed: int) -> np.ndarray:
    """Chooses rows by chance, ascending, the `strata` of all tasks in turn.

    A rare class may reach activations that no other reaches. Taken in turn,
    each has as many portraits as it can give; rows without any label come
    last. If there are fewer than `count`, all are chosen.
    """
    order = np.random.default_rng(seed).permutation(len(portraits))
    queues = []
    for task in portraits.schema.tasks:
        classes = strata(task, portraits.labels[task.name])[order]
        queues += [order[classes == c] for c in np.unique(classes) if c >= 0]
    turns = itertools.zip_longest(*queues)
    in_turn = (row for turn in turns for row in turn if row is not None)
    chosen = dict.fromkeys(itertools.chain(in_turn, order))
    return np.sort(np.fromiter(itertools.islice(chosen, count), np.int64))
