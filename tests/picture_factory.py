"""Picture files as cameras, phones and scanners write them."""

import io

import numpy as np
from PIL import Image

from tests.portrait_factory import SCHEMA

HEIGHT, WIDTH, _ = SCHEMA.image_shape
ORIENTATION = 0x0112


def picture(mode="RGB", size=(WIDTH, HEIGHT), seed=0):
    """Soft fields of colour, as in a portrait."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (6, 5, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    return image.convert(mode)


def encode(image, kind="PNG", **arguments):
    """Returns the bytes of a picture's file."""
    file = io.BytesIO()
    image.save(file, kind, **arguments)
    return file.getvalue()


def exif(orientation, byte_order="<"):
    """Returns EXIF data with further marks before and behind it."""
    data = Image.Exif()
    data.endian = byte_order
    data[0x010F] = "a maker of cameras"
    data[ORIENTATION] = orientation
    data[0x0131] = "software"
    return data


# Where the stored 0th row and the stored 0th column are seen, by orientation
# (EXIF 2.32, table 6).
_SEEN_AT = {
    1: ("top", "left"),
    2: ("top", "right"),
    3: ("bottom", "right"),
    4: ("bottom", "left"),
    5: ("left", "top"),
    6: ("right", "top"),
    7: ("right", "bottom"),
    8: ("left", "bottom"),
}
ORIENTATIONS = tuple(_SEEN_AT)


def stored(image, orientation):
    """Returns how a camera stores what is to be seen, by the standard."""
    row, column = _SEEN_AT[orientation]
    pixels = np.asarray(image)
    if row in ("left", "right"):
        pixels = pixels.transpose(1, 0, 2)
    if row in ("bottom", "right"):
        pixels = pixels[::-1]
    if column in ("bottom", "right"):
        pixels = pixels[:, ::-1]
    return Image.fromarray(np.ascontiguousarray(pixels))
