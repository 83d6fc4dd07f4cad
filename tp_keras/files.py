"""Files and folders that take their place whole or not at all."""

import contextlib
import errno
import glob
import hashlib
import json
import os
import pathlib
import re
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
    What killed processes have left of such ones is removed.

    Example:
        >>> with replaced("runs/demo/model.keras") as aside:
        ...     model.save(aside)
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent, glob.escape(path.name))
    aside = _aside(path)
    try:
        yield aside
        _sync(aside)
        os.replace(aside, path)
        _sync(path.parent)
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
    with scratch_folder(folder) as aside:
        yield aside
        for path in [*aside.rglob("*"), aside]:
            _sync(path)
        old = _aside(folder)
        if folder.exists():
            os.rename(folder, old)
        try:
            os.rename(aside, folder)
        except OSError:
            if old.exists():
                os.rename(old, folder)
            raise
        _sync(folder.parent)
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def scratch_folder(path: pathlib.Path) -> Iterator[pathlib.Path]:
    """Yields an empty folder beside `path`, gone at the end unless renamed.

    What killed processes have left of such ones is removed.
    """
    remove_leftovers(path.parent, glob.escape(path.name))
    aside = _aside(path)
    try:
        aside.mkdir(parents=True)
        yield aside
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


def visible(folder: str | os.PathLike) -> list[pathlib.Path]:
    """Returns what lies in a folder, but for hidden files such as leftovers."""
    paths = sorted(pathlib.Path(folder).iterdir())
    return [path for path in paths if not path.name.startswith(".")]


def remove_leftovers(folder: str | os.PathLike, name: str = "*") -> None:
    """Removes what killed processes have left of writing files or folders.

    Args:
        folder: Where they were to lie.
        name: Of one of them, as a pattern; all by default.
    """
    for left in pathlib.Path(folder).glob(f".*{_MARK}{name}"):
        process = left.name[1:].split("-")[0]
        if process.isdigit() and not psutil.pid_exists(int(process)):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink(missing_ok=True)


@contextlib.contextmanager
def only_one(folder: str | os.PathLike) -> Iterator[None]:
    """Keeps other processes out of a folder, as long as they ask likewise.

    The kernel lets go of the lock when the process ends, however it ends. The
    file that is locked lies beside the folder, which needn't be there, and is
    removed at the end.

    Raises:
        UserError: If another process is at work there.
    """
    try:
        import fcntl
    except ImportError:  # There is none on Windows.
        yield
        return
    folder = pathlib.Path(folder).resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    path = folder.with_name(f".{folder.name}.lock")
    with contextlib.ExitStack() as stack:
        while True:
            file = stack.enter_context(path.open("a"))
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise UserError(
                    "Another process is at work in this folder. Wait for its "
                    f"end, or give another folder. Received: {folder}"
                ) from error
            # Who had it before may have removed the file in the meantime.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(file.fileno()), path.stat()):
                    break
        stack.callback(path.unlink, missing_ok=True)
        yield


def _sync(path: pathlib.Path) -> None:
    """Has a file or folder written to the disk, as far as there is one."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    # Some file systems know no such thing for folders.
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.EBADF):
            raise
    finally:
        os.close(handle)


def final_name(path: str) -> str:
    """Returns the place of what is written aside, for texts; others as is."""
    return re.sub(rf"\.\d+-\w{{8}}{re.escape(_MARK)}", "", path)


def _aside(path: pathlib.Path) -> pathlib.Path:
    name = f".{os.getpid()}-{uuid.uuid4().hex[:8]}{_MARK}{path.name}"
    return path.with_name(name)
