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
        (
            testing.make_image(1, size=(108, 84)),
            "has 108x84 pixels (width x height) instead of 84x108",
        ),
        (
            testing.make_image(1, mode="L"),
            "is 8 bit greyscale instead of 8 bit RGB",
        ),
        (
            testing.make_image(1, mode="RGBA"),
            "is 8 bit RGBA instead of 8 bit RGB",
        ),
        (
            testing.make_image(1, mode="P"),
            "is 8 bit palette instead of 8 bit RGB",
        ),
        (SOUND[:-12], "is a truncated PNG image (its end is missing)"),
        (SOUND[:60], "is a truncated PNG image (its end is missing)"),
    ],
)
def test_a_defect_is_named(content, defect):
    assert find_defect(content) == defect


def make_png(bit_depth, pixels, interlacing=0):
    """Returns a PNG file with right checksums around any pixel data."""

    def chunk(kind, data):
        length, crc = len(data), zlib.crc32(kind + data)
        return struct.pack(">I", length) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", 84, 108, bit_depth, 2, 0, 0, interlacing)
    chunks = [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    return SOUND[:8] + b"".join(chunk(*parts) for parts in chunks)


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


def test_an_interlaced_portrait_is_sound():
    # The seven passes hold each pixel once, with one filter byte per row.
    passes = [(11, 14), (10, 14), (21, 13), (21, 27), (42, 27), (42, 54)]
    passes.append((84, 54))
    assert sum(columns * rows for columns, rows in passes) == 84 * 108
    rows = b"".join((b"\0" + b"\x12" * 3 * c) * r for c, r in passes)
    content = make_png(8, zlib.compress(rows), interlacing=1)
    assert find_defect(content) is None
    assert (tf.io.decode_png(content).numpy() == 0x12).all()
    content = make_png(8, zlib.compress(rows[:-253]), interlacing=1)
    assert find_defect(content).startswith("is a corrupt PNG image")


def test_whatever_tensorflow_cannot_decode_is_refused():
    refused = 0
    for position in range(0, len(SOUND), 7):
        content = flip(SOUND, position)
        try:
            tf.io.decode_png(content, channels=3)
        except tf.errors.InvalidArgumentError:
            refused += 1
            assert find_defect(content) is not None, position
    assert refused > 10


@pytest.mark.parametrize("content", [SOUND, encode_png(NOISE)])
def test_the_short_way_finds_what_the_long_way_does(content, monkeypatch):
    assert png_check._is_plainly_sound(content, **SIZE)
    damaged = [flip(content, position) for position in range(len(content))]
    damaged += [content[:end] for end in range(0, len(content), 50)]
    damaged.append(content + b"more")
    short = [find_defect(each) for each in damaged]
    monkeypatch.setattr(png_check, "_is_plainly_sound", lambda *_: False)
    assert short == [find_defect(each) for each in damaged]
    assert None in short and len(set(short)) > 5


def test_a_filter_that_does_not_exist_is_refused():
    for number in range(6):
        row = bytes([number]) + b"\x12" * 84 * 3
        content = make_png(8, zlib.compress(row * 108))
        assert (find_defect(content) is None) == (number <= 4)
        assert png_check._is_plainly_sound(content, **SIZE) == (number <= 4)


def test_damage_in_the_pixels_is_corruption():
    middle = SOUND.index(b"IDAT") + 20
    assert find_defect(flip(SOUND, middle)).startswith("is a corrupt PNG image")
    # Cut out of the middle: the end is there, but pixels are missing.
    cut = SOUND[:middle] + SOUND[middle + 30 :]
    assert find_defect(cut).startswith("is a corrupt PNG image")
