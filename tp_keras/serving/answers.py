"""Compares what a bundle answers with what its model does."""

import io

import numpy as np
from PIL import Image

from tp_keras.errors import UserError
from tp_keras.serving.c_session import CSession

# A value that lies between two levels may be rounded to either.
_PIXEL_TOLERANCE = 1
_PNG_START = b"\x89PNG"


def check_answers(
    bundle_dir, expected, tolerance: float = 1e-3, scales=None
) -> dict[str, float]:
    """Compares signatures, run through TensorFlow's C API, with their model.

    Args:
        bundle_dir: Folder with `saved_model.pb`.
        expected: Dict of signature to its inputs and the expected outputs,
            each a dict of arrays. Expected `image_bytes` are given as files or
            as the pixels that are in them.
        tolerance: Greatest difference of a float that passes; pixels may
            differ by one level, everything else not at all.
        scales: Dict of output, or of signature, to what its differences are
            divided by; 1 for those left out.

    Returns:
        The greatest difference of each signature, in levels where it answers
        with images.

    Raises:
        UserError: If outputs are missing or differ by more.
    """
    with CSession(bundle_dir) as session:
        return {
            signature: compare_answer(
                session, signature, *sides, tolerance, scales or {}
            )
            for signature, sides in expected.items()
        }


def compare_answer(
    session, signature, inputs, outputs, tolerance, scales
) -> float:
    """Does for one signature, in an open session, what `check_answers` does."""
    answer = session.run(signature, inputs)
    return max(
        _difference(
            f"{name!r} of {signature!r}",
            answer.get(name),
            values,
            tolerance,
            scales.get(signature, scales.get(name, 1.0)),
        )
        for name, values in outputs.items()
    )


def _difference(name, found, expected, tolerance, scale):
    if found is None:
        raise UserError(f"The bundle lacks the output {name}.")
    found, expected = map(_pixels_of_files, (found, expected))
    if found.shape != expected.shape:
        raise UserError(
            f"{name} has the shape {found.shape}. Expected {expected.shape}."
        )
    if found.dtype == object:
        if (found != expected).any():
            raise UserError(
                f"The bundle says other texts than its model in {name}: "
                f"{found[found != expected][0]!r}. "
                f"Expected {expected[found != expected][0]!r}."
            )
        return 0.0
    gap = np.abs(found.astype(np.float64) - expected.astype(np.float64))
    difference = float(gap.max()) / scale
    # Flags may not differ at all.
    tolerance = {"uint8": _PIXEL_TOLERANCE, "bool": 0}.get(
        found.dtype.name, tolerance
    )
    # So that a NaN, which exceeds nothing, does not pass.
    if not difference <= tolerance:
        raise UserError(
            f"The bundle differs from its model by {difference:.2g} in {name}. "
            f"Expected at most {tolerance:g}."
        )
    return difference


def _pixels_of_files(values) -> np.ndarray:
    """Returns the pixels of PNG files, and all else as it is."""
    if values.dtype != object or not values.flat[0].startswith(_PNG_START):
        return values
    pictures = [Image.open(io.BytesIO(data)) for data in values]
    return np.stack([np.asarray(picture) for picture in pictures])
