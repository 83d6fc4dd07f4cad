import dataclasses

import keras
import numpy as np
import pytest
from PIL import Image

from tests.generator.model.networks import make_vae
from tests.generator.model.networks import randomize
from tests.portrait_factory import SCHEMA
from tp_keras.errors import UserError
from tp_keras.generator.model import geometry
from tp_keras.generator.model.networks import StyledConvolution


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
        assert part.get_layer(name).output.shape[1:3] == expected
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


def make_styled(rows=2, **settings):
    """A convolution as training leaves it, features and styles."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(rows, 5, 7, 4)).astype(np.float32)
    style = rng.normal(size=(rows, 6)).astype(np.float32)
    layer = StyledConvolution(3, **settings)
    layer.build([features.shape, style.shape])
    randomize(layer.variables, scale=0.5)
    return layer, features, style


def styled_by_hand(layer, features, style):
    """Scales, and products of what lies about each place."""
    scales = style @ np.asarray(layer.scale.kernel) + layer.scale.bias
    padded = np.pad(
        features * np.asarray(scales)[:, None, None],
        [(0, 0), (1, 1), (1, 1), (0, 0)],
    )
    kernel = np.asarray(layer.convolution.kernel)
    return sum(
        padded[:, i : i + 5, j : j + 7] @ kernel[i, j]
        for i in range(3)
        for j in range(3)
    )


def test_a_styled_convolution_scales_convolves_and_normalises():
    layer, features, style = make_styled()
    x = styled_by_hand(layer, features, style)
    norm = layer.norm
    gamma, beta, mean, variance = map(
        np.array,
        (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance),
    )
    found = layer([features, style])
    expected = (x - mean) / np.sqrt(variance + 1e-3) * gamma + beta
    assert (expected < 0).any()
    expected = np.maximum(expected, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)

    # In training by the statistics of the batch, which leave their trace.
    places = (0, 1, 2)
    batch = x.mean(places), x.var(places)
    found = layer([features, style], training=True)
    expected = (x - batch[0]) / np.sqrt(batch[1] + 1e-3) * gamma + beta
    expected = np.maximum(expected, 0)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    for moving, old, new in zip(
        (norm.moving_mean, norm.moving_variance),
        (mean, variance),
        batch,
        strict=True,
    ):
        np.testing.assert_allclose(moving, 0.98 * old + 0.02 * new, rtol=1e-4)


def test_the_last_one_neither_normalises_nor_cuts_off():
    layer, features, style = make_styled(is_last=True)
    expected = styled_by_hand(layer, features, style) + layer.convolution.bias
    assert np.min(expected) < 0
    for training in (False, True):
        found = layer([features, style], training=training)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    # Kernel and bias of scale and convolution, and no statistics.
    assert len(layer.variables) == 4


def test_a_row_is_drawn_as_if_it_were_alone():
    layer, features, style = make_styled(rows=3)

    def gap(training):
        together = layer([features, style], training=training)
        alone = layer([features[1:2], style[1:2]], training=training)
        return np.abs(together[1] - alone[0]).max()

    assert gap(False) < 1e-5
    # Rows that are trained on see each other.
    assert gap(True) > 1e-2


def test_a_fresh_convolution_takes_its_input_as_it_is():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4, 20, 20, 64)).astype(np.float32)
    # A style of nothing scales nothing.
    style = np.zeros((4, 8), np.float32)
    for gain in (1.0, 0.3):
        layer = StyledConvolution(64, is_last=True, gain=gain)
        x = np.asarray(layer([features, style]))[:, 1:-1, 1:-1]
        assert x.std() == pytest.approx(gain, rel=0.05)
    layer = StyledConvolution(64, is_last=True, gain=0.0)
    assert not np.any(layer([features, style]))


def test_a_styled_convolution_comes_back_from_its_config():
    layer = StyledConvolution(3, 1, is_last=True, gain=0.3, name="last")
    again = StyledConvolution.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert (again.channels, again.kernel_size) == (3, 1)
    assert (again.is_last, again.gain) == (True, 0.3)
