"""Folders and files that take their place whole or not at all."""

import contextlib
import os
import pathlib
import shutil
from collections.abc import Iterator


@contextlib.contextmanager
def new_folder(folder: str | os.PathLike) -> Iterator[pathlib.Path]:
    """Yields an empty folder that takes the place of `folder` at the end.

    It lies beside its place, and one rename puts it there, so that figures of
    two evaluations never lie side by side. If the block raises, what was there
    stays as it was.

    Args:
        folder: Folder to write; one that is there is replaced.

    Example:
        >>> with new_folder("runs/demo/evaluation/test") as aside:
        ...     (aside / "table.md").write_text("...")
    """
    folder = pathlib.Path(folder)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        aside.mkdir(parents=True)
        yield aside
        _replace(folder, aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes `text` to `path`: beside its place, then one rename."""
    write_bytes(path, text.encode("utf-8"))


def write_bytes(path: str | os.PathLike, content: bytes) -> None:
    """Writes `content` to `path`, as `write_text` does."""
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        aside.write_bytes(content)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _replace(folder: pathlib.Path, aside: pathlib.Path) -> None:
    """Renames `aside` to `folder`, and then drops what was there before."""
    if not folder.exists():
        os.rename(aside, folder)
        return
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    os.rename(folder, old)
    try:
        os.rename(aside, folder)
    except OSError:
        os.rename(old, folder)
        raise
    shutil.rmtree(old)
