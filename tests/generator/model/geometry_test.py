import keras
import numpy as np
import pytest
from PIL import Image

from tests.generator.model.networks import make_vae
from tp_keras.generator.model.geometry import as_pixels
from tp_keras.generator.model.geometry import double
from tp_keras.generator.model.geometry import halve
from tp_keras.generator.model.geometry import scale_pixels
from tp_keras.generator.model.geometry import to_uint8


def test_the_encoder_divides_exactly():
    encoder = make_vae().encoder
    sizes = {
        name: encoder.get_layer(name).output.shape[1:3]
        for name in (
            "full_pixels",
            "half_pixels",
            "outer_convolution",
            "half_convolution",
            "outer_projection",
            "quarter_convolution",
            "inner_convolution",
        )
    }
    assert sizes == {
        "full_pixels": (108, 84),
        "half_pixels": (54, 42),
        "outer_convolution": (54, 42),
        "half_convolution": (27, 21),
        "outer_projection": (27, 21),
        "quarter_convolution": (9, 7),
        "inner_convolution": (9, 7),
    }


def test_the_decoder_multiplies_exactly():
    vae = make_vae()
    sizes = [
        vae.half_decoder.get_layer(name).output.shape[1:3]
        for name in ("inner_block_add", "to_quarter", "to_half", "half")
    ]
    assert sizes == [(9, 7), (27, 21), (54, 42), (54, 42)]
    assert vae.decoder.output.shape == (None, 108, 84, 3)


def test_halving_is_the_mean_of_four():
    images = np.random.default_rng(0).normal(size=(2, 108, 84, 3))
    expected = images.reshape(2, 54, 2, 42, 2, 3).mean(axis=(2, 4))
    found = halve(images.astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_doubling_is_that_of_an_image_library():
    image = np.random.default_rng(0).normal(size=(54, 42)).astype(np.float32)
    expected = Image.fromarray(image).resize((84, 108), Image.BILINEAR)
    found = np.asarray(double(image[None, :, :, None]))[0, :, :, 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_scales_are_each_others_inverse():
    assert keras.ops.convert_to_numpy(
        scale_pixels(np.array([0, 255], np.uint8))
    ).tolist() == [-1.0, 1.0]
    half = np.full((1, 54, 42, 3), 0.5, np.float32)
    np.testing.assert_allclose(as_pixels(half), 191.25)
    # What was averaged and doubled lies on the scale it came from.
    images = np.full((1, 108, 84, 3), 77, np.uint8)
    again = as_pixels(halve(scale_pixels(images)))
    np.testing.assert_allclose(again, 77.0, atol=1e-4)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(-7.0, 0), (0.49, 0), (0.51, 1), (254.6, 255), (300.0, 255)],
)
def test_files_hold_rounded_and_clipped_pixels(value, expected):
    found = to_uint8(keras.ops.convert_to_tensor([value]))
    assert found.dtype == np.uint8 and found.tolist() == [expected]
