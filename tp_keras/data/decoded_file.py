"""Decoded pixels in a file that later runs map, and what vouches for it."""

import json
import os
import pathlib
import zipfile
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
    decoded from, and a hash of some of them.

    Args:
        folder: Where the files lie; made when it is needed.
        split: Name of the split, or of a part.
        source: What the pixels depend on. A file of another source is written
            anew.
    """

    def __init__(self, folder: pathlib.Path, split: str, source: dict):
        stem = "".join(c if c.isalnum() else "-" for c in split)
        self.path = pathlib.Path(folder) / f"{stem}.npy"
        self._note_path = self.path.with_suffix(".npz")
        self._source = json.dumps({"split": split, **source}, sort_keys=True)

    def read(self) -> DecodedRows | None:
        """Maps the file; None if there is none, or not of this source."""
        try:
            with self._note_path.open("rb") as file, np.load(file) as note:
                note = dict(note)
            images = np.load(self.path, mmap_mode="r")
        except (OSError, EOFError, ValueError, zipfile.BadZipFile):
            return None
        if str(note.get("source")) != self._source:
            return None
        indices = note["indices"]
        labels = {
            name.removeprefix(_LABEL): values
            for name, values in note.items()
            if name.startswith(_LABEL)
        }
        # Of the pixels no more is read than a sample.
        if len(images) != len(indices) or note["sample"] != _hash_sample(
            images, labels, indices
        ):
            return None
        return DecodedRows(images, labels, indices, str(note["fingerprint"]))

    def write(
        self,
        image_shape: tuple[int, int, int],
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
            shape = (len(indices), *image_shape)
            images = np.lib.format.open_memmap(
                aside, mode="w+", dtype=np.uint8, shape=shape
            )
            _reserve(aside)
            decode(images)
            fingerprint = compute_fingerprint(images, labels, indices)
            np.savez(
                note_aside,
                source=self._source,
                fingerprint=fingerprint,
                sample=_hash_sample(images, labels, indices),
                indices=indices,
                **{f"{_LABEL}{name}": row for name, row in labels.items()},
            )
            # Nobody waits until the disk has it all: after a loss of power
            # the sample tells.
            del images
            self._note_path.unlink(missing_ok=True)
        images = np.load(self.path, mmap_mode="r")
        return DecodedRows(images, labels, indices, fingerprint)

    def read_ahead(self) -> None:
        """Asks the operating system to have the pixels in memory soon."""
        if hasattr(os, "posix_fadvise"):  # Not on every system.
            with self.path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)


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
