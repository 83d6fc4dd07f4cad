"""Writes pictures of portraits, which carry the terms of their data."""

import os
import pathlib

import numpy as np
from PIL import Image
from PIL import PngImagePlugin

from tp_keras import files
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError

TERMS = (
    "It shows people: not for redistribution. It must not leave this machine."
)

SUFFIXES = (".png", ".jpg", ".jpeg")

# Those of EXIF.
_DESCRIPTION, _COPYRIGHT = 0x010E, 0x8298

# A higher level makes files a twentieth smaller and takes three times as long.
_COMPRESS_LEVEL = 3
_JPEG_QUALITY = 92


def check_picture_path(path: str | os.PathLike) -> None:
    """Raises a `UserError` unless a picture can be written there."""
    path = pathlib.Path(path)
    if path.suffix.lower() not in SUFFIXES or path.is_dir():
        raise UserError(
            f"Expected the name of a file that ends with "
            f"{' or '.join(SUFFIXES)}. Received: output={path}"
        )


def write_picture(
    path: str | os.PathLike,
    picture: np.ndarray | Image.Image,
    portraits: Portraits,
    **facts,
) -> None:
    """Writes a PNG or JPEG file that says what it is made of.

    As text of a PNG file, and as EXIF data of both: data set, split,
    fingerprint, facts such as the seed and, if the schema says that the
    portraits show people, `TERMS`. It appears whole or not at all.

    Args:
        path: File whose suffix is one of `SUFFIXES`.
        picture: uint8 `[height, width, 3]`, or a picture.
        portraits: What it shows.
        facts: Name -> value.
    """
    about = {
        "Source": f"{portraits.dataset}, split {portraits.split}",
        "Fingerprint": portraits.fingerprint,
        **{name.capitalize(): str(value) for name, value in facts.items()},
    }
    exif = Image.Exif()
    exif[_DESCRIPTION] = "; ".join(f"{k}: {v}" for k, v in about.items())
    text = PngImagePlugin.PngInfo()
    if portraits.schema.shows_people:
        about["Disclaimer"] = exif[_COPYRIGHT] = TERMS
    for name, value in about.items():
        text.add_itxt(name, value)
    if not isinstance(picture, Image.Image):
        picture = Image.fromarray(picture)
    with files.replaced(path) as aside:
        if aside.suffix.lower() == ".png":
            picture.save(
                aside,
                "PNG",
                pnginfo=text,
                exif=exif,
                compress_level=_COMPRESS_LEVEL,
            )
        else:
            picture.save(aside, "JPEG", exif=exif, quality=_JPEG_QUALITY)
