"""Checks the bytes of one portrait before they enter the data set."""

import io
import struct

import PIL.Image

from . import facts

# Signature, then the IHDR chunk: length, type, width, height, bit depth,
# colour type. The chunk is the first of every PNG file.
_HEADER = struct.Struct(">8s4x4sIIBB")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END_CHUNK = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_BIT_DEPTH = 8
_COLOR_TYPES = {
    0: "greyscale",
    2: "RGB",
    3: "palette",
    4: "greyscale with alpha",
    6: "RGBA",
}


def find_defect(content: bytes) -> str | None:
    """Returns what is wrong with a portrait, or None if it is sound.

    A sound portrait is a whole PNG file of 84x108 pixels, 8 bit RGB, of which
    every checksum is right. TensorFlow checks them all when it decodes, and
    would otherwise stop in the middle of a training.

    Args:
        content: The bytes of the PNG file.
    """
    if not content:
        return "is empty"
    if len(content) < _HEADER.size or not content.startswith(_SIGNATURE):
        return "is not a PNG image"
    _, chunk, width, height, bit_depth, color_type = _HEADER.unpack_from(
        content
    )
    if chunk != b"IHDR":
        return "is a corrupt PNG image (it does not start with its header)"
    if (width, height) != (facts.WIDTH, facts.HEIGHT):
        return (
            f"has {width}x{height} pixels (width x height) instead of "
            f"{facts.WIDTH}x{facts.HEIGHT}"
        )
    if (bit_depth, _COLOR_TYPES.get(color_type)) != (_BIT_DEPTH, "RGB"):
        mode = _COLOR_TYPES.get(color_type, f"colour type {color_type}")
        return f"is {bit_depth} bit {mode} instead of {_BIT_DEPTH} bit RGB"
    if _END_CHUNK not in content:
        return "is a truncated PNG image (its end is missing)"
    try:
        # Checks the checksums of the chunks; Pillow then wants a fresh start.
        with PIL.Image.open(io.BytesIO(content)) as image:
            image.verify()
        with PIL.Image.open(io.BytesIO(content)) as image:
            image.load()
    # Pillow raises SyntaxError, OSError, ValueError, zlib.error and others.
    except Exception as error:
        return f"is a corrupt PNG image ({error})"
    return None
