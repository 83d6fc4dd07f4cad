"""Checks and converts square JPEG pictures, in any process."""

import hashlib
import io
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL import UnidentifiedImageError

from .drawing.png import encode_png
from .file_reader import BadFileError

_THUMBNAIL = 32
_QUALITY = 92


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


def look_at(content: bytes, side: int, is_least: bool = False) -> Look:
    """Looks at a JPEG file.

    Args:
        content: The bytes of the file.
        side: The height and width that it must have.
        is_least: Whether it may have more.

    Raises:
        BadFileError: If it is no whole picture of that size.
    """
    gray = _decode(content, side, is_least).convert("L")
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


def convert(
    content: bytes, side: int, height: int, width: int, is_least: bool = False
) -> bytes:
    """Returns a JPEG file as a PNG file of another size; see `look_at`.

    The middle is cut out in the new proportions and made smaller by Pillow's
    Lanczos filter, which is antialiased and loses the least detail where the
    sizes are no multiples of each other (a box weighs rows unevenly there).
    """
    picture = _decode(content, side, is_least)
    scale, box = _cut(picture.size, height, width)
    if scale > 1:
        how = Image.Resampling.LANCZOS
        picture = picture.resize((width, height), how, box=box)
    elif (width, height) != picture.size:
        picture = picture.crop(tuple(map(round, box)))
    return encode_png(np.asarray(picture))


def encode_jpeg(picture: np.ndarray) -> bytes:
    """Returns a drawn picture, uint8 [height, width, 3], as a JPEG file."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=_QUALITY)
    return file.getvalue()


def cut_planes(planes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Returns float32 planes [count, side, side] cut out as `convert` does.

    Made smaller by the mean, which leaves shares between 0 and 1.
    """
    _, box = _cut(planes.shape[:0:-1], height, width)
    how = Image.Resampling.BOX
    return np.stack(
        [
            np.asarray(
                Image.fromarray(plane).resize((width, height), how, box=box)
            )
            for plane in planes
        ]
    )


def _cut(size, height, width):
    """Returns how much smaller a picture gets, and the box that is cut out.

    Args:
        size: Width and height of the picture.
        height: The height that it gets.
        width: The width that it gets.
    """
    scale = min(size[1] / height, size[0] / width)
    left = (size[0] - width * scale) / 2
    top = (size[1] - height * scale) / 2
    return scale, (left, top, size[0] - left, size[1] - top)


def _decode(content: bytes, side: int, is_least: bool) -> Image.Image:
    if not content:
        raise BadFileError("is empty")
    try:
        picture = Image.open(io.BytesIO(content), formats=["JPEG"])
        is_right = picture.size == (side, side)
        if is_least:
            is_right = side <= min(picture.size)
        # Only then, as any other may be of any size.
        if is_right:
            picture.load()
    except UnidentifiedImageError:
        raise BadFileError("is not a JPEG image") from None
    # Pillow raises OSError, SyntaxError, ValueError and others.
    except Exception as error:
        raise BadFileError(f"is a damaged JPEG image ({error})") from error
    if not is_right:
        width, height = picture.size
        raise BadFileError(
            f"has {width}x{height} pixels (width x height) instead of "
            f"{side}x{side}{' or more' * is_least}"
        )
    if picture.mode != "RGB":
        raise BadFileError(f"has the colour mode {picture.mode} instead of RGB")
    return picture
