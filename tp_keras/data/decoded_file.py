"""Decoded pixels in a file that later runs map, and what vouches for it."""

import contextlib
import json
import os
import pathlib
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

import numpy as np

from tp_keras import files
from tp_keras.data.portraits import compute_fingerprint

# Enough to notice that a file was not written out, or overwritten: a few
# megabytes, whatever its size.
_SAMPLED_ROWS = 64

# Stands before the names of tasks, which may be any.
_LABEL = "label:"


class DecodedRows(NamedTuple):
    """Pixels, labels and indices of a split; see `Portraits`."""

    images: np.ndarray
    labels: dict[str, np.ndarray]
    indices: np.ndarray
    fingerprint: str


class DecodedFile:
    """The decoded portraits of one split beside the records of its data set.

    `<split>.npy` holds the pixels and is mapped, so that processes share it
    and the operating system keeps in memory what fits. `<split>.npz` vouches
    for it: it holds labels, indices and fingerprint, what the pixels were
    decoded from, a hash of some of them, and size and time of change of their
    file. Where those are other ones, as after a copy, all pixels are hashed
    once and compared with the fingerprint. Where they are not, 64 pictures
    are, so that starting takes no time: a disk that loses a bit of the others
    without a change of the time is seen after `doubt_files` alone.

    Args:
        folder: Where the files lie; made when it is needed.
        split: Name of the split, or of a part.
        image_shape: Of one picture.
        source: What the pixels depend on. A file of another source is written
            anew.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        split: str,
        image_shape: tuple[int, int, int],
        source: dict,
    ):
        stem = "".join(c if c.isalnum() else "-" for c in split)
        self.path = pathlib.Path(folder) / f"{stem}.npy"
        self._note_path = self.path.with_suffix(".npz")
        self._image_shape = tuple(image_shape)
        self._source = json.dumps({"split": split, **source}, sort_keys=True)

    def read(self) -> DecodedRows | None:
        """Maps the file; None if there is none, or not a whole one of this."""
        try:
            with self._note_path.open("rb") as file, np.load(file) as note:
                note = dict(note)
            images = np.load(self.path, mmap_mode="r")
            if str(note["source"]) != self._source:
                return None
            indices, fingerprint = note["indices"], str(note["fingerprint"])
        except Exception:  # Of any class, where a file is damaged.
            return None
        labels = {
            name.removeprefix(_LABEL): values
            for name, values in note.items()
            if name.startswith(_LABEL)
        }
        shape = (len(indices), *self._image_shape)
        if images.shape != shape or images.dtype != np.uint8:
            return None
        rows = DecodedRows(images, labels, indices, fingerprint)
        if str(note.get("state")) == self._describe(self.path):
            is_whole = str(note.get("sample")) == _hash_sample(*rows[:3])
            return rows if is_whole else None
        if compute_fingerprint(*rows[:3]) != fingerprint:
            return None
        with contextlib.suppress(OSError), files.replaced(self._note_path) as p:
            self._write_note(p, self.path, rows)
        return rows

    def write(
        self,
        labels: dict[str, np.ndarray],
        indices: np.ndarray,
        decode: Callable[[np.ndarray], Any],
    ) -> DecodedRows:
        """Writes the file and maps it; `decode` puts the pixels into an array.

        Raises:
            OSError: If there is no room, before `decode` is called.
        """
        for path in (self.path, self._note_path):
            files.remove_leftovers(path.parent, path.name)
        # The note goes first and comes last.
        with (
            files.replaced(self._note_path) as note_aside,
            files.replaced(self.path) as aside,
        ):
            shape = (len(indices), *self._image_shape)
            images = np.lib.format.open_memmap(
                aside, mode="w+", dtype=np.uint8, shape=shape
            )
            _reserve(aside)
            decode(images)
            fingerprint = compute_fingerprint(images, labels, indices)
            rows = DecodedRows(images, labels, indices, fingerprint)
            self._write_note(note_aside, aside, rows)
            # Nobody waits until the disk has it all: after a loss of power
            # the sample tells.
            del rows, images
            self._note_path.unlink(missing_ok=True)
        images = np.load(self.path, mmap_mode="r")
        return DecodedRows(images, labels, indices, fingerprint)

    def _write_note(self, path, images_path, rows: DecodedRows) -> None:
        np.savez(
            path,
            source=self._source,
            fingerprint=rows.fingerprint,
            sample=_hash_sample(*rows[:3]),
            state=self._describe(images_path),
            indices=rows.indices,
            **{f"{_LABEL}{name}": row for name, row in rows.labels.items()},
        )

    @staticmethod
    def _describe(path: pathlib.Path) -> str:
        stat = path.stat()
        return f"{stat.st_size} {stat.st_mtime_ns}"

    def read_ahead(self) -> None:
        """Asks the operating system to have the pixels in memory soon."""
        if hasattr(os, "posix_fadvise"):  # Not on every system.
            with self.path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)


def doubt_files(folder: str | os.PathLike) -> None:
    """Lets who next maps a file in a folder check all of its pixels first."""
    for path in pathlib.Path(folder).glob("*.npy"):
        with contextlib.suppress(OSError):
            path.touch()


def _reserve(path: pathlib.Path) -> None:
    """Raises where a full disk would kill who writes to a mapped hole."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _hash_sample(images, labels, indices) -> str:
    """Returns the fingerprint of labels, indices and a few pictures."""
    count = min(len(images), _SAMPLED_ROWS)
    rows = np.linspace(0, len(images) - 1, count).astype(int)
    return compute_fingerprint(images[rows], labels, indices)
