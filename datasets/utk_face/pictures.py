"""Checks and converts the pictures, in any process."""

import hashlib
import io
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL import UnidentifiedImageError

from ..building.drawing.png import encode_png
from ..building.file_reader import BadFileError
from . import facts

_THUMBNAIL = 32


class Look(NamedTuple):
    """What tells whether two pictures are nearly the same.

    Attributes:
        digest: SHA-256 of the file.
        gradients: 64 bits: whether it becomes brighter to the right, in 8x8
            places (the perceptual hash dHash).
        thumbnail: Brightness, uint8 [1024].
    """

    digest: str
    gradients: np.uint64
    thumbnail: np.ndarray


def look_at(content: bytes) -> Look:
    """Looks at a JPEG file.

    Raises:
        BadFileError: If it is no whole picture of the size of the data set.
    """
    gray = _decode(content).convert("L")
    places = gray.resize((9, 8), Image.Resampling.BOX)
    places = np.asarray(places, np.int16)
    bits = np.packbits(places[:, 1:] > places[:, :-1])
    size = (_THUMBNAIL, _THUMBNAIL)
    thumbnail = np.asarray(gray.resize(size, Image.Resampling.BOX))
    return Look(
        hashlib.sha256(content).hexdigest(),
        bits.view(np.uint64)[0],
        thumbnail.ravel(),
    )


def convert(content: bytes, height: int, width: int) -> bytes:
    """Returns a JPEG file as a PNG file of another size.

    The middle is cut out in the new proportions and made smaller by Pillow's
    Lanczos filter, which is antialiased and loses the least detail where the
    sizes are no multiples of each other (a box weighs rows unevenly there).
    """
    picture = _decode(content)
    scale, box = _cut(height, width)
    if scale > 1:
        how = Image.Resampling.LANCZOS
        picture = picture.resize((width, height), how, box=box)
    elif (height, width) != (facts.SIZE, facts.SIZE):
        picture = picture.crop(tuple(map(round, box)))
    return encode_png(np.asarray(picture))


def cut_planes(planes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns float32 planes [count, SIZE, SIZE] cut out as `convert` does.

    Made smaller by the mean, which leaves shares between 0 and 1.
    """
    _, box = _cut(height, width)
    how = Image.Resampling.BOX
    return np.stack(
        [
            np.asarray(
                Image.fromarray(plane).resize((width, height), how, box=box)
            )
            for plane in planes
        ]
    )


def _cut(height, width):
    """Returns how much smaller a picture gets, and the box that is cut out."""
    scale = min(facts.SIZE / height, facts.SIZE / width)
    left = (facts.SIZE - width * scale) / 2
    top = (facts.SIZE - height * scale) / 2
    return scale, (left, top, facts.SIZE - left, facts.SIZE - top)


def _decode(content: bytes) -> Image.Image:
    if not content:
        raise BadFileError("is empty")
    try:
        picture = Image.open(io.BytesIO(content), formats=["JPEG"])
        if picture.size == (facts.SIZE, facts.SIZE):
            picture.load()
    except UnidentifiedImageError:
        raise BadFileError("is not a JPEG image") from None
    # Pillow raises OSError, SyntaxError, ValueError and others.
    except Exception as error:
        raise BadFileError(f"is a damaged JPEG image ({error})") from error
    if picture.size != (facts.SIZE, facts.SIZE):
        width, height = picture.size
        raise BadFileError(
            f"has {width}x{height} pixels (width x height) instead of "
            f"{facts.SIZE}x{facts.SIZE}"
        )
    if picture.mode != "RGB":
        raise BadFileError(f"has the colour mode {picture.mode} instead of RGB")
    return picture
