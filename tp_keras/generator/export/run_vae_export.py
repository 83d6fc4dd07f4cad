"""Exports the `PortraitVAE` of a run, with all that is known of it."""

import collections
import dataclasses

import numpy as np

from tp_keras import serving
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.generator.export.vae_bundle import VAE_BUNDLE_NAME
from tp_keras.generator.export.vae_bundle import expected_answers
from tp_keras.generator.export.vae_bundle import export_vae_bundle
from tp_keras.generator.export.vae_signatures import make_vae_signatures
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.tasks import IMAGE_SHAPE
from tp_keras.tasks import MISSING
from tp_keras.tasks import TASKS
from tp_keras.tasks import UNKNOWN

_CHECK_COUNT = 4


def export_vae_run(run_dir, output_dir, *, name=VAE_BUNDLE_NAME, check=None):
    """Exports the model of a run; see `export_vae_bundle`.

    Args:
        run_dir: Folder of the run.
        output_dir: Folder of all exported models.
        name: Name of the model, under which it is served.
        check: None, or a function `(folder, expected)` that is called before
            the bundle is published, and raises to prevent it. `expected` are
            the answers of the model, from `expected_answers`.

    Returns:
        Folder of the version, a `pathlib.Path`.

    Raises:
        UserError: If the run is not there, holds no trained model, or one of
            images of another size.

    Example:
        >>> export_vae_run("runs/vae", "exported_models")
        PosixPath('exported_models/portrait_vae/1')
    """
    run = VaeRunFolder(run_dir).require()
    vae = run.load_model()

    def check_folder(folder):
        check(folder, expected_answers(vae, _noise()))

    return export_vae_bundle(
        vae,
        output_dir,
        metadata=describe_vae_run(run),
        name=name,
        check=None if check is None else check_folder,
    )


def run_generator(run_dir) -> serving.PortraitGenerator:
    """Returns the generator of a run, without exporting it.

    It goes through the graph that would be exported: a seed means the same
    portrait as in a bundle.

    Args:
        run_dir: Folder of the run.

    Raises:
        UserError: As `export_vae_run`.

    Example:
        >>> run_generator("runs/vae").generate({}, seeds=[7]).shape
        (1, 108, 84, 3)
    """
    run = VaeRunFolder(run_dir).require()
    signatures = make_vae_signatures(run.load_model())
    return serving.PortraitGenerator(
        {
            name: signature.get_concrete_function()
            for name, signature in signatures.items()
        },
        describe_vae_run(run),
    )


def describe_vae_run(run) -> dict:
    """Returns what `metadata.json` says of a run.

    Args:
        run: A `VaeRunFolder`.

    Returns:
        Dict of the run's name, its settings without the paths of this machine,
        the fingerprints of its data, and how many of its training portraits
        have each combination of labels, None where the data is gone.
    """
    settings = dataclasses.asdict(run.config)
    settings.pop("run_dir", None)
    settings["data"].pop("data_dir", None)
    settings["model"].pop("classifier_run", None)
    return {
        "run": run.path.resolve().name,
        "data_fingerprints": run.facts.get("fingerprints", {}),
        "label_counts": _count_training_labels(run),
        "settings": settings,
    }


def count_labels(labels: dict) -> list[dict]:
    """Returns how many portraits have each combination of labels.

    Args:
        labels: Dict of task name to int32 `[count]`, -1 where it is missing.

    Returns:
        A dict for each combination that is there, of task name to class name
        (`"unknown"` where it is missing) and `count`, the frequent ones first.

    Example:
        >>> count_labels({"gender": [0, 0], "hair_color": [2, 2],
        ...               "hair_type": [-1, -1]})
        [{'gender': 'female', 'hair_color': 'blond', 'hair_type': 'unknown',
          'count': 2}]
    """
    columns = []
    for task in TASKS:
        vocabulary = (UNKNOWN, *task.classes)
        numbers = np.asarray(labels[task.name]) - MISSING
        columns.append([vocabulary[number] for number in numbers])
    names = [task.name for task in TASKS]
    counter = collections.Counter(zip(*columns, strict=True))
    return [
        {**dict(zip(names, cell, strict=True)), "count": count}
        for cell, count in sorted(
            counter.items(), key=lambda item: (-item[1], item[0])
        )
    ]


def _count_training_labels(run):
    data = run.config.data
    try:
        portraits = source.load_portraits(
            data.data_dir, data.dataset, data.train_split, progress=False
        )
        run.check_fingerprints({"train": portraits.fingerprint})
    except UserError:
        return None
    return count_labels(portraits.labels)


def _noise() -> np.ndarray:
    generator = np.random.default_rng(0)
    shape = (_CHECK_COUNT, *IMAGE_SHAPE)
    return generator.integers(0, 256, shape, dtype=np.uint8)
