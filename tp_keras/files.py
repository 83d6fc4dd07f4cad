"""Files and folders that take their place whole or not at all."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import uuid
from collections.abc import Iterator

import psutil

_MARK = ".partial-"


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


def write_json(path: str | os.PathLike, values) -> None:
    """Writes values as JSON, indented, as `replaced` does."""
    write_text(path, json.dumps(values, indent=2) + "\n")


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


def check_place(path: str | os.PathLike) -> None:
    """Raises what the system has against a new file or folder there.

    For what takes long to be asked before it begins.
    """
    path = pathlib.Path(path)
    parent = next(one for one in path.parents if os.path.lexists(one))
    aside = _aside(parent / path.name)
    aside.mkdir()
    aside.rmdir()


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


def final_name(path: str) -> str:
    """Returns the place of what is written aside, for texts; others as is."""
    return re.sub(rf"\.\d+-\w{{8}}{re.escape(_MARK)}", "", path)


def _aside(path: pathlib.Path) -> pathlib.Path:
    name = f".{os.getpid()}-{uuid.uuid4().hex[:8]}{_MARK}{path.name}"
    return path.with_name(name)
