"""Exports the `PortraitVAE` of a run, with all that is known of it."""

import collections
import dataclasses

import numpy as np

from tp_keras import serving
from tp_keras.data import source
from tp_keras.errors import UserError
from tp_keras.generator.export.bundle import expected_answers
from tp_keras.generator.export.bundle import export_vae_bundle
from tp_keras.generator.export.signatures import make_vae_signatures
from tp_keras.generator.training.folder import VaeRunFolder
from tp_keras.tasks import MISSING
from tp_keras.tasks import UNKNOWN

_CHECK_COUNT = 4


def export_vae_run(run_dir, output_dir, *, check=None):
    """Exports the model of a run; see `export_vae_bundle`.

    Args:
        run_dir: Folder of the run.
        output_dir: Folder of all exported models.
        check: None, or a function `(folder, expected)` that is called before
            the bundle is published, and raises to prevent it. `expected` are
            the answers of the model, from `expected_answers`.

    Returns:
        Folder of the version, a `pathlib.Path`.

    Raises:
        UserError: If the run is not there or holds no trained model.
    """
    run = VaeRunFolder(run_dir).require()
    vae = run.load_model()

    def check_folder(folder):
        shape = _CHECK_COUNT, *vae.schema.image_shape
        noise = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
        check(folder, expected_answers(vae, noise))

    return export_vae_bundle(
        vae,
        output_dir,
        metadata=_describe_run(run, vae.schema),
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
        (1, 96, 96, 3)
    """
    run = VaeRunFolder(run_dir).require()
    vae = run.load_model()
    return serving.PortraitGenerator(
        {
            name: signature.get_concrete_function()
            for name, signature in make_vae_signatures(vae).items()
        },
        {"schema": vae.schema.to_dict(), **_describe_run(run, vae.schema)},
    )


def _describe_run(run, schema):
    """Returns what `metadata.json` says of a run, without paths."""
    settings = dataclasses.asdict(run.config)
    settings.pop("run_dir")
    settings["data"].pop("data_dir")
    settings["model"].pop("classifier_run")
    return {
        "run": run.path.resolve().name,
        "data_fingerprints": run.facts.get("fingerprints", {}),
        "label_counts": _count_training_labels(run, schema),
        "settings": settings,
    }


def _count_training_labels(run, schema):
    """Returns `count_labels` of the training, None where the data is gone."""
    data = run.config.data
    try:
        portraits = source.load_portraits(
            data.data_dir, data.dataset, data.train_split, progress=False
        )
        run.check_fingerprints({"train": portraits.fingerprint})
    except UserError:
        return None
    return count_labels(portraits.seen_as(schema).labels, schema)


def count_labels(labels: dict, schema) -> list[dict]:
    """Returns how many portraits have each combination of labels.

    Args:
        labels: Dict of condition to int32 `[count]`, -1 where it is missing.
        schema: `Schema`.

    Returns:
        A dict for each combination that is there, the frequent ones first.

    Example:
        >>> count_labels({"weather": [0, 0], "season": [-1, -1]}, schema)
        [{'weather': 'dry', 'season': 'unknown', 'count': 2}]
    """
    tasks = schema.condition_tasks
    columns = [
        [
            (UNKNOWN, *task.classes)[number - MISSING]
            for number in labels[task.name]
        ]
        for task in tasks
    ]
    names = [task.name for task in tasks]
    counter = collections.Counter(zip(*columns, strict=True))
    return [
        {**dict(zip(names, cell, strict=True)), "count": count}
        for cell, count in sorted(
            counter.items(), key=lambda item: (-item[1], item[0])
        )
    ]
