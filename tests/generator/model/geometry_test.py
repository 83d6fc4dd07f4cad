import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image

from tests.generator.model.networks import make_vae
from tests.portrait_factory import SCHEMA
from tp_keras.errors import UserError
from tp_keras.generator.model import geometry
from tp_keras.generator.model.networks import ModulatedConvolution


@pytest.mark.parametrize(
    ("size", "quarter", "inner"),
    [((108, 84), (27, 21), (9, 7)), ((64, 40), (16, 10), (8, 5))],
)
def test_the_network_divides_and_multiplies_exactly(size, quarter, inner):
    vae = make_vae(schema=dataclasses.replace(SCHEMA, image_shape=(*size, 3)))
    half = size[0] // 2, size[1] // 2

    for part, name, expected in (
        (vae.encoder, "outer_convolution", half),
        (vae.encoder, "half_convolution", quarter),
        (vae.encoder, "outer_projection", quarter),
        (vae.encoder, "quarter_convolution", inner),
        (vae.encoder, "inner_convolution", inner),
        (vae.half_decoder, "inner_first", inner),
        (vae.half_decoder, "to_quarter", quarter),
        (vae.half_decoder, "to_half", half),
    ):
        output = part.get_layer(name).output
        features = output[0] if isinstance(output, list | tuple) else output
        assert features.shape[1:3] == expected
    assert vae.half_decoder.output.shape == (None, *half, 3)
    assert vae.decoder.output.shape == (None, *size, 3)


def test_many_sizes_can_be_divided_and_others_are_refused():
    for size, stride in (((96, 96), 3), ((120, 96), 3), ((128, 128), 2)):
        assert geometry.inner_stride((*size, 3)) == stride
    for size in ((100, 100), (108, 80), (54, 42)):
        with pytest.raises(UserError, match=f"Received: {size[0]}x{size[1]}"):
            geometry.inner_stride((*size, 3))


def test_halving_is_the_mean_of_four_and_doubling_that_of_an_image_library():
    images = np.random.default_rng(0).normal(size=(2, 108, 84, 3))
    expected = images.reshape(2, 54, 2, 42, 2, 3).mean(axis=(2, 4))
    found = geometry.halve(images.astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=1e-6)
    image = np.random.default_rng(0).normal(size=(54, 42)).astype(np.float32)
    expected = Image.fromarray(image).resize((84, 108), Image.BILINEAR)
    found = np.asarray(geometry.double(image[None, :, :, None]))[0, :, :, 0]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_scales_are_each_others_inverse():
    scaled = geometry.scale_pixels(np.array([0, 255], np.uint8))
    assert np.asarray(scaled).tolist() == [-1.0, 1.0]
    half = np.full((1, 54, 42, 3), 0.5, np.float32)
    np.testing.assert_allclose(geometry.as_pixels(half), 191.25)
    # What was averaged and doubled lies on the scale it came from.
    images = np.full((1, 108, 84, 3), 77, np.uint8)
    again = geometry.as_pixels(geometry.halve(geometry.scale_pixels(images)))
    np.testing.assert_allclose(again, 77.0, atol=1e-4)
    # Files hold rounded and clipped ones.
    values = [-7.0, 0.49, 0.51, 254.6, 300.0]
    found = geometry.to_uint8(keras.ops.convert_to_tensor(values))
    assert found.dtype == np.uint8
    assert found.tolist() == [0, 0, 1, 255, 255]


def test_a_modulated_convolution_is_one_with_a_kernel_for_each_row():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 5, 7, 4)).astype(np.float32)
    style = rng.normal(size=(2, 6)).astype(np.float32)
    layer = ModulatedConvolution(3)
    layer.build([features.shape, style.shape])
    bias = np.array([0.5, -1.0, 2.0], np.float32)
    layer.convolution.bias.assign(bias)
    found, factors = layer([features, style])
    scales = style @ layer.scale.kernel + layer.scale.bias
    for row, scale in enumerate(np.asarray(scales)):
        kernel = np.asarray(layer.convolution.kernel) * scale[:, None]
        plain = keras.ops.conv(features[row : row + 1], kernel, 1, "same")[0]
        expected = np.maximum(plain + bias, 0)
        np.testing.assert_allclose(found[row], expected, rtol=1e-4, atol=1e-4)
        # Divided by it, each filter has a length of 1; a ReLU takes half.
        lengths = np.sqrt((kernel**2).sum(axis=(0, 1, 2)))
        expected = np.sqrt(2) / lengths
        np.testing.assert_allclose(factors[row], expected, rtol=1e-4)


def test_a_factor_is_taken_together_with_the_next_scale():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(2, 5, 7, 4)).astype(np.float32)
    style, factor = rng.uniform(0.5, 2, (2, 2, 4)).astype(np.float32)
    layer = ModulatedConvolution(3, 1, activation=None)
    found, factors = layer([features, style, factor])
    multiplied = features * factor[:, None, None]
    expected, same = layer([multiplied, style])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    # It says nothing of the filters.
    np.testing.assert_array_equal(factors, same)


def test_features_keep_their_variance_whatever_the_style():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4, 20, 20, 64)).astype(np.float32)
    style = rng.normal(0, 3, (4, 8)).astype(np.float32)
    layer = ModulatedConvolution(64)
    x, factor = layer([features, style])
    squares = np.square(np.asarray(x) * factor[:, None, None]).mean((1, 2, 3))
    np.testing.assert_allclose(squares, 1.0, rtol=0.2)


def test_a_modulated_convolution_comes_back_from_its_config():
    layer = ModulatedConvolution(3, 1, None, gain=0.3, name="last")
    again = ModulatedConvolution.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.channels, again.kernel_size) == (3, 1)
    assert (again.activation, again.gain) == (None, 0.3)
