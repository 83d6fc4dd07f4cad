import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.export.networks import random_portraits
from tp_keras.export import signatures
from tp_keras.tasks import HAIR_TYPE
from tp_keras.tasks import IMAGE_SHAPE

HEIGHT, WIDTH, _ = IMAGE_SHAPE


def encode(image, kind="PNG", **arguments):
    file = io.BytesIO()
    image.save(file, kind, **arguments)
    return file.getvalue()


def portrait(mode="RGB", size=(WIDTH, HEIGHT), seed=0):
    generator = np.random.default_rng(seed)
    coarse = generator.integers(0, 256, (6, 5, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    return image.convert(mode)


@tf.function(input_signature=[tf.TensorSpec((None,), tf.string)])
def decode_in_graph(data):
    return signatures.decode_batch(data)


def decode_one(data):
    images, valid = decode_in_graph([data])
    return images.numpy()[0], bool(valid[0])


def test_labels_are_those_of_the_greatest_logits():
    logits = {"hair_type": tf.constant([[0.0, 3.0, 1.0], [9.0, -1.0, 2.0]])}
    outputs = signatures.classify(logits, (HAIR_TYPE,))
    assert outputs["hair_type_label"].numpy().tolist() == [
        b"wavy",
        b"straight",
    ]
    expected = np.exp([0.0, 3.0, 1.0])
    np.testing.assert_allclose(
        outputs["hair_type"][0], expected / expected.sum(), rtol=1e-5
    )


def test_a_portrait_of_the_size_keeps_every_pixel():
    pixels = random_portraits(1)[0]
    decoded, valid = decode_one(encode(Image.fromarray(pixels)))
    assert valid
    np.testing.assert_array_equal(decoded, pixels)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "LA"])
def test_every_mode_of_png(mode):
    image = portrait(mode)
    decoded, valid = decode_one(encode(image))
    assert valid
    rgb = image.convert("RGBA" if mode == "LA" else mode).convert("RGB")
    np.testing.assert_array_equal(decoded, np.asarray(rgb))


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg(mode):
    image = portrait(mode)
    data = encode(image, "JPEG", quality=95)
    decoded, valid = decode_one(data)
    assert valid
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    if mode != "CMYK":
        difference = np.abs(decoded.astype(int) - expected.astype(int))
        # TensorFlow takes the fast transform, Pillow the accurate one.
        assert difference.mean() < 2.0


@pytest.mark.parametrize(
    "size",
    [(178, 218), (84, 300), (500, 108), (40, 50), (1, 1), (1, 90), (85, 108)],
)
def test_any_size_is_cropped_at_its_centre(size):
    decoded, valid = decode_one(encode(portrait(size=size)))
    assert valid
    assert decoded.shape == IMAGE_SHAPE


def test_resizing_agrees_with_pillow():
    # Twice the size, and 40 columns too many on either side.
    image = portrait(size=(2 * WIDTH + 80, 2 * HEIGHT))
    decoded, _ = decode_one(encode(image))
    crop = image.crop((40, 0, 40 + 2 * WIDTH, 2 * HEIGHT))
    expected = crop.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    difference = np.abs(decoded.astype(int) - np.asarray(expected).astype(int))
    assert difference.max() <= 2


PNG = encode(portrait())
JPEG = encode(portrait(), "JPEG")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x89",
        b"no image",
        b"\x00" * 5000,
        PNG[:8],
        PNG[:-12],
        PNG[: len(PNG) // 2],
        JPEG[:3],
        JPEG[: len(JPEG) // 2],
        encode(portrait(), "GIF"),
        encode(portrait(), "BMP"),
    ],
    ids=lambda data: f"{len(data)}_bytes",
)
def test_what_is_no_whole_png_or_jpeg_is_not_valid(data):
    decoded, valid = decode_one(data)
    assert not valid
    assert not decoded.any()


@pytest.mark.parametrize("data", [PNG, JPEG], ids=["png", "jpeg"])
def test_bytes_behind_the_end_are_no_fault(data):
    assert decode_one(data + b"\n" * 100)[1]


def test_a_bad_row_leaves_the_others_alone():
    images, valid = decode_in_graph([PNG, b"no image", JPEG])
    assert valid.numpy().tolist() == [True, False, True]
    np.testing.assert_array_equal(images[0], np.asarray(portrait()))
