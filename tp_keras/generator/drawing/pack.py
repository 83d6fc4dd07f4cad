"""Writes portraits in the format of Tiny Portraits: archives and labels.

`python -m training.build_dataset --manual_dir FOLDER` reads such a pack. All
its portraits have image indices of the training range: what is generated is
never tested on.
"""

import os
import pathlib
import re
import shutil
import zipfile

import numpy as np

from tp_keras.errors import UserError
from tp_keras.generator.drawing.png import encode_pngs
from tp_keras.tasks import TASK_NAMES
from tp_keras.tasks import UNKNOWN

CSV_NAME = "Tiny_Portraits_Attributes.csv"
CSV_COLUMNS = ("Image_Index", "Gender", "Hair_Color", "Hair_Type")
MISSING_LABEL = "n/a"
ARCHIVE_FOLDERS = ("Tiny_Portraits_Zipfiles", "Tiny_Portraits_Zip")
ARCHIVE_NAME = "Tiny_Portraits_Archive_{number:03d}.zip"
IMAGE_NAME = "Tiny_Portrait_{index:06d}.png"
IMAGES_PER_ARCHIVE = 2048
# Where the image indices of the training portraits end.
TRAIN_END = 162_770

_NUMBER = re.compile(r"_(\d+)\.zip$")


class PackWriter:
    """Writes a pack into an empty folder, or adds to what another one holds.

    Args:
        folder: An empty folder.
        extends: None, or the folder of a pack whose portraits shall be in the
            new one, too. It is left as it is; its archives are linked where
            the file system allows it, else copied.

    Attributes:
        capacity: How many portraits may be added.

    Raises:
        UserError: If the pack to extend has no attribute file or no archives.

    Example:
        >>> with PackWriter(folder) as pack:
        ...     pack.add(images, {"gender": ["male"], "hair_color": ["gray"],
        ...                       "hair_type": ["unknown"]})
    """

    def __init__(self, folder, extends=None):
        self._folder = pathlib.Path(folder)
        self._lines = [",".join(CSV_COLUMNS)]
        self._number = 0
        self._archive = None
        self._in_archive = 0
        self._sources = []
        if extends is not None:
            self._take_over(pathlib.Path(extends).expanduser())
        taken = [int(line.split(",")[0]) for line in self._lines[1:]]
        self._free = np.setdiff1d(np.arange(TRAIN_END), taken)
        self._added = 0
        self.capacity = len(self._free)

    def __enter__(self):
        folder = self._folder / ARCHIVE_FOLDERS[0]
        folder.mkdir(parents=True)
        for source in self._sources:
            try:
                os.link(source, folder / source.name)
            except OSError:
                shutil.copyfile(source, folder / source.name)
        return self

    def __exit__(self, error_type, *_):
        if self._archive:
            self._archive.close()
        if error_type is None:
            text = "\n".join(self._lines) + "\n"
            (self._folder / CSV_NAME).write_text(text, newline="\n")

    def add(self, images, labels) -> None:
        """Adds portraits.

        Args:
            images: uint8 `[count, 108, 84, 3]`.
            labels: Dict of task name to class names, one a row; `"unknown"`
                becomes `n/a`, and is not possible for the gender.

        Raises:
            UserError: If there is no room for so many.
        """
        check_capacity(self._added + len(images), self.capacity)
        for row, png in enumerate(encode_pngs(images)):
            index = int(self._free[self._added])
            self._write(IMAGE_NAME.format(index=index), png)
            names = [labels[name][row] for name in TASK_NAMES]
            names = [MISSING_LABEL if n == UNKNOWN else n for n in names]
            self._lines.append(",".join([str(index), *names]))
            self._added += 1

    def _write(self, name, png) -> None:
        if self._archive is None or self._in_archive == IMAGES_PER_ARCHIVE:
            if self._archive:
                self._archive.close()
            path = self._folder / ARCHIVE_FOLDERS[0]
            # PNG is compressed already.
            self._archive = zipfile.ZipFile(
                path / ARCHIVE_NAME.format(number=self._number),
                "w",
                zipfile.ZIP_STORED,
            )
            self._number += 1
            self._in_archive = 0
        # A fixed date: the same portraits give the same bytes on any day.
        entry = zipfile.ZipInfo(name)
        entry.external_attr = 0o644 << 16
        self._archive.writestr(entry, png)
        self._in_archive += 1

    def _take_over(self, pack) -> None:
        """Reads labels and archives of a pack that is there already."""
        self._sources = next(
            (
                archives
                for name in ARCHIVE_FOLDERS
                if (archives := sorted((pack / name).glob("*.zip")))
            ),
            [],
        )
        try:
            # With the mark that spreadsheets put in front.
            text = (pack / CSV_NAME).read_text("utf-8-sig")
            lines = [line for line in text.splitlines() if line]
            header, *rows = lines
            [int(row.split(",")[0]) for row in rows]
        except (OSError, ValueError):
            header, rows = None, []
        if header != self._lines[0] or not self._sources:
            raise UserError(
                f"Expected a pack of Tiny Portraits: {CSV_NAME} and a folder "
                f"{ARCHIVE_FOLDERS[0]} of ZIP archives. Received: {str(pack)!r}"
            )
        self._lines += rows
        # Their names need not follow ours, but must not meet them.
        numbers = [_NUMBER.search(path.name) for path in self._sources]
        self._number = 1 + max(
            (int(match[1]) for match in numbers if match), default=-1
        )


def check_capacity(count: int, capacity: int = TRAIN_END) -> None:
    """Raises if a pack has no room for so many generated portraits.

    Raises:
        UserError: If so.
    """
    if count > capacity:
        raise UserError(
            f"A pack has {TRAIN_END:,} image indices for training portraits, "
            f"and {capacity:,} of them are free. Received: count={count:,}"
        )
