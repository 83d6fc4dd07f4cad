"""The sizes of a portrait on its way through the network, and pixel scales.

The sides are divided by 2, by 2 and by 3, or by 2 once more where that leaves
a rest: nothing is padded and nothing cropped, and what lies at the border
stays.
"""

import numpy as np
from keras import ops

from tp_keras.errors import UserError

# Networks see pixels from -1 to 1.
PIXEL_CENTRE = 127.5


def inner_stride(image_shape) -> int:
    """Returns what a quarter of the sides is divided by: 3, or 2.

    Raises:
        UserError: If neither leaves whole numbers.
    """
    sides = image_shape[:2]
    for stride in (3, 2):
        if not any(side % (4 * stride) for side in sides):
            return stride
    raise UserError(
        "A generator divides the sides of a portrait by 12 or by 8. Expected "
        "height and width that are multiples of 12, or both of 8; build the "
        f"data set in such a size. Received: {sides[0]}x{sides[1]}"
    )


def scale_pixels(images):
    """Maps pixels 0..255 to -1..1, float32."""
    return ops.cast(images, "float32") / PIXEL_CENTRE - 1.0


def as_pixels(pictures, doubled=True):
    """Returns pictures of -1..1 `[batch, h, w, 3]`, doubled, as 0..255."""
    if doubled:
        pictures = double(pictures)
    return (pictures + 1.0) * PIXEL_CENTRE


def halve(images):
    """Returns the means of blocks of 2x2 pixels of `[batch, h, w, c]`."""
    return ops.average_pool(images, 2, 2, data_format="channels_last")


def double(images):
    """Returns images of twice the size, interpolated bilinearly."""
    _, rows, columns, _ = images.shape
    return ops.image.resize(
        images, (2 * rows, 2 * columns), "bilinear", data_format="channels_last"
    )


def to_uint8(images) -> np.ndarray:
    """Rounds images of the scale 0..255 to what a file holds, uint8."""
    images = ops.convert_to_numpy(images)
    return np.clip(np.round(images), 0, 255).astype(np.uint8)
