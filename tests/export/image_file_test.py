import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.export.networks import random_portraits
from tp_keras.errors import UserError
from tp_keras.export import signatures
from tp_keras.export.image_file import read_portrait


@pytest.fixture
def photo():
    """Taller than a portrait, of large even fields."""
    fields = np.random.default_rng(0).integers(
        0, 256, size=(6, 3, 3), dtype=np.uint8
    )
    return Image.fromarray(fields).resize((150, 300), Image.Resampling.NEAREST)


def test_a_portrait_keeps_every_pixel(tmp_path):
    pixels = random_portraits(1)[0]
    Image.fromarray(pixels).save(tmp_path / "portrait.png")
    found = read_portrait(tmp_path / "portrait.png")
    np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg"])
def test_agrees_with_what_is_served(name, photo, tmp_path):
    photo.save(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    images, valid = signatures.decode_batch(tf.constant([data]))
    assert valid.numpy().tolist() == [True]
    found = read_portrait(tmp_path / name)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, images[0])


@pytest.mark.parametrize(
    "name, arguments",
    [
        ("photo.bmp", {}),
        ("photo.tiff", {}),
        ("photo.gif", {}),
        ("photo.webp", {"lossless": True}),
    ],
)
def test_other_types_are_treated_as_png(name, arguments, photo, tmp_path):
    photo.save(tmp_path / name, **arguments)
    photo.save(tmp_path / "photo.png")
    found = read_portrait(tmp_path / name)
    expected = read_portrait(tmp_path / "photo.png")
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no image",
        b"\x89PNG\r\n\x1a\n" + b"IEND",
        b"\xff\xd8\xff" + bytes(300) + b"\xff\xd9",
    ],
    ids=["empty", "text", "png", "jpeg"],
)
def test_what_is_no_image(content, tmp_path):
    path = tmp_path / "file.png"
    path.write_bytes(content)
    with pytest.raises(UserError, match="no image, or not a whole one.*file"):
        read_portrait(path)


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "photo.webp"])
def test_half_a_file(name, photo, tmp_path):
    photo.save(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match="not a whole one"):
        read_portrait(tmp_path / name)


def test_no_file(tmp_path):
    with pytest.raises(UserError, match="No such file or directory"):
        read_portrait(tmp_path / "gone.png")
    with pytest.raises(UserError, match="Is a directory"):
        read_portrait(tmp_path)
