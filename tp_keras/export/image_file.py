"""Reads an image file as the served model would."""

import io
import os
import pathlib

import numpy as np
import tensorflow as tf
from PIL import Image

from tp_keras.errors import UserError
from tp_keras.export import signatures


def read_portrait(path: str | os.PathLike) -> np.ndarray:
    """Reads an image file and makes a portrait of it.

    Decoding, cropping at the centre and resizing are those of the signature
    `serve_bytes`. It takes PNG and JPEG; files of other types that Pillow
    knows are turned into PNG first.

    Args:
        path: Image file of any size.

    Returns:
        uint8 `[108, 84, 3]`.

    Raises:
        UserError: If the file is not there, or no whole image.

    Example:
        >>> read_portrait("photo.webp").shape
        (108, 84, 3)
    """
    try:
        data = pathlib.Path(path).read_bytes()
    except OSError as error:
        raise UserError(
            f"The image can't be read: {error.strerror}. Expected an image "
            f"file. Received: {str(path)!r}"
        ) from error
    if not signatures.looks_whole(tf.constant(data)):
        data = _as_png(data, path)
    try:
        return signatures.decode(tf.constant(data)).numpy()
    except tf.errors.InvalidArgumentError as error:
        raise _no_image(path) from error


def _as_png(data, path) -> bytes:
    try:
        with Image.open(io.BytesIO(data)) as image:
            file = io.BytesIO()
            image.convert("RGB").save(file, "PNG")
    # What Pillow raises depends on the type and on what is wrong with it.
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombError,
    ) as error:
        raise _no_image(path) from error
    return file.getvalue()


def _no_image(path) -> UserError:
    return UserError(
        "The file is no image, or not a whole one. Expected a PNG, a JPEG or "
        f"another type that Pillow reads. Received: {str(path)!r}"
    )
