"""Exports the model of a run folder, with all that is known of it."""

import pathlib

from tp_keras import config as config_lib
from tp_keras.data import builders
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.export.bundle import BUNDLE_NAME
from tp_keras.export.bundle import noise
from tp_keras.export.bundle import write_bundle
from tp_keras.export.formats import add_formats
from tp_keras.export.formats import get_formats
from tp_keras.export.formats.calibration import choose_rows
from tp_keras.export.publishing import publish
from tp_keras.export.publishing import unpublished
from tp_keras.export.publishing import write_metadata
from tp_keras.records import record as records_lib
from tp_keras.runs.run_folder import RunFolder

# What a bundle says of its quality; the whole stays in the run folder.
FIGURES = ("accuracy", "balanced_accuracy", "mae", "within_tolerance")
_FIGURE_FIELDS = ("metric", "task", "group", "value", "low", "high", "count")

_CHECK_COUNT = 8

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
        name: Name of the model, under which it is served.
        formats: Names of file formats; see `get_formats`. Several are checked
            on the test split; see `add_formats`. Where the run's data is gone,
            noise takes its place and accuracy is left out.
        latency_seconds: How long to measure a file at a batch size.

    Returns:
        Folder of the version.

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
    classifier = run.load_model()
    limit = None if len(formats) > 1 else _CHECK_COUNT
    portraits = _load(run, "test", limit)
    images = noise(classifier.schema.image_shape)
    if portraits is not None:
        images = portraits.images
    with unpublished(output_dir, name) as folder:
        model, facts = write_bundle(
            classifier, folder, images[:_CHECK_COUNT], describe_run(run)
        )
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
    settings = config_lib.config_to_dict(run.config)
    settings.pop("run_dir")
    settings["data"].pop("data_dir")
    for name in ("backbone", "from_run"):
        # Of a file or a folder its name; of a network's the whole.
        value = pathlib.Path(settings["model"][name])
        if value.is_absolute() or value.exists():
            settings["model"][name] = value.name
    records_file = run.path / "evaluation" / "test" / "records.jsonl"
    records = []
    if records_file.is_file():
        records = records_lib.read_records(records_file)
    return {
        "run": run.path.resolve().name,
        "data_fingerprints": run.facts.get("fingerprints", {}),
        "figures": [
            {field: getattr(record, field) for field in _FIGURE_FIELDS}
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
        data = run.config.data
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
    data = run.config.data
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
    portraits = source.load_portraits(
        data.data_dir, data.dataset, part, storage, progress=limit is None
    )
    return portraits.seen_as(run.schema)
