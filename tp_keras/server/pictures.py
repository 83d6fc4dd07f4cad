"""Arrays as files of pictures, in memory."""

import io

import numpy as np
from PIL import Image

# The longer side of a photo on the page.
SHOWN = 1024


def to_png(pixels: np.ndarray) -> bytes:
    """Returns uint8 `[height, width, 3]` as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return file.getvalue()


def to_jpeg(pixels: np.ndarray) -> bytes:
    """Returns a photo as a JPEG file that is no larger than `SHOWN`."""
    image = Image.fromarray(pixels)
    factor = max(image.size) // SHOWN
    if factor > 1:
        image = image.reduce(factor)
    image.thumbnail((SHOWN, SHOWN))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=85)
    return file.getvalue()
