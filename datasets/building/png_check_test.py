import functools
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf

from ..tiny_portraits import testing
from . import png_check
from .drawing.png import encode_png
from .file_reader import BadFileError

SIZE = {"height": 108, "width": 84}
find_defect = functools.partial(png_check.find_defect, **SIZE)
NOISE = np.random.default_rng(0).integers(0, 16, (108, 84, 3), dtype=np.uint8)
SOUND = testing.make_image(1)


def flip(content, position):
    changed = bytearray(content)
    changed[position] ^= 0xFF
    return bytes(changed)


def test_a_sound_portrait_has_no_defect():
    assert find_defect(SOUND) is None
    assert png_check.check_png(SOUND, **SIZE) is SOUND
    with pytest.raises(BadFileError, match="is empty"):
        png_check.check_png(b"", **SIZE)


@pytest.mark.parametrize(
    ("content", "defect"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n", "is not a PNG image"),
        (testing.make_image(1, file_format="JPEG"), "is not a PNG image"),
        (SOUND[:-12], "is a corrupt PNG image (its end is missing)"),
    ],
)
def test_a_defect_is_named(content, defect):
    assert find_defect(content) == defect


@pytest.mark.parametrize(
    ("change", "defect"),
    [
        ({"size": (108, 84)}, "has 108x84 pixels (width x height) instead of"),
        ({"mode": "L"}, "is 8 bit greyscale instead of 8 bit RGB"),
        ({"mode": "RGBA"}, "is 8 bit RGBA instead of 8 bit RGB"),
        ({"mode": "P"}, "is 8 bit palette instead of 8 bit RGB"),
    ],
)
def test_another_size_or_mode_is_named(change, defect):
    assert find_defect(testing.make_image(1, **change)).startswith(defect)


def make_chunk(kind, data):
    length, crc = len(data), zlib.crc32(kind + data)
    return struct.pack(">I", length) + kind + data + struct.pack(">I", crc)


def make_png(bit_depth, pixels, interlacing=0):
    """Returns a PNG file with right checksums around any pixel data."""

    header = struct.pack(">IIBBBBB", 84, 108, bit_depth, 2, 0, 0, interlacing)
    chunks = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return SOUND[:8] + b"".join(make_chunk(*parts) for parts in chunks)


def test_sixteen_bits_are_refused_although_pillow_calls_them_rgb():
    pixels = zlib.compress((b"\0" + b"\x12\x34" * 84 * 3) * 108)
    defect = "is 16 bit RGB instead of 8 bit RGB"
    assert find_defect(make_png(16, pixels)) == defect


def test_pixels_must_be_whole_even_if_all_checksums_are_right():
    rows = (b"\0" + b"\x12" * 84 * 3) * 108
    assert find_defect(make_png(8, zlib.compress(rows))) is None
    for pixels in (
        zlib.compress(rows[: len(rows) // 2]),
        zlib.compress(rows[:-253]),
        zlib.compress(rows)[:-4],
        b"nonsense",
        b"",
    ):
        content = make_png(8, pixels)
        assert find_defect(content).startswith("is a corrupt PNG image")
        with pytest.raises(tf.errors.InvalidArgumentError):
            tf.io.decode_png(content)


def test_a_filter_that_does_not_exist_is_refused():
    for number in range(6):
        row = bytes([number]) + b"\x12" * 84 * 3
        content = make_png(8, zlib.compress(row * 108))
        assert (find_defect(content) is None) == (number <= 4)


@pytest.mark.parametrize("content", [SOUND, encode_png(NOISE)])
def test_damage_anywhere_is_found(content):
    assert find_defect(content) is None
    for position in range(0, len(content), 3):
        assert find_defect(flip(content, position)) is not None
        assert find_defect(content[:position]) is not None
    middle = len(content) // 2
    for damaged in (
        content[:middle] + content[middle + 30 :],
        content + b"more",
        make_png(8, b""),
        make_png(8, b"", interlacing=1),
    ):
        assert find_defect(damaged) is not None


def test_what_may_be_left_out_of_a_file_does_no_harm():
    note = make_chunk(b"tEXt", b"Title\0portrait")
    content = SOUND[:33] + note + SOUND[33:]
    assert find_defect(content) is None
    tf.io.decode_png(content)
    unknown = SOUND[:33] + make_chunk(b"NEWS", b"") + SOUND[33:]
    assert find_defect(unknown).endswith(
        "(its parts are not those of a picture)"
    )
