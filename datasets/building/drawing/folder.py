"""Draws a pack of files into a folder, whole or not at all."""

import json
import os
import pathlib
import shutil
import zipfile
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any

import tqdm

from ..errors import DatasetInputError
from ..workers import count_cores
from ..workers import map_in_order

_PACK_FILE = "pack.json"
_CHUNK = 32  # portraits asked for at once


def draw_folder(
    output_dir: str | os.PathLike,
    settings: dict[str, Any],
    write: Callable[[pathlib.Path], None],
) -> pathlib.Path:
    """Draws a pack, unless it is there already.

    It is drawn into a folder beside `output_dir` and renamed at the end: a
    drawing that is killed leaves no pack.

    Args:
        output_dir: The folder of the pack.
        settings: All that it depends on, with `seed` and `count`.
        write: Draws the files into an existing folder.

    Returns:
        `output_dir` as a path.

    Raises:
        DatasetInputError: If `output_dir` holds anything else than a pack of
            these settings.
    """
    output_dir = pathlib.Path(output_dir).expanduser()
    if output_dir.is_file() or (
        output_dir.is_dir() and any(output_dir.iterdir())
    ):
        if _read_settings(output_dir) == settings:
            return output_dir
        raise DatasetInputError(
            "The output folder is something else than a pack of these "
            "settings. Give another --output_dir or delete it. "
            f"Received: output_dir={output_dir}, count={settings['count']}, "
            f"seed={settings['seed']}"
        )
    drawing = output_dir.with_name(f".{output_dir.name}.drawing")
    shutil.rmtree(drawing, ignore_errors=True)  # of a killed drawing
    drawing.mkdir(parents=True)
    try:
        write(drawing)
        (drawing / _PACK_FILE).write_text(json.dumps(settings, indent=2) + "\n")
        os.replace(drawing, output_dir)
    finally:
        shutil.rmtree(drawing, ignore_errors=True)
    return output_dir


def draw_in_order(
    draw: Callable[[Sequence], list],
    items: Sequence,
    workers: int | None,
    progress: bool,
) -> Iterator[Any]:
    """Draws in several processes, and shows how far it is.

    Args:
        draw: A function of this package that draws some of the items.
        items: What is to be drawn.
        workers: The number of processes; None takes one per processor.
        progress: Whether a progress bar is shown.

    Yields:
        What was drawn of each item, in their order.
    """
    starts = range(0, len(items), _CHUNK)
    chunks = [(items[start : start + _CHUNK],) for start in starts]
    with tqdm.tqdm(
        total=len(items),
        desc="Drawing",
        unit=" portraits",
        disable=not progress,
    ) as bar:
        for drawn in map_in_order(draw, chunks, workers or count_cores()):
            for each in drawn:
                yield each
                bar.update()


def add_file(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Adds a file to an archive, whose bytes are the same on any day."""
    entry = zipfile.ZipInfo(name)  # Of a fixed date.
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def write_listed(
    folder: pathlib.Path,
    list_name: str,
    pictures: str,
    files: Iterable[tuple[str, str, bytes]],
) -> None:
    """Writes pictures into an archive, and a row for each into a list.

    Args:
        folder: An existing folder.
        list_name: The file of the rows.
        pictures: The folder of the pictures in the archive, which is called
            after it.
        files: File name, row and content of each picture.
    """
    rows = []
    with zipfile.ZipFile(folder / f"{pictures}.zip", "w") as archive:
        for name, row, content in files:
            add_file(archive, f"{pictures}/{name}", content)
            rows.append(f"{row}\n")
    (folder / list_name).write_text("".join(rows), newline="\n")


def _read_settings(folder: pathlib.Path) -> dict | None:
    try:
        return json.loads((folder / _PACK_FILE).read_text())
    except (OSError, ValueError):
        return None
