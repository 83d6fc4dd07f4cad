"""Publishes a bundle under its version by one rename, whatever its kind."""

import contextlib
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
from collections.abc import Iterator

import tp_keras
from tp_keras.files import scratch_folder
from tp_keras.files import write_json
from tp_keras.files import write_text
from tp_keras.serving.locate import METADATA_FILE
from tp_keras.serving.locate import UNPUBLISHED
from tp_keras.serving.locate import describe_file
from tp_keras.serving.server_files import write_server_files


@contextlib.contextmanager
def unpublished(output_dir, name: str) -> Iterator[pathlib.Path]:
    """Yields an empty folder for a model, gone at the end unless published.

    Example:
        >>> with unpublished("exported_models", "mine") as folder:
        ...     write_everything(folder)
        ...     version = publish(folder)
    """
    base = pathlib.Path(output_dir) / name
    base.mkdir(parents=True, exist_ok=True)
    try:
        with scratch_folder(base / UNPUBLISHED) as folder:
            yield folder
    finally:
        with contextlib.suppress(OSError):
            base.rmdir()  # If there is no version in it.


def publish(folder: pathlib.Path) -> pathlib.Path:
    """Makes a folder of `unpublished` the next version, and returns it.

    Its `metadata.json` is to be there, and tells from now on the size and the
    SHA-256 of every other file, and a checksum of itself: whoever gets a copy
    can see whether it is whole. The files that a server is started with, beside
    the models, follow.
    """
    metadata = json.loads((folder / METADATA_FILE).read_text())
    metadata["files"] = {
        path.relative_to(folder).as_posix(): describe_file(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path != folder / METADATA_FILE
    }
    write_json(folder / METADATA_FILE, metadata, checksum=True)
    version = _take_place(folder)
    write_server_files(version.parents[1])
    return version


def _take_place(folder):
    """Renames a folder to the next version that is free."""
    # `mkdtemp` made it for this user alone; a server runs as another.
    umask = os.umask(0)
    os.umask(umask)
    folder.chmod(0o777 & ~umask)
    while True:
        names = [path.name for path in folder.parent.iterdir()]
        taken = [int(name) for name in names if name.isdecimal()]
        target = folder.with_name(str(max(taken, default=0) + 1))
        try:
            # Onto a folder that is not empty, `rename` fails.
            return folder.rename(target)
        except OSError:
            if not target.exists():
                raise


def describe_export() -> dict:
    """Returns when and with which versions of the packages it is written."""
    now = datetime.datetime.now(datetime.UTC)
    packages = ("keras", "tensorflow", "numpy")
    return {
        "created": now.isoformat(timespec="seconds"),
        "versions": {
            "tp_keras": tp_keras.__version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in packages},
        },
    }


def write_metadata(bundle_dir, content: dict) -> None:
    """Writes a bundle's `metadata.json`."""
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    write_text(pathlib.Path(bundle_dir) / METADATA_FILE, text)


def bundle_size(bundle_dir) -> int:
    """Returns the bytes of all files of a bundle."""
    paths = pathlib.Path(bundle_dir).rglob("*")
    return sum(path.stat().st_size for path in paths if path.is_file())
