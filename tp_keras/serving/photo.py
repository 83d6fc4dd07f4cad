"""Reads photographs, of any type and size, as they are to be seen."""

import dataclasses
import os

import numpy as np
from PIL import Image

from tp_keras.serving.portrait_file import decode_picture
from tp_keras.serving.portrait_file import read_picture

# A face in the background of a photograph of 12 megapixels still has as many
# pixels as a thumbnail.
LONGEST_SIDE = 2048


@dataclasses.dataclass(frozen=True)
class Photo:
    """A decoded photograph.

    Attributes:
        pixels: uint8 `[height, width, 3]`, upright as its EXIF data say.
        scale: By what a length in `pixels` is multiplied to be one in the
            picture of the file; 1 or more.
    """

    pixels: np.ndarray
    scale: float = 1.0


def read_photo(
    source: str | os.PathLike | bytes, longest_side: int = LONGEST_SIDE
) -> Photo:
    """Reads a photograph.

    Types, colours, turned and animated pictures are as of `read_portrait`,
    and damaged EXIF data are passed over. What is larger than `longest_side`
    is reduced to it, JPEG files in the decoder itself: one of 50 megapixels
    needs no more than some 40 MB of memory.

    Args:
        source: Path of the file, or what it holds.
        longest_side: Width or height, in pixels, that is not exceeded.

    Raises:
        UserError: If it is no such picture, not a whole one or larger than
            any photograph.

    Example:
        >>> read_photo("me.jpg").pixels.shape
        (1536, 2048, 3)
    """
    read = decode_picture if isinstance(source, bytes) else read_picture
    image, size = read(source, longest_side)
    share = longest_side / max(image.size)
    if share < 1:
        smaller = [max(round(side * share), 1) for side in image.size]
        image = image.resize(smaller, Image.Resampling.BOX)
    return Photo(np.asarray(image), max(max(size) / max(image.size), 1.0))
