"""Writes portraits as single files, or into a pack of a data set."""

import concurrent.futures
import csv
import io
import os
import pathlib
import re
import shutil
import zipfile
from collections.abc import Iterator

import numpy as np
from PIL import Image
from tqdm import tqdm

from tp_keras.errors import UserError
from tp_keras.tasks import UNKNOWN
from tp_keras.tasks import Schema

TABLE_NAME = "portraits.csv"
IMAGES_PER_ARCHIVE = 2048

_BATCH = 64

# A higher level makes files a tenth smaller and takes twice the time.
_COMPRESS_LEVEL = 1

# A name that ends with a number, and what stands around that.
_NUMBERED = re.compile(r"(.*?)(\d+)(\.\w+)")


def iterate_portraits(
    generate, labels, seeds, temperature
) -> Iterator[tuple[np.ndarray, dict, np.ndarray]]:
    """Yields images, labels and seeds, so that few are held at a time.

    What they are made by is `PortraitGenerator.generate`; labels are a dict:
    task name -> class names, one a row.
    """
    with tqdm(total=len(seeds), desc="Generating", unit=" portraits") as bar:
        for start in range(0, len(seeds), _BATCH):
            rows = slice(start, start + _BATCH)
            part = {name: names[rows] for name, names in labels.items()}
            yield (generate(part, seeds[rows], temperature), part, seeds[rows])
            bar.update(len(seeds[rows]))


def encode_pngs(images) -> list[bytes]:
    """Returns the PNG file of each uint8 image, made on all processors."""
    # Threads will do: compression runs outside the interpreter's lock.
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(_encode, images))


class FileWriter:
    """Writes `portrait_<number>.png` and `portraits.csv` into a folder."""

    def __init__(self, folder: pathlib.Path, temperature: float):
        self._folder = folder
        self._temperature = temperature
        self._rows = []

    def __enter__(self):
        return self

    def __exit__(self, error_type, *_):
        if error_type is None:
            _write_table(self._folder / TABLE_NAME, self._rows)

    def add(self, images, labels, seeds) -> None:
        """Adds uint8 images, a dict of their class names, and their seeds."""
        if not self._rows:
            self._rows.append(["file", *labels, "seed", "temperature"])
        for png, seed, *names in zip(
            encode_pngs(images), seeds, *labels.values(), strict=True
        ):
            name = f"portrait_{len(self._rows) - 1:06d}.png"
            (self._folder / name).write_bytes(png)
            self._rows.append([name, *names, int(seed), self._temperature])


class PackWriter:
    """Writes the portraits of a pack and generated ones into a new pack.

    A pack is a folder with one CSV file, whose first column is the number of a
    portrait and whose others are labels, and with a folder of ZIP archives,
    whose PNG files have that number in their names. The new one follows it in
    columns, names and mark of a missing label; archives are linked if they can.
    Numbers of generated portraits stay below `index_end`: that of the first
    portrait that is not for training, say.

    Raises:
        UserError: If it is no such pack.
    """

    def __init__(self, folder, pack, schema: Schema, index_end: int):
        self._folder = pathlib.Path(folder)
        pack = pathlib.Path(pack).expanduser()
        self._archives = sorted(pack.glob("*/*.zip"))
        try:
            (self._table_path,) = pack.glob("*.csv")
            (source,) = {path.parent for path in self._archives}
            # With the mark that spreadsheets put in front.
            text = self._table_path.read_text("utf-8-sig")
            self._rows = [row for row in csv.reader(text.splitlines()) if row]
            self._tasks, self._missing = _read_columns(self._rows, schema)
            taken = [int(row[0]) for row in self._rows[1:]]
            with zipfile.ZipFile(self._archives[0]) as archive:
                self._image_name, _ = _name_pattern(archive.namelist())
            self._archive_name, self._number = _name_pattern(
                path.name for path in self._archives
            )
        except (OSError, ValueError, LookupError, zipfile.BadZipFile) as error:
            names = ", ".join(schema.conditions)
            raise UserError(
                "Expected a pack to extend: a folder with one CSV file, whose "
                "first column is the number of a portrait and whose others are "
                f"out of {names}, and with a folder of ZIP archives. "
                f"Received: {str(pack)!r} ({error})"
            ) from error
        self._free = np.setdiff1d(np.arange(index_end), taken)
        self._target = self._folder / source.name
        self._archive = None

    def __enter__(self):
        self._target.mkdir()
        for source in self._archives:
            target = self._target / source.name
            try:
                os.link(source, target)
            except OSError:
                shutil.copyfile(source, target)
        return self

    def __exit__(self, error_type, *_):
        if self._archive:
            self._archive.close()
        if error_type is None:
            _write_table(self._folder / self._table_path.name, self._rows)

    def require(self, labels) -> None:
        """Raises a `UserError` if there is no room for rows of labels.

        Likewise if one is `"unknown"` that every portrait of the pack has.
        """
        for task in self._tasks:
            if UNKNOWN in labels[task] and self._missing[task] is None:
                raise UserError(
                    f"Every portrait of the pack has a {task}. Expected one in "
                    "--labels, or --cells, which asks for what the model "
                    f"learned from. Received: {task}={UNKNOWN}"
                )
        count = len(labels[self._tasks[0]])
        if count > len(self._free):
            raise UserError(
                "Expected no more portraits than there are free numbers below "
                f"--index_end, {len(self._free):,}. Received: count={count:,}"
            )

    def add(self, images, labels, seeds=None) -> None:
        """Adds portraits, as `FileWriter`; a pack says nothing of seeds."""
        for row, png in enumerate(encode_pngs(images)):
            index, self._free = int(self._free[0]), self._free[1:]
            self._write(self._image_name(index), png)
            names = {task: labels[task][row] for task in self._tasks}
            unknown = {
                k: self._missing[k] for k in names if names[k] == UNKNOWN
            }
            self._rows.append([index, *{**names, **unknown}.values()])

    def _write(self, name, png) -> None:
        archive = self._archive
        if archive is None or len(archive.infolist()) == IMAGES_PER_ARCHIVE:
            if archive:
                archive.close()
            path = self._target / self._archive_name(self._number)
            # PNG is compressed already.
            self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
            self._number += 1
        # A fixed date: the same portraits give the same bytes on any day.
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o644 << 16
        self._archive.writestr(entry, png)


def _read_columns(rows, schema):
    """Returns the tasks of the columns, and how each writes a missing label."""
    _, *names = rows[0]
    tasks = [name.lower() for name in names]
    missing = {}
    for place, task in enumerate(tasks, start=1):
        if task not in schema.conditions:
            raise ValueError(f"column {names[place - 1]}")
        found = {row[place] for row in rows[1:]}
        others = sorted(found - {*schema.task(task).classes})
        missing[task] = others[0] if others else None
    if not tasks:
        raise ValueError("no columns of labels")
    return tasks, missing


def _name_pattern(names):
    """Returns a function from a number to a name, and the next number."""
    found = [match for name in names if (match := _NUMBERED.fullmatch(name))]
    if not found:
        raise ValueError("no numbers in names")
    before, digits, after = found[0].groups()
    return (
        lambda number: f"{before}{number:0{len(digits)}d}{after}",
        1 + max(int(match[2]) for match in found),
    )


def _write_table(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def _encode(pixels) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=_COMPRESS_LEVEL)
    return file.getvalue()
