"""Files and folders that take their place whole or not at all."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import uuid
from collections.abc import Iterator

import psutil

from tp_keras.errors import UserError

_MARK = ".partial-"

# By which a JSON file tells whether it is as it was written.
_CHECKSUM = "checksum"


@contextlib.contextmanager
def replaced(path: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields a path for a file that takes the place of `path` at the end.

    It lies beside its place and has the same ending, which tells libraries the
    format; one rename puts it there. If the block raises, what was there stays.

    Example:
        >>> with replaced("runs/demo/model.keras") as aside:
        ...     model.save(aside)
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = _aside(path)
    try:
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text in UTF-8 as `replaced` does."""
    with replaced(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: str | os.PathLike, values, checksum=False) -> None:
    """Writes values as JSON, indented, as `replaced` does.

    With a `checksum`, which is among the values of the dict that is written,
    `read_json` finds any later change of them.
    """
    if checksum:
        # As they are read: JSON knows neither tuples nor numbers as names.
        values = json.loads(json.dumps(values))
        values[_CHECKSUM] = _checksum_of(values)
    write_text(path, json.dumps(values, indent=2) + "\n")


def read_json(path: str | os.PathLike, remedy: str, **kinds) -> dict:
    """Returns the dict that a file of `write_json` holds, less its checksum.

    Args:
        path: The file.
        remedy: What helps where it is damaged, as a part of a sentence.
        **kinds: Name -> type, or types, of values that may be there.

    Raises:
        FileNotFoundError: If there is none.
        UserError: If it is not what was written.
    """
    path = pathlib.Path(path)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise ValueError(f"a {type(values).__name__}, not an object")
        for name, kind in kinds.items():
            if not isinstance(values.get(name), kind) and name in values:
                raise ValueError(f"{name}={values[name]!r}"[:80])
        if _CHECKSUM in values and (
            values.pop(_CHECKSUM) != _checksum_of(values)
        ):
            raise ValueError("other values than its checksum was made of")
    except ValueError as error:
        raise UserError(
            f"Expected JSON in {path}, as it was written; {remedy}. "
            f"Received: {error}"
        ) from error
    return values


def sha256(path: str | os.PathLike) -> str:
    """Returns the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checksum_of(values):
    text = json.dumps(values, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@contextlib.contextmanager
def new_folder(folder: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields an empty folder that takes the place of `folder` at the end.

    As `replaced`, so that figures of two evaluations never lie side by side.
    """
    folder = pathlib.Path(folder)
    aside, old = _aside(folder), _aside(folder)
    try:
        aside.mkdir(parents=True)
        yield aside
        if folder.exists():
            os.rename(folder, old)
        try:
            os.rename(aside, folder)
        except OSError:
            if old.exists():
                os.rename(old, folder)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextlib.contextmanager
def scratch_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields an empty folder beside `path`, gone at the end unless renamed.

    What killed processes have left of such ones is removed.
    """
    remove_leftovers(path)
    aside = _aside(path)
    try:
        aside.mkdir(parents=True)
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def remove_leftovers(path: str | os.PathLike) -> None:
    """Removes what killed processes have left of writing a file or folder."""
    path = pathlib.Path(path)
    for left in path.parent.glob(f".*{_MARK}{path.name}"):
        process = left.name[1:].split("-")[0]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


def _aside(path: pathlib.Path) -> pathlib.Path:
    name = f".{os.getpid()}-{uuid.uuid4().hex[:8]}{_MARK}{path.name}"
    return path.with_name(name)
