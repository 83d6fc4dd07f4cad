"""Exports the model of a run folder, with all that is known of it."""

import numpy as np

from tp_keras import config as config_lib
from tp_keras import run_folder as run_folder_lib
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.evaluation import records as records_lib
from tp_keras.export.bundle import BUNDLE_NAME
from tp_keras.export.bundle import export_bundle
from tp_keras.tasks import IMAGE_SHAPE

# What a bundle says of its quality; the whole stays in the run folder.
FIGURES = ("accuracy", "balanced_accuracy", "macro_f1")

_CHECK_COUNT = 8


def export_run(run_dir, output_dir, *, name=BUNDLE_NAME, check=None):
    """Exports the best model of a run; see `export_bundle`.

    Args:
        run_dir: Folder of the run.
        output_dir: Folder of all exported models.
        name: Name of the model, under which it is served.
        check: None, or a function `(folder, reference, images)` that is called
            before the bundle is published, and raises to prevent it.
            `reference` is the model to compare with, a function of the images.

    Returns:
        Folder of the version, a `pathlib.Path`.

    Raises:
        UserError: If the run is not there or holds no trained model.

    Example:
        >>> export_run("runs/demo", "exported_models")
        PosixPath('exported_models/portrait_attributes/1')
    """
    run = run_folder_lib.RunFolder(run_dir).require()
    classifier = run.load_model()
    check_folder = None
    if check is not None:
        model = classifier.inference_model()
        images = _some_portraits(run.config)

        def check_folder(folder):
            check(folder, lambda x: model(x, training=False), images)

    return export_bundle(
        classifier,
        output_dir,
        metadata=describe_run(run),
        name=name,
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


def _some_portraits(config) -> np.ndarray:
    """Returns a few portraits of the run's data, or noise if it is gone."""
    try:
        return source.load_portraits(
            config.data.data_dir,
            config.data.dataset,
            f"test[:{_CHECK_COUNT}]",
            progress=False,
        ).images
    except UserError:
        generator = np.random.default_rng(0)
        shape = (_CHECK_COUNT, *IMAGE_SHAPE)
        return generator.integers(0, 256, shape, dtype=np.uint8)
