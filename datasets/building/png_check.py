"""Checks the bytes of a PNG file before they enter a data set."""

import struct
import zlib

from .file_reader import BadFileError

# Width, height, bit depth, colour type, compression, filter, interlacing.
_HEADER = struct.Struct(">IIBBBBB")
_CHUNK_HEADER = struct.Struct(">I4s")
_CHECKSUM_BYTES = 4
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BIT_DEPTH = 8
_COLOR_TYPES = {
    0: "greyscale",
    2: "RGB",
    3: "palette",
    4: "greyscale with alpha",
    6: "RGBA",
}
_LAST_FILTER = 4


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

    A sound picture is a whole PNG file of 8 bit RGB, not interlaced.
    TensorFlow checks it when it decodes, and would otherwise stop in the
    middle of a training; all that it could stumble over takes a third of
    decoding to check.

    Args:
        content: The bytes of the PNG file.
        height: The rows of pixels it must have.
        width: The columns of pixels.
    """
    if not content:
        return "is empty"
    start = len(_SIGNATURE) + _CHUNK_HEADER.size
    if len(content) < start + _HEADER.size or not content.startswith(
        _SIGNATURE
    ):
        return "is not a PNG image"
    if content[start - 4 : start] != b"IHDR":
        return "is a corrupt PNG image (it does not start with its header)"
    header = _HEADER.unpack_from(content, start)
    columns, rows, bit_depth, color_type, *methods = header
    if (columns, rows) != (width, height):
        return (
            f"has {columns}x{rows} pixels (width x height) instead of "
            f"{width}x{height}"
        )
    if (bit_depth, _COLOR_TYPES.get(color_type)) != (_BIT_DEPTH, "RGB"):
        mode = _COLOR_TYPES.get(color_type, f"colour type {color_type}")
        return f"is {bit_depth} bit {mode} instead of {_BIT_DEPTH} bit RGB"
    if any(methods):
        return "is an interlaced PNG image, or one of an unknown kind"
    try:
        _check_pixels(b"".join(_read_pixels(content)), height, 1 + 3 * width)
    except (ValueError, struct.error, zlib.error) as error:
        return f"is a corrupt PNG image ({error})"
    return None


def _read_pixels(content: bytes) -> list[memoryview]:
    """Returns the compressed pixels; checks all chunks and their order."""
    view = memoryview(content)
    position = len(_SIGNATURE)
    pixels, kinds = [], []
    while not kinds or kinds[-1] != b"IEND":
        if position + _CHUNK_HEADER.size > len(view):
            raise ValueError("its end is missing")
        length, kind = _CHUNK_HEADER.unpack_from(view, position)
        end = position + _CHUNK_HEADER.size + length
        checksum = view[end : end + _CHECKSUM_BYTES]
        if int.from_bytes(checksum) != zlib.crc32(view[position + 4 : end]):
            raise ValueError("a checksum is wrong, or its end is missing")
        if kind == b"IDAT":
            pixels.append(view[end - length : end])
        if kind != b"IDAT" or kinds[-1] != b"IDAT":
            kinds.append(kind)
        position = end + _CHECKSUM_BYTES
    # Small letters stand for what a reader may leave out.
    needed = [kind for kind in kinds if kind[:1].isupper() and kind != b"PLTE"]
    if needed != [b"IHDR", b"IDAT", b"IEND"] or position != len(view):
        raise ValueError("its parts are not those of a picture")
    return pixels


def _check_pixels(compressed: bytes, rows: int, row_bytes: int) -> None:
    """Raises unless the pixels are all there, and no more."""
    inflater = zlib.decompressobj()
    pixels = inflater.decompress(compressed, rows * row_bytes + 1)
    is_whole = inflater.eof and not inflater.unused_data
    # Each row starts with the number of its filter.
    if (
        not is_whole
        or len(pixels) != rows * row_bytes
        or max(pixels[::row_bytes]) > _LAST_FILTER
    ):
        raise ValueError("its pixels are not complete")
