import io
import struct
import warnings

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL import ImageOps

from tests.picture_factory import HEIGHT
from tests.picture_factory import ORIENTATIONS
from tests.picture_factory import WIDTH
from tests.picture_factory import encode
from tests.picture_factory import exif
from tests.picture_factory import picture
from tests.picture_factory import stored
from tp_keras.errors import UserError
from tp_keras.serving import portrait_file

SHAPE = (HEIGHT, WIDTH, 3)


def decode_portrait(data):
    return portrait_file.decode_portrait(data, SHAPE)


def read_portrait(path):
    return portrait_file.read_portrait(path, SHAPE)


@pytest.fixture
def photo():
    """Taller than a portrait, of large even fields."""
    fields = np.random.default_rng(0).integers(
        0, 256, size=(6, 3, 3), dtype=np.uint8
    )
    return Image.fromarray(fields).resize((150, 300), Image.Resampling.NEAREST)


@pytest.mark.parametrize("kind", ["bmp", "tiff", "gif", "webp", "ppm", "jp2"])
def test_other_types_are_treated_as_png(kind, photo, tmp_path):
    name = f"photo.{kind}"
    photo.save(tmp_path / name, **{"lossless": True} if kind == "webp" else {})
    photo.save(tmp_path / "photo.png")
    found = read_portrait(tmp_path / name)
    expected = read_portrait(tmp_path / "photo.png")
    np.testing.assert_array_equal(found, expected)


def test_what_is_no_image(photo, tmp_path):
    path = tmp_path / "file.png"
    png = b"\x89PNG\r\n\x1a\n" + b"IEND"
    jpeg = b"\xff\xd8\xff" + bytes(300) + b"\xff\xd9"
    whole = [encode(photo, kind) for kind in ("PNG", "JPEG", "WEBP")]
    halves = [data[: len(data) // 2] for data in whole]
    for content in (b"", b"no image", png, jpeg, *halves):
        path.write_bytes(content)
        with pytest.raises(UserError, match="or not a whole one.*HEIC.*file"):
            read_portrait(path)
    with pytest.raises(UserError, match="No such file or directory"):
        read_portrait(tmp_path / "gone.png")
    with pytest.raises(UserError, match="Is a directory"):
        read_portrait(tmp_path)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "MPO"])
def test_photographs_are_turned(kind):
    upright = picture()
    assert np.abs(np.asarray(upright)[::-1].astype(int) - upright).mean() > 20
    quality = {"AVIF": {"quality": 95}, "WEBP": {"lossless": True}}
    for mark in ORIENTATIONS:
        arguments = {"exif": exif(mark), **quality.get(kind, {})}
        data = encode(stored(upright, mark), kind, **arguments)
        gap = np.abs(decode_portrait(data).astype(int) - np.asarray(upright))
        # What codecs lose; the pictures are smooth.
        assert gap.mean() < 3


def test_exif_data_that_pillow_can_not_write_anew():
    plain = encode(stored(picture(), 6), "JPEG", exif=exif(6))
    # The maker of the camera, a text by the standard, as a fraction.
    text = struct.pack("<HHI", 0x010F, 2, len("a maker of cameras") + 1)
    data = plain.replace(text, struct.pack("<HHI", 0x010F, 5, 1))
    with pytest.raises(AttributeError):
        ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    found, expected = decode_portrait(data), decode_portrait(plain)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_the_first_of_several_pictures(kind):
    first, second = picture("P"), picture("P", seed=1)
    arguments = {"lossless": True} if kind == "WEBP" else {}
    data = encode(
        first, kind, save_all=True, append_images=[second], **arguments
    )
    gap = decode_portrait(data).astype(int) - np.asarray(first.convert("RGB"))
    assert np.abs(gap).mean() < 3


def grey_levels():
    return np.arange(HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 7


@pytest.mark.parametrize(
    ("kind", "dtype"),
    [
        *((kind, np.uint16) for kind in ("TIFF", "PNG", "PPM", "JPEG2000")),
        *((kind, np.int32) for kind in ("TIFF", "PPM")),
    ],
)
def test_16_bits_are_scaled(kind, dtype):
    levels = grey_levels().astype(dtype)
    found = decode_portrait(encode(Image.fromarray(levels), kind))
    np.testing.assert_array_equal(found, np.stack([levels >> 8] * 3, axis=-1))


def test_16_bits_of_colour_are_scaled():
    values = np.stack([grey_levels()] * 3, axis=-1)
    data = cv2.imencode(".tiff", values)[1].tobytes()
    np.testing.assert_array_equal(decode_portrait(data), values >> 8)


@pytest.mark.parametrize("dtype", [np.float32, np.int32])
def test_numbers_that_are_no_colours(dtype):
    levels = grey_levels().astype(dtype) - 70_000
    data = encode(Image.fromarray(levels), "TIFF")
    with pytest.raises(UserError, match="8 or 16 bits a channel"):
        decode_portrait(data)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "L", "1"])
def test_other_colours(mode):
    image = picture(mode)
    found = decode_portrait(encode(image, "TIFF"))
    np.testing.assert_array_equal(found, np.asarray(image.convert("RGB")))


def test_too_many_pixels_and_a_large_photograph(monkeypatch):
    assert 2 * Image.MAX_IMAGE_PIXELS == 178_956_970
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 4000)
    with pytest.raises(UserError, match="at most 8,000 pixels"):
        decode_portrait(encode(picture()))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10_000)
    data = encode(picture(size=(120, 120)))
    with pytest.warns(Image.DecompressionBombWarning):
        Image.open(io.BytesIO(data))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_portrait(data).shape == (HEIGHT, WIDTH, 3)


def test_types_that_start_other_programs_are_not_read():
    data = encode(picture(), "EPS")
    assert Image.open(io.BytesIO(data)).format == "EPS"
    with pytest.raises(UserError, match="Expected PNG, JPEG"):
        decode_portrait(data)
