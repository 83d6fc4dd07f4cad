"""Publishes a bundle under its version by one rename, whatever its kind."""

import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import shutil
import tempfile

import tp_keras
from tp_keras.errors import UserError

METADATA_FILE = "metadata.json"

# TensorFlow Serving takes every integer for a version, and nothing else.
_UNPUBLISHED_PREFIX = ".unpublished-"


def publish_bundle(
    output_dir, name: str, write, *, version: int | None = None, check=None
) -> pathlib.Path:
    """Makes `<output_dir>/<name>/<version>/` whole or, on failure, not at all.

    Args:
        output_dir: Folder of all exported models.
        name: Name of the model, under which it is served.
        write: Function of an empty folder that fills it.
        version: Int. A free version number; None for the next one.
        check: Function of the folder, called before it is published; what it
            raises keeps it from being so.

    Returns:
        Folder of the version.

    Raises:
        UserError: If `version` is taken or negative.
    """
    base = pathlib.Path(output_dir) / name
    _check_free(base, version)
    base.mkdir(parents=True, exist_ok=True)
    unpublished = pathlib.Path(
        tempfile.mkdtemp(prefix=_UNPUBLISHED_PREFIX, dir=base)
    )
    try:
        write(unpublished)
        if check is not None:
            check(unpublished)
        return _publish(unpublished, base, version)
    except BaseException:
        shutil.rmtree(unpublished, ignore_errors=True)
        raise


def describe_tasks(tasks) -> list[dict]:
    """Returns names and classes of tasks as `metadata.json` has them."""
    return [
        {"name": task.name, "classes": list(task.classes)} for task in tasks
    ]


def describe_export() -> dict:
    """Returns when and with which versions of the packages it is written."""
    return {
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
    }


def write_metadata(bundle_dir, content: dict) -> None:
    """Writes a bundle's `metadata.json`."""
    text = json.dumps(content, indent=2) + "\n"
    (pathlib.Path(bundle_dir) / METADATA_FILE).write_text(text)


def read_metadata(bundle_dir) -> dict:
    """Returns the content of a bundle's `metadata.json`."""
    return json.loads((pathlib.Path(bundle_dir) / METADATA_FILE).read_text())


def bundle_size(bundle_dir) -> int:
    """Returns the bytes of all files of a bundle."""
    return sum(
        path.stat().st_size
        for path in pathlib.Path(bundle_dir).rglob("*")
        if path.is_file()
    )


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
