"""Reads picture files: the one way to a portrait outside of a graph."""

import io
import math
import os
import pathlib
import warnings

import numpy as np
from PIL import Image

from tp_keras.errors import UserError

# By name: Pillow knows types that start other programs.
FORMATS = (
    *("PNG", "JPEG", "WEBP", "AVIF", "GIF"),
    *("BMP", "TIFF", "JPEG2000", "PPM"),
)
KNOWN_TYPES = "PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF"

# By the mark of a camera that was held otherwise (EXIF).
_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_SWAPPING = [_TURNS[mark] for mark in (5, 6, 7, 8)]

# Of the size asked for, when a picture is reduced as it is decoded.
_LEAST_SHARE = 0.75

# Averages in the middle between two levels are common, and each library sums
# them up to a little more or less. This, taken off before rounding, makes them
# all the same.
TIE = 1e-3


def read_portrait(path: str | os.PathLike, image_shape) -> np.ndarray:
    """Reads a picture file and makes a portrait of it.

    The picture is turned as its EXIF data say, cropped at its centre to the
    portrait's aspect ratio and resized with anti-aliasing, as the signature
    `serve_bytes` does with PNG and JPEG. A picture of the size itself keeps
    every pixel. Of an animation it is the first frame; an alpha channel is left
    out; of 16 bits the upper 8 are kept.

    Args:
        path: PNG, JPEG, WebP, AVIF, GIF, BMP or TIFF file of any size.
        image_shape: Height, width and channels of the uint8 array returned.

    Raises:
        UserError: If the file is not there, no such picture or not a whole
            one.

    Example:
        >>> read_portrait("photo.webp", predictor.schema.image_shape)
    """
    return crop_and_resize(read_picture(path)[0], image_shape)


def decode_portrait(data: bytes, image_shape) -> np.ndarray:
    """Makes a portrait of what a picture file holds; see `read_portrait`."""
    return crop_and_resize(decode_picture(data)[0], image_shape)


def read_picture(path, longest_side=None) -> tuple[Image.Image, tuple]:
    """Returns what `decode_picture` does of a file, or raises `UserError`."""
    try:
        data = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise UserError(
            f"The picture can't be read: {error.strerror}. "
            f"Received: {str(path)!r}"
        ) from error
    try:
        return decode_picture(data, longest_side)
    except UserError as error:
        raise UserError(f"{error} Received: {str(path)!r}") from error


def decode_picture(
    data: bytes, longest_side: int | None = None
) -> tuple[Image.Image, tuple[int, int]]:
    """Decodes a picture file as it is to be seen, in RGB.

    Args:
        data: What the file holds.
        longest_side: A JPEG file of a larger picture is decoded at a half, a
            quarter or an eighth, which saves most of the time and memory, as
            long as three quarters of this size or more are left.

    Returns:
        The picture, and the width and height that it has in the file.
    """
    try:
        with warnings.catch_warnings():
            # About metadata, and sizes that are large but allowed.
            warnings.simplefilter("ignore")
            image, size = _load(data, longest_side)
            return _to_rgb(image), size
    except UserError:
        raise
    except Image.DecompressionBombError as error:
        raise UserError(
            "The picture is larger than any photograph. Expected at most "
            f"{2 * Image.MAX_IMAGE_PIXELS:,} pixels."
        ) from error
    # What Pillow raises depends on the type, and on what is wrong with it.
    except Exception as error:
        raise UserError(
            "The file is no picture, or not a whole one. Expected "
            f"{KNOWN_TYPES} (photographs in HEIC must be turned into JPEG)."
        ) from error


def _load(data, longest_side):
    """Returns a picture as it is to be seen, and its size in the file."""
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        # Looks for the end of a PNG file, which loading doesn't need.
        image.verify()
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        size = image.size
        if longest_side is not None:
            # Rather a little smaller than decoded whole.
            share = min(_LEAST_SHARE * longest_side / max(size), 1)
            image.draft(None, [math.ceil(side * share) for side in size])
        image.load()
        try:
            turn = _TURNS.get(image.getexif().get(_ORIENTATION))
        # Damaged EXIF data tell nothing, and the picture is whole. (That is
        # also why `ImageOps.exif_transpose` is of no use: it writes them anew.)
        except Exception:
            turn = None
        if turn in _SWAPPING:
            size = size[::-1]
        return image if turn is None else image.transpose(turn), size


def _to_rgb(image) -> Image.Image:
    if not image.mode.startswith(("I", "F")):
        return image.convert("RGB")
    pixels = np.asarray(image)
    if image.mode == "F" or pixels.min() < 0 or pixels.max() >= 2**16:
        raise UserError(
            "The picture holds numbers that are no colours. Expected 8 or 16 "
            "bits a channel."
        )
    # Pillow itself would clip.
    return Image.fromarray((pixels >> 8).astype(np.uint8)).convert("RGB")


def crop_and_resize(image: Image.Image, image_shape) -> np.ndarray:
    """Returns the middle of a picture as a portrait; see `read_portrait`."""
    height, width, _ = image_shape
    if image.size == (width, height):
        return np.asarray(image)
    crop_height = max(min(image.height, image.width * height // width), 1)
    crop_width = max(min(image.width, image.height * width // height), 1)
    top = (image.height - crop_height) // 2
    left = (image.width - crop_width) // 2
    with warnings.catch_warnings():
        # The same about sizes, once more.
        warnings.simplefilter("ignore")
        image = image.crop((left, top, left + crop_width, top + crop_height))
    # In floats, as Pillow rounds bytes after each of its two passes.
    channels = [
        channel.convert("F").resize((width, height), Image.Resampling.BILINEAR)
        for channel in image.split()
    ]
    return np.rint(np.stack(channels, axis=-1) - TIE).astype(np.uint8)
