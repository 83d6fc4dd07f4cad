"""What the numbers of an image must be, told to who brings others."""

import numpy as np

from tp_keras.errors import UserError


def check_pixels(images) -> None:
    """Refuses numbers that a model would take for pixels, but wrongly.

    Models normalise pixels of 0 to 255 themselves: scaled to 0..1 before, all
    portraits would look black to them, and alike.

    Args:
        images: Array `[..., height, width, 3]`, or a `tf.data.Dataset` of
            images, alone or first in a tuple, of which the first batch is
            looked at. What is neither is not looked into.

    Raises:
        UserError: If the numbers lie outside of 0..255, or are floats of which
            none is above 1.
    """
    if hasattr(images, "element_spec"):
        images = _first_floats(images)
    if getattr(images, "dtype", np.uint8) == np.uint8:
        return
    images = np.asarray(images)
    if images.size:
        lowest, highest = images.min(), images.max()
        is_scaled = images.dtype.kind not in "iu" and highest <= 1
        # So that a NaN, which is below and above nothing, does not pass.
        if is_scaled or not (lowest >= 0 and highest <= 255):
            raise UserError(
                "Expected pixels from 0 to 255, as files hold them (the model "
                "normalises them itself). Received: "
                f"{describe_pixels(images)}"
            )


def _first_floats(dataset):
    spec = dataset.element_spec
    in_tuple = isinstance(spec, tuple)
    dtype = getattr(spec[0] if in_tuple else spec, "dtype", None)
    if not getattr(dtype, "is_floating", False):
        return None
    first = next(iter(dataset), (None,) if in_tuple else None)
    return first[0] if in_tuple else first


def describe_pixels(images) -> str:
    """Returns dtype, shape and range of an array, for a message."""
    text = f"dtype={images.dtype}, shape={images.shape}"
    if images.size and images.dtype.kind in "iufb":
        text += f", values from {images.min():g} to {images.max():g}"
    return text
