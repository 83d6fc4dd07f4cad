"""Makes small packs for tests, of plain pictures."""

import io
import pathlib
import tarfile
import zipfile
from collections.abc import Mapping

import numpy as np
from PIL import Image
from PIL import ImageFilter

from . import facts

NAME = "{}_{}_{}_{:017d}.jpg.chip.jpg".format


def make_picture(seed: int, *, size=None, mode="RGB", kind="JPEG") -> bytes:
    """Returns the file of a picture of soft spots, another for every seed."""
    size = size or (facts.SIZE, facts.SIZE)
    spots = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)
    image = Image.fromarray(spots).resize(size, Image.Resampling.BICUBIC)
    image = image.filter(ImageFilter.GaussianBlur(4))
    file = io.BytesIO()
    image.convert(mode).save(file, kind)
    return file.getvalue()


def make_pictures(count: int) -> dict[str, bytes]:
    """Returns pictures by name, with all labels in turn."""
    return {
        NAME(seed % 117, seed % 2, seed % 5, seed): make_picture(seed)
        for seed in range(count)
    }


def write_zip(path: pathlib.Path, files: Mapping[str, bytes]) -> None:
    """Writes files into a ZIP archive."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def write_tar(path: pathlib.Path, files: Mapping[str, bytes]) -> None:
    """Writes files into a compressed tar archive."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def write_files(folder: pathlib.Path, files: Mapping[str, bytes]) -> None:
    """Writes files into a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
