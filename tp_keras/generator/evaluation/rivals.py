"""Portraits of other generators, read from folders of PNG files."""

import csv
import dataclasses
import pathlib
from collections.abc import Sequence

import numpy as np
from PIL import Image

from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.generator.drawing.pack import TABLE_NAME
from tp_keras.generator.evaluation.candidates import CANDIDATES
from tp_keras.tasks import MISSING
from tp_keras.tasks import UNKNOWN
from tp_keras.tasks import Schema

_COMMAND = command_line("training.generate", output="FOLDER")


@dataclasses.dataclass(frozen=True)
class Rival:
    """The portraits of another generator.

    Attributes:
        images: uint8 `[count, height, width, 3]`.
        labels: Task name -> int32 `[count]`, -1 where nothing was asked for;
            None where the folder doesn't tell.
    """

    images: np.ndarray
    labels: dict[str, np.ndarray] | None


def rival_folders(words: Sequence[str]) -> dict[str, pathlib.Path]:
    """Returns name -> folder of texts such as `FOLDER` and `NAME=FOLDER`.

    Raises:
        UserError: If one is no folder, or has the name of another.
    """
    folders = {}
    for word in words:
        name, equals, path = word.partition("=")
        path = pathlib.Path(path if equals else word).expanduser()
        name = name if equals else path.resolve().name
        if not path.is_dir():
            raise UserError(
                f"Expected a folder of PNG files, as `{_COMMAND}` writes it. "
                f"Received: rivals={word}"
            )
        if not name or name in CANDIDATES or name in folders:
            raise UserError(
                "Expected a name of its own for each rival, as NAME=FOLDER, "
                f"and none out of {', '.join(CANDIDATES)}. "
                f"Received: rivals={word}"
            )
        folders[name] = path
    return folders


def read_rivals(
    folders: dict[str, pathlib.Path], schema: Schema, count: int
) -> dict[str, Rival]:
    """Reads `count` portraits of each folder, evenly spread over it.

    A table beside them, as `training.generate` writes it, tells their labels.

    Raises:
        UserError: If there are fewer, or if a file is damaged or is of another
            size than the schema says.
    """
    return {
        name: _read_rival(path, schema, count) for name, path in folders.items()
    }


def _read_rival(folder, schema, count):
    paths, labels = sorted(folder.glob("*.png")), None
    table = folder / TABLE_NAME
    if table.is_file():
        paths, labels = _read_table(table, schema)
    if len(paths) < count:
        raise UserError(
            f"Expected {count:,} portraits or more of a rival, as many as test "
            "portraits are used (--max_test). Received: "
            f"{len(paths):,} in {folder}"
        )
    rows = np.linspace(0, len(paths) - 1, count).astype(int)
    images = np.stack([_read(paths[row], schema.image_shape) for row in rows])
    if labels is not None:
        labels = {name: values[rows] for name, values in labels.items()}
    return Rival(images, labels)


def _read_table(table, schema):
    """Returns paths and labels of the rows of a table."""
    try:
        with table.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        paths = [table.parent / row["file"] for row in rows]
        labels = {
            task.name: np.array(
                [_label(task, row[task.name]) for row in rows], np.int32
            )
            for task in schema.condition_tasks
        }
    except (OSError, ValueError, LookupError, TypeError, csv.Error) as error:
        names = ", ".join(schema.conditions)
        raise UserError(
            f"Expected a table of files with the classes of {names}, as "
            f"`{_COMMAND}` writes it, or none where labels are not known. "
            f"Received: {table} ({error})"
        ) from error
    return paths, labels


def _label(task, name):
    if name not in (UNKNOWN, *task.classes):
        raise ValueError(f"{task.name}={name}")
    return MISSING if name == UNKNOWN else task.classes.index(name)


def _read(path, image_shape):
    try:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
    # Pillow raises what it will on damaged files.
    except Exception as error:
        raise UserError(
            f"Expected a PNG file that can be read. Received: {path} ({error})"
        ) from error
    if pixels.shape != tuple(image_shape):
        height, width = image_shape[:2]
        raise UserError(
            f"Expected portraits of {height}x{width} pixels (height x width), "
            "as the generator's are. Received: "
            f"{pixels.shape[0]}x{pixels.shape[1]} in {path}"
        )
    return pixels
