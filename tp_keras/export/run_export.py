"""Exports the model of a run folder, with all that is known of it."""

import pathlib

import numpy as np

from tp_keras import config as config_lib
from tp_keras.data import builders
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.export.bundle import BUNDLE_NAME
from tp_keras.export.bundle import export_bundle
from tp_keras.export.formats import add_formats
from tp_keras.export.formats import get_formats
from tp_keras.export.formats.calibration import choose_rows
from tp_keras.records import record as records_lib
from tp_keras.runs import run_folder as run_folder_lib
from tp_keras.tasks import IMAGE_SHAPE

# What a bundle says of its quality; the whole stays in the run folder.
FIGURES = ("accuracy", "balanced_accuracy", "macro_f1")

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
    name=BUNDLE_NAME,
    formats=(),
    latency_seconds=1.0,
    check=None,
):
    """Exports the best model of a run; see `export_bundle`.

    Args:
        run_dir: Folder of the run.
        output_dir: Folder of all exported models.
        name: Name of the model, under which it is served.
        formats: Names of the file formats, out of `FORMATS`; the SavedModel
            is always written. With more than that one each is checked on the
            test split; see `add_formats`. Where the run's data is gone, noise
            takes its place and accuracy is left out.
        latency_seconds: Float. How long to measure a file at a batch size.
        check: None, or a function `(folder, reference, images)` that is called
            before the bundle is published, and raises to prevent it.
            `reference` is the model to compare with, a function of the images.

    Returns:
        Folder of the version, a `pathlib.Path`.

    Raises:
        UserError: If the run is not there or holds no trained model, or if a
            format is unknown, lacks its packages, needs training portraits
            that are gone, or differs from the model.

    Example:
        >>> export_run("runs/demo", "exported_models")
        PosixPath('exported_models/portrait_attributes/1')
    """
    # First what is cheap to refuse.
    formats = get_formats(formats)
    run = run_folder_lib.RunFolder(run_dir).require()
    calibration_images = None
    if any(item.needs_calibration for item in formats):
        calibration_images = _calibration_portraits(run.config)
    classifier = run.load_model()
    check_folder = None
    if check is not None:
        model = classifier.inference_model()
        some = _load(run.config, "test", _CHECK_COUNT, progress=False)
        images = _noise() if some is None else some.images

        def check_folder(folder):
            check(folder, lambda x: model(x, training=False), images)

    def add(folder, folded):
        return _add_formats(
            folder,
            folded,
            formats,
            classifier,
            _load(run.config, "test", storage=run.config.data.storage),
            calibration_images,
            latency_seconds,
        )

    return export_bundle(
        classifier,
        output_dir,
        metadata=describe_run(run),
        name=name,
        add=add if len(formats) > 1 else None,
        check=check_folder,
    )


def describe_run(run) -> dict:
    """Returns what `metadata.json` says of a run.

    Args:
        run: A `RunFolder`.

    Returns:
        Dict of the run's name, its settings without the paths of this machine,
        the fingerprints of its data, and the figures of the test split, empty
        before an evaluation.
    """
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
    keys = ("metric", "task", "group", "value", "low", "high", "count")
    return {
        "run": run.path.resolve().name,
        "data_fingerprints": run.facts.get("fingerprints", {}),
        "figures": [
            {key: getattr(record, key) for key in keys}
            for record in records
            if record.metric in FIGURES and record.class_name is None
        ],
        "settings": settings,
    }


def _add_formats(
    folder, folded, formats, classifier, portraits, calibration_images, seconds
) -> dict:
    """Returns what `metadata.json` says of formats, after writing them."""
    if portraits is None:
        images, labels = _noise(), None
        data = {"dataset": "noise"}
    else:
        images, labels = portraits.images, portraits.labels
        data = {
            "dataset": portraits.dataset,
            "split": portraits.split,
            "fingerprint": portraits.fingerprint,
        }
    entries = add_formats(
        folder,
        folded,
        formats,
        images=images,
        expected=classifier.predict_answers(images, verbose=0),
        labels=labels,
        calibration_images=calibration_images,
        seconds=seconds,
    )
    return {
        "formats": entries,
        "formats_checked_on": {**data, "portraits": len(images)},
    }


def _calibration_portraits(config) -> np.ndarray:
    """Returns training portraits, in a choice that depends on the seed."""
    portraits = _load(config, "train", _CALIBRATION_POOL)
    if portraits is None:
        command = builders.build_command(
            config.data.data_dir, config.data.dataset
        )
        raise UserError(
            "Integer formats are calibrated with training portraits, which are "
            "not there. Expected the data of the run; "
            f"`{command}` makes it again. Received: "
            f"data_dir={config.data.data_dir}, dataset={config.data.dataset}"
        )
    rows = choose_rows(
        portraits.labels, CALIBRATION_COUNT, config.training.seed
    )
    return portraits.images[rows]


def _load(config, split, limit=None, **kwargs):
    """Returns portraits of the run's data, or None if there are none."""
    data_dir, dataset = config.data.data_dir, config.data.dataset
    try:
        splits = builders.find_builder(data_dir, dataset).info.splits
    except UserError:
        return None
    if split not in splits:
        return None
    part = config.data.part(split)
    if limit is not None and part == split:
        part = f"{split}[:{min(limit, splits[split].num_examples)}]"
    return source.load_portraits(data_dir, dataset, part, **kwargs)


def _noise() -> np.ndarray:
    generator = np.random.default_rng(0)
    shape = (_CHECK_COUNT, *IMAGE_SHAPE)
    return generator.integers(0, 256, shape, dtype=np.uint8)
