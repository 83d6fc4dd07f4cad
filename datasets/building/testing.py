"""Makes files for tests: plain pictures, in folders and in archives."""

import io
import pathlib
import tarfile
import zipfile
from collections.abc import Mapping

import numpy as np
from PIL import Image
from PIL import ImageFilter


def make_picture(
    seed: int, *, size=(200, 200), mode="RGB", kind="JPEG"
) -> bytes:
    """Returns the file of a picture of soft spots, another for every seed."""
    spots = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8)
    image = Image.fromarray(spots).resize(size, Image.Resampling.BICUBIC)
    image = image.filter(ImageFilter.GaussianBlur(4))
    file = io.BytesIO()
    image.convert(mode).save(file, kind)
    return file.getvalue()


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
