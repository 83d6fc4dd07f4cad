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


def write_pack(
    folder: pathlib.Path, files: Mapping[str, bytes], zipped: bool = True
) -> pathlib.Path:
    """Writes files into a folder, pictures into archives; returns the folder.

    Args:
        folder: Is made if it is missing.
        files: Content by name, such as `train.txt`, or `train/000001.jpg` for
            pictures.
        zipped: Whether the pictures are written into archives, which are
            called after their folders.
    """
    folders: dict[str, dict[str, bytes]] = {}
    for name, content in files.items():
        top, is_picture, _ = name.partition("/")
        archive = f"{top}.zip" if is_picture and zipped else ""
        folders.setdefault(archive, {})[name] = content
    write_files(folder, folders.pop("", {}))
    for archive, pictures in folders.items():
        write_zip(folder / archive, pictures)
    return folder
