"""Writes the bundle of a classifier."""

import pathlib

import tensorflow as tf

from tp_keras.export.folding import fold_batch_normalization
from tp_keras.export.publishing import describe_export
from tp_keras.export.publishing import describe_tasks
from tp_keras.export.publishing import publish_bundle
from tp_keras.export.publishing import write_metadata
from tp_keras.export.signatures import constant_function
from tp_keras.export.signatures import make_signatures
from tp_keras.tasks import IMAGE_SHAPE

BUNDLE_NAME = "portrait_attributes"


def export_bundle(
    classifier,
    output_dir,
    *,
    metadata: dict | None = None,
    name: str = BUNDLE_NAME,
    version: int | None = None,
    add=None,
    check=None,
) -> pathlib.Path:
    """Exports a classifier as `<output_dir>/<name>/<version>/`.

    The bundle is a SavedModel with folded batch normalisation and constant
    weights, and `metadata.json` beside it. It is written aside and appears
    under its version whole or, on any failure, not at all.

    Args:
        classifier: A trained `PortraitClassifier`, or anything with `tasks`
            and `inference_model()`.
        output_dir: Folder of all exported models.
        metadata: What else `metadata.json` shall say: figures, fingerprint of
            the data, settings. Must be possible to write as JSON.
        name: Name of the model, under which it is served.
        version: Int. A free version number; None for the next one.
        add: Function of the folder and the folded model, called when the
            SavedModel is in the folder. It may write more files, and returns
            more metadata.
        check: Function of the folder, called before it is published; what it
            raises keeps it from being so.

    Returns:
        Folder of the version.

    Raises:
        UserError: If `version` is taken or negative.

    Example:
        >>> export_bundle(classifier, "exported_models")
        PosixPath('exported_models/portrait_attributes/1')
    """
    return publish_bundle(
        output_dir,
        name,
        lambda folder: _write(classifier, folder, metadata or {}, add),
        version=version,
        check=check,
    )


def _write(classifier, folder, metadata, add):
    model = fold_batch_normalization(classifier.inference_model())
    # A bare module: one that tracks the model would save its variables.
    module = tf.Module()
    infer = constant_function(model)
    signatures = make_signatures(infer, classifier.tasks)
    tf.saved_model.save(module, str(folder), signatures=signatures)
    added = {} if add is None else add(folder, model)
    write_metadata(
        folder,
        {
            "tasks": describe_tasks(classifier.tasks),
            "input": {"image": ["batch", *IMAGE_SHAPE], "dtype": "uint8"},
            "signatures": sorted(signatures),
            "parameters": model.count_params(),
            **describe_export(),
            **metadata,
            **added,
        },
    )
