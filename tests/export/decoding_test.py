import functools

import cv2
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.export.networks import random_portraits
from tests.picture_factory import HEIGHT
from tests.picture_factory import ORIENTATIONS
from tests.picture_factory import WIDTH
from tests.picture_factory import encode
from tests.picture_factory import exif
from tests.picture_factory import picture
from tests.picture_factory import stored
from tp_keras.errors import UserError
from tp_keras.export import decoding
from tp_keras.serving import portrait_file

SHAPE = (HEIGHT, WIDTH, 3)
SMALL = (64, 48, 3)


@functools.cache
def decoder(shape):
    return tf.function(
        lambda data: decoding.decode_batch(data, shape),
        input_signature=[tf.TensorSpec((None,), tf.string)],
    )


def decode_in_graph(data, shape=SHAPE):
    return decoder(shape)(data)


def decode_portrait(data, shape=SHAPE):
    return portrait_file.decode_portrait(data, shape)


def decode_one(data):
    images, valid = decode_in_graph([data])
    return images.numpy()[0], bool(valid[0])


def test_pixels_are_kept_and_resized_as_pillow_does():
    pixels = random_portraits(1)[0]
    decoded, valid = decode_one(encode(Image.fromarray(pixels)))
    assert valid
    np.testing.assert_array_equal(decoded, pixels)
    # Twice the size, and 40 columns too many on either side.
    image = picture(size=(2 * WIDTH + 80, 2 * HEIGHT))
    decoded, _ = decode_one(encode(image))
    crop = image.crop((40, 0, 40 + 2 * WIDTH, 2 * HEIGHT))
    expected = crop.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    difference = np.abs(decoded.astype(int) - np.asarray(expected).astype(int))
    assert difference.max() <= 2


def sixteen_bits(channels):
    values = np.random.default_rng(0).integers(
        0, 2**16, (HEIGHT, WIDTH, channels), dtype=np.uint16
    )
    return cv2.imencode(".png", values)[1].tobytes()


def transparent():
    image = picture("RGBA")
    image.putalpha(picture("L", seed=1))
    return image


# What a graph and a command must see alike, to the last level.
FILES = {
    "jpeg": encode(picture(), "JPEG"),
    "4:4:4": encode(picture(), "JPEG", subsampling=0, quality=95),
    "4:2:2": encode(picture(), "JPEG", subsampling=1),
    "4:2:0": encode(picture(), "JPEG", subsampling=2, quality=30),
    "progressive": encode(picture(), "JPEG", progressive=True),
    "restarts": encode(picture(), "JPEG", restart_marker_rows=1),
    "grey": encode(picture("L"), "JPEG"),
    "cmyk": encode(picture("CMYK"), "JPEG"),
    "rgb_jpeg": encode(picture(), "JPEG", keep_rgb=True),
    "png": encode(picture()),
    "palette": encode(picture("P"), transparency=3),
    "transparent_grey": encode(picture("L"), transparency=7),
    "alpha": encode(transparent()),
    "grey_alpha": encode(transparent().convert("LA")),
    "16_bit_grey": sixteen_bits(1),
    "16_bit": sixteen_bits(3),
    "16_bit_alpha": sixteen_bits(4),
    "turned_jpeg": encode(picture(size=(HEIGHT, WIDTH)), "JPEG", exif=exif(6)),
    "turned_png": encode(picture(size=(HEIGHT, WIDTH)), exif=exif(8)),
}


def test_a_graph_sees_what_commands_see():
    images, valid = decode_in_graph(list(FILES.values()))
    assert valid.numpy().all()
    for image, (name, data) in zip(images.numpy(), FILES.items(), strict=True):
        expected = decode_portrait(data)
        np.testing.assert_array_equal(image, expected, err_msg=name)


@pytest.mark.parametrize(
    ("shape", "size"),
    [
        # Odd lines left over; halves and fifths; less than a portrait.
        *((SHAPE, (85, 108)), (SHAPE, (168, 217)), (SHAPE, (333, 517))),
        *((SHAPE, (420, 700)), (SHAPE, (40, 50)), (SHAPE, (1, 90))),
        *((SMALL, (49, 64)), (SMALL, (333, 517))),
    ],
)
def test_a_graph_sees_what_commands_see_of_other_sizes(shape, size):
    data = [
        encode(stored(picture(size=size), mark), kind, exif=exif(mark))
        for kind in ("PNG", "JPEG")
        for mark in ORIENTATIONS
    ]
    images, valid = decode_in_graph(data, shape)
    assert valid.numpy().all()
    expected = np.stack([decode_portrait(item, shape) for item in data])
    gap = np.abs(images.numpy().astype(int) - expected)
    # The sums of floats are not the same to the last bit.
    assert gap.max() <= 1
    assert (gap > 0).mean(axis=(1, 2, 3)).max() < 2e-4


def test_a_picture_is_turned_as_it_is_marked():
    # One line too many on either side.
    upright = picture(size=(WIDTH, HEIGHT + 2))
    data = [
        encode(stored(upright, mark), exif=exif(mark, byte_order))
        for byte_order in ("<", ">")
        for mark in ORIENTATIONS
    ]
    # As ImageMagick writes it: the mark behind the pixels.
    turned = data[ORIENTATIONS.index(3)]
    start = turned.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(turned[start : start + 4], "big")
    chunk = turned[start:end]
    data.append(turned[:start] + turned[end:-12] + chunk + turned[-12:])
    expected = np.asarray(upright)[1:-1]
    for item, image in zip(data, decode_in_graph(data)[0], strict=True):
        np.testing.assert_array_equal(image, expected)
        np.testing.assert_array_equal(decode_portrait(item), expected)


def test_damaged_exif_data_leave_the_picture_whole():
    upright = stored(picture(), 6)
    data = encode(upright, "JPEG", exif=exif(6), quality=95)
    start = data.index(b"Exif\0\0") + 6
    generator = np.random.default_rng(0)
    files = []
    for _ in range(200):
        damaged = np.frombuffer(data, np.uint8).copy()
        places = start + generator.integers(0, 60, 3)
        damaged[places] = generator.integers(0, 256, 3)
        files.append(damaged.tobytes())
    images, valid = decode_in_graph(files)
    assert valid.numpy().all()
    turned = [
        encode(upright, "JPEG", exif=exif(mark), quality=95)
        for mark in ORIENTATIONS
    ]
    known = {decode_one(item)[0].tobytes() for item in turned}
    assert {image.tobytes() for image in images.numpy()} <= known
    for item in files:
        assert decode_portrait(item).tobytes() in known


PNG = encode(picture())
JPEG = encode(picture(), "JPEG")


def with_thumbnail():
    """A JPEG file with a whole one in its EXIF data."""
    thumbnail = encode(picture(size=(40, 50)), "JPEG")
    data = exif(1).tobytes() + thumbnail
    return encode(picture(), "JPEG", exif=data)


def patched(data, place, new):
    return data[:place] + new + data[place + len(new) :]


# Of the frame: how it is coded, and how high and wide the picture is.
FRAME = JPEG.index(b"\xff\xc0")


def test_a_row_that_is_no_png_or_jpeg_leaves_the_others_alone():
    others = [b"", b"\x89", b"no image", b"\x00" * 5000]
    kinds = ("GIF", "BMP", "WEBP", "TIFF")
    others += [encode(picture(), kind) for kind in kinds]
    images, valid = decode_in_graph([PNG, *others, JPEG])
    assert valid.numpy().tolist() == [True, *[False] * len(others), True]
    assert not images[1:-1].numpy().any()
    np.testing.assert_array_equal(images[0], np.asarray(picture()))


@pytest.mark.parametrize("data", [PNG, JPEG, with_thumbnail()])
def test_no_part_of_a_file_is_whole(data):
    cuts = [
        *range(100),
        *range(100, len(data), 37),
        *range(len(data) - 20, len(data)),
    ]
    images, valid = decode_in_graph([data[:cut] for cut in cuts] + [data])
    assert valid.numpy().tolist() == [False] * len(cuts) + [True]
    assert not images[:-1].numpy().any()
    for cut in cuts[::9]:
        with pytest.raises(UserError, match="not a whole one"):
            decode_portrait(data[:cut])


@pytest.mark.parametrize(
    "data",
    [
        PNG + b"\n" * 100,
        PNG + bytes(5000),
        JPEG + b"\0\0\0\x18ftypmp42" + bytes(5000),
        JPEG + with_thumbnail() + bytes(2000),
        encode(
            picture(), "MPO", save_all=True, append_images=[picture(seed=1)]
        ),
    ],
    ids=["lines", "zeros", "motion_photo", "second_picture", "mpo"],
)
def test_what_follows_the_end_is_no_fault(data):
    decoded, valid = decode_one(data)
    assert valid
    np.testing.assert_array_equal(decoded, decode_portrait(data))
    kind = "PNG" if data.startswith(PNG[:8]) else "JPEG"
    plain = decode_one(PNG if kind == "PNG" else JPEG)[0]
    np.testing.assert_array_equal(decoded, plain)


def test_what_cannot_be_decoded_leaves_the_others_alone():
    broken = {
        "12_bits": patched(JPEG, FRAME + 4, b"\x0c"),
        "2_components": patched(JPEG, FRAME + 9, b"\x02"),
        "no_height": patched(JPEG, FRAME + 5, b"\0\0"),
        "bomb_jpeg": patched(JPEG, FRAME + 5, b"\xff\0\xff\0"),
        "bomb_png": patched(PNG, 16, b"\0\0\xff\xff\0\0\xff\xff"),
        "depth": patched(PNG, 24, b"\x03"),
        "checksum": patched(PNG, 29, b"\0\0\0\0"),
        "pixels": patched(PNG, len(PNG) // 2, b"\0\0\0\0\xff\xff"),
        "no_pixels": patched(PNG, 16, bytes(8)),
        "negative": patched(PNG, 8, b"\xff\xff\xff\xff"),
        "endless": patched(PNG, 8, b"\x7f\xff\xff\xff"),
        "no_chunks": PNG[:8] + PNG[-12:],
        "fillings": JPEG[:2] + b"\xff" * 300_000,
        "zeros": JPEG[:2] + bytes(300_000),
        "no_length": JPEG[:2] + b"\xff\xe0\0\0" * 1000 + b"\xff\xd9",
    }
    images, valid = decode_in_graph([PNG, *broken.values(), PNG])
    valid = valid.numpy().tolist()
    taken = dict(zip(broken, valid[1:-1], strict=True))
    assert taken == dict.fromkeys(broken, False)
    assert not images[1:-1].numpy().any()
    for place in (0, -1):
        assert valid[place]
        np.testing.assert_array_equal(images[place], np.asarray(picture()))
