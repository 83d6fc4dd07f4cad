"""The sizes of a portrait on its way through the network, and pixel scales.

108x84 -> 54x42 -> 27x21 -> 9x7: strides of 2, 2 and 3 divide exactly, so
nothing is padded and nothing cropped, and the hair at the border stays.
"""

import keras
import numpy as np
from keras import ops

from tp_keras.tasks import IMAGE_SHAPE

FULL_SIZE = IMAGE_SHAPE[:2]
HALF_SIZE = (54, 42)
QUARTER_SIZE = (27, 21)
INNER_SIZE = (9, 7)

# Networks see pixels from -1 to 1.
PIXEL_CENTRE = 127.5


def scale_pixels(images):
    """Maps pixels 0..255 to -1..1, float32."""
    return ops.cast(images, "float32") / PIXEL_CENTRE - 1.0


def as_pixels(half):
    """Returns pictures of -1..1, doubled, as pixels 0..255.

    Args:
        half: Float `[batch, 54, 42, 3]`.

    Returns:
        Float `[batch, 108, 84, 3]`.
    """
    return (double(half) + 1.0) * PIXEL_CENTRE


def halve(images):
    """Returns the means of blocks of 2x2 pixels.

    Args:
        images: Float `[batch, 108, 84, channels]`.

    Returns:
        `[batch, 54, 42, channels]`.
    """
    return ops.average_pool(images, 2, 2, data_format="channels_last")


def double(images):
    """Returns images of twice the size, interpolated bilinearly.

    Args:
        images: Float `[batch, 54, 42, channels]`.

    Returns:
        `[batch, 108, 84, channels]`.
    """
    return ops.image.resize(
        images, FULL_SIZE, "bilinear", data_format="channels_last"
    )


def to_uint8(images) -> np.ndarray:
    """Rounds images of the scale 0..255 to what a file holds.

    Args:
        images: Float tensor or array.

    Returns:
        uint8 array of the same shape.
    """
    images = keras.ops.convert_to_numpy(images)
    return np.clip(np.round(images), 0, 255).astype(np.uint8)
