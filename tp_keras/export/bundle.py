"""Writes a bundle and publishes it under its version by one rename."""

import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import tempfile

import tensorflow as tf

import tp_keras
from tp_keras.errors import UserError
from tp_keras.export.folding import fold_batch_normalization
from tp_keras.export.signatures import constant_function
from tp_keras.export.signatures import make_signatures
from tp_keras.tasks import IMAGE_SHAPE

BUNDLE_NAME = "portrait_attributes"
METADATA_FILE = "metadata.json"

# TensorFlow Serving takes every integer for a version, and nothing else.
_UNPUBLISHED_PREFIX = ".unpublished-"


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
    base = pathlib.Path(output_dir) / name
    _check_free(base, version)
    base.mkdir(parents=True, exist_ok=True)
    unpublished = pathlib.Path(
        tempfile.mkdtemp(prefix=_UNPUBLISHED_PREFIX, dir=base)
    )
    try:
        _write(classifier, unpublished, metadata or {}, add)
        if check is not None:
            check(unpublished)
        return _publish(unpublished, base, version)
    except BaseException:
        shutil.rmtree(unpublished, ignore_errors=True)
        raise


def bundle_size(bundle_dir) -> int:
    """Returns the bytes of all files of a bundle."""
    return sum(
        path.stat().st_size
        for path in pathlib.Path(bundle_dir).rglob("*")
        if path.is_file()
    )


def read_metadata(bundle_dir) -> dict:
    """Returns the content of a bundle's `metadata.json`."""
    return json.loads((pathlib.Path(bundle_dir) / METADATA_FILE).read_text())


def _write(classifier, folder, metadata, add):
    model = fold_batch_normalization(classifier.inference_model())
    # A bare module: one that tracks the model would save its variables.
    module = tf.Module()
    infer = constant_function(model)
    signatures = make_signatures(infer, classifier.tasks)
    tf.saved_model.save(module, str(folder), signatures=signatures)
    added = {} if add is None else add(folder, model)
    content = {
        "tasks": [
            {"name": task.name, "classes": list(task.classes)}
            for task in classifier.tasks
        ],
        "input": {"image": ["batch", *IMAGE_SHAPE], "dtype": "uint8"},
        "signatures": sorted(signatures),
        "parameters": model.count_params(),
        "created": datetime.datetime.now(datetime.UTC).isoformat(
            timespec="seconds"
        ),
        "versions": {
            "tp_keras": tp_keras.__version__,
            "python": platform.python_version(),
            **{
                package: importlib.metadata.version(package)
                for package in ("keras", "tensorflow", "numpy")
            },
        },
        **metadata,
        **added,
    }
    text = json.dumps(content, indent=2) + "\n"
    (folder / METADATA_FILE).write_text(text)


def _publish(unpublished, base, version):
    # `mkdtemp` made it for this user alone; a server runs as another.
    umask = os.umask(0)
    os.umask(umask)
    unpublished.chmod(0o777 & ~umask)
    while True:
        target = base / str(_next_version(base) if version is None else version)
        try:
            # Onto a folder that is not empty, `rename` fails.
            return unpublished.rename(target)
        except OSError:
            _check_free(base, version)
            if not target.exists():
                raise


def _next_version(base) -> int:
    taken = [int(p.name) for p in base.iterdir() if p.name.isdecimal()]
    return max(taken, default=0) + 1


def _check_free(base, version):
    if version is None:
        return
    if version < 0 or (base / str(version)).exists():
        raise UserError(
            "Expected a version number that is free: a served version is never "
            f"overwritten. Received: version={version}, in {str(base)!r}"
        )
