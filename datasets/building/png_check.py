"""Checks the bytes of a PNG file before they enter a data set."""

import io
import struct
import zlib
from collections.abc import Iterator

import PIL.Image

from .file_reader import BadFileError

# Signature, then the IHDR chunk: length, type, width, height, bit depth,
# colour type, compression, filter, interlacing. It is the first of every PNG
# file.
_HEADER = struct.Struct(">8s4x4sIIBB2xB")
_CHUNK_HEADER = struct.Struct(">I4s")
_CHECKSUM_BYTES = 4
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END_CHUNK = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_PLAIN_START = _SIGNATURE + b"\x00\x00\x00\x0dIHDR"
_LAST_FILTER = 4
_BIT_DEPTH = 8
_COLOR_TYPES = {
    0: "greyscale",
    2: "RGB",
    3: "palette",
    4: "greyscale with alpha",
    6: "RGBA",
}
# The passes of an image by its kind of interlacing: the first column and row,
# and the steps between columns and rows.
_PASSES = {
    0: ((0, 0, 1, 1),),
    1: (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ),
}


def check_png(content: bytes, height: int, width: int) -> bytes:
    """Returns the bytes of a PNG file as they are, if `find_defect` finds none.

    Raises:
        BadFileError: If there is one.
    """
    defect = find_defect(content, height, width)
    if defect is not None:
        raise BadFileError(defect)
    return content


def find_defect(content: bytes, height: int, width: int) -> str | None:
    """Returns what is wrong with a picture, or None if it is sound.

    A sound picture is a whole PNG file of 8 bit RGB, of which every checksum
    is right. TensorFlow checks them all when it decodes, and would otherwise
    stop in the middle of a training.

    Args:
        content: The bytes of the PNG file.
        height: The rows of pixels it must have.
        width: The columns of pixels.
    """
    if not content:
        return "is empty"
    if len(content) < _HEADER.size or not content.startswith(_SIGNATURE):
        return "is not a PNG image"
    header = _HEADER.unpack_from(content)
    _, chunk, columns, rows, bit_depth, color_type, interlacing = header
    if chunk != b"IHDR":
        return "is a corrupt PNG image (it does not start with its header)"
    if (columns, rows) != (width, height):
        return (
            f"has {columns}x{rows} pixels (width x height) instead of "
            f"{width}x{height}"
        )
    if (bit_depth, _COLOR_TYPES.get(color_type)) != (_BIT_DEPTH, "RGB"):
        mode = _COLOR_TYPES.get(color_type, f"colour type {color_type}")
        return f"is {bit_depth} bit {mode} instead of {_BIT_DEPTH} bit RGB"
    if _END_CHUNK not in content:
        return "is a truncated PNG image (its end is missing)"
    if _is_plainly_sound(content, height, width):
        return None
    try:
        # Checks the checksums of the chunks; Pillow then wants a fresh start.
        with PIL.Image.open(io.BytesIO(content)) as image:
            image.verify()
        with PIL.Image.open(io.BytesIO(content)) as image:
            image.load()
        _check_pixels(content, height, width, interlacing)
    except PIL.UnidentifiedImageError:  # Its message names only our buffer.
        return "is a corrupt PNG image (its first chunks are damaged)"
    # Pillow raises SyntaxError, OSError, ValueError, zlib.error and others.
    except Exception as error:
        return f"is a corrupt PNG image ({error})"
    return None


def _is_plainly_sound(content: bytes, height: int, width: int) -> bool:
    """Whether a file of header, pixels and end alone is sound in every part.

    Such are the portraits of a data set. Checksums, number of pixels and the
    filter of each row are all that a decoder could stumble over, and checking
    them takes a third of decoding. What fails, or holds anything else, may
    still be sound: it takes the long way.
    """
    if not content.startswith(_PLAIN_START) or any(content[26:29]):
        return False
    view = memoryview(content)
    position = len(_SIGNATURE)
    kinds, compressed = [], []
    while position < len(view):
        if position + _CHUNK_HEADER.size > len(view):
            return False
        length, kind = _CHUNK_HEADER.unpack_from(view, position)
        end = position + _CHUNK_HEADER.size + length
        checksum = view[end : end + _CHECKSUM_BYTES]
        if int.from_bytes(checksum) != zlib.crc32(view[position + 4 : end]):
            return False
        if kind == b"IDAT":
            compressed.append(view[end - length : end])
        if kind != b"IDAT" or kinds[-1] != b"IDAT":
            kinds.append(kind)
        position = end + _CHECKSUM_BYTES
    if kinds != [b"IHDR", b"IDAT", b"IEND"]:
        return False
    # Each row starts with the number of its filter.
    row_bytes = 1 + 3 * width
    inflater = zlib.decompressobj()
    try:
        pixels = inflater.decompress(
            b"".join(compressed), height * row_bytes + 1
        )
    except zlib.error:
        return False
    return (
        inflater.eof
        and not inflater.unused_data
        and len(pixels) == height * row_bytes
        and max(pixels[::row_bytes]) <= _LAST_FILTER
    )


def _check_pixels(
    content: bytes, height: int, width: int, interlacing: int
) -> None:
    """Raises unless the compressed pixels are all there, and no more.

    Pillow fills up what is missing at the end and does not read the checksum
    behind it; TensorFlow fails.
    """
    expected = 0
    for column, row, column_step, row_step in _PASSES[interlacing]:
        columns = len(range(column, width, column_step))
        rows = len(range(row, height, row_step))
        expected += rows * (1 + 3 * columns)
    inflater = zlib.decompressobj()
    compressed = b"".join(
        data for kind, data in _chunks(content) if kind == b"IDAT"
    )
    pixels = inflater.decompress(compressed, expected + 1)
    if not inflater.eof or len(pixels) != expected:
        raise ValueError("its pixels are not complete")


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yields type and data of the chunks of a file of sound structure."""
    position = len(_SIGNATURE)
    while position < len(content):
        length, kind = _CHUNK_HEADER.unpack_from(content, position)
        start = position + _CHUNK_HEADER.size
        yield kind, content[start : start + length]
        if kind == b"IEND":
            return
        position = start + length + _CHECKSUM_BYTES
