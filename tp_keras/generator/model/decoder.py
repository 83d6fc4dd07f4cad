"""From latents and labels to a portrait."""

import keras
from keras import ops

from tp_keras.generator.model.conditions import FeatureModulation
from tp_keras.generator.model.conditions import OneHotLabels
from tp_keras.generator.model.conditions import embed_labels
from tp_keras.generator.model.conditions import label_inputs
from tp_keras.generator.model.convolutions import convolution
from tp_keras.generator.model.convolutions import zero_convolution
from tp_keras.generator.model.geometry import HALF_SIZE
from tp_keras.generator.model.geometry import INNER_SIZE
from tp_keras.generator.model.geometry import PIXEL_CENTRE
from tp_keras.generator.model.geometry import as_pixels
from tp_keras.generator.model.geometry import double
from tp_keras.registration import register

# Convolutions at 108x84 are the dearest: few channels do for details.
_OUTER_CHANNELS = 8

# What draws the details beyond 54x42, with weights.
OUTER_LAYERS = ("outer_modulation", "outer_convolution", "outer_change")


@register
class DoubledPixels(keras.layers.Layer):
    """A picture of -1..1 at twice the size, as pixels 0..255."""

    def call(self, half):
        return as_pixels(half)

    def compute_output_shape(self, input_shape):
        return _doubled(input_shape)


@register
class DoubledFeatures(keras.layers.Layer):
    """Features at twice the size, interpolated bilinearly.

    Sub-pixels out of channels are faster, and leave a grid where a loss looks
    at the pictures through strided convolutions.
    """

    def call(self, features):
        return ops.cast(double(features), self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return _doubled(input_shape)


def _doubled(shape):
    batch, rows, columns, channels = shape
    return batch, 2 * rows, 2 * columns, channels


def build_decoder(latent_size, channels, modulation=True):
    """Returns the decoder, in two functional models.

    At 54x42 the picture is the linear path (label mean plus eigenfaces) plus
    what the convolutions add; at 108x84 that picture doubled, plus details.
    Both additions are zero in an untrained model.

    Args:
        latent_size: Int.
        channels: Ints: channels at 9x7, 27x21 and 54x42.
        modulation: Whether labels modulate the features of every stage (FiLM);
            without, they enter beside the latents alone.

    Returns:
        `(half, full)`, from a dict of `latent` float32 `[batch, latent_size]`
        and the labels int32 `[batch]` to `half`: a picture from -1 to 1
        `[batch, 54, 42, 3]`; `full`: dict of this as `half` and the `image`,
        pixels 0..255, `[batch, 108, 84, 3]`.
    """
    latent = keras.Input((latent_size,), name="latent")
    labels = label_inputs()
    condition = embed_labels(labels)

    # === Linear path ===
    pixels = 3 * HALF_SIZE[0] * HALF_SIZE[1]
    label_mean = keras.layers.Dense(
        pixels, use_bias=False, dtype="float32", name="label_mean"
    )(OneHotLabels(name="one_hot_labels")(labels))
    linear = keras.layers.Dense(
        pixels, use_bias=False, dtype="float32", name="linear_image"
    )(latent)
    linear = keras.layers.Add(dtype="float32", name="linear_row")(
        [label_mean, linear]
    )
    linear = keras.layers.Reshape(
        (*HALF_SIZE, 3), dtype="float32", name="linear_half"
    )(linear)

    def modulated(x, name):
        if modulation:
            x = FeatureModulation(name=f"{name}_modulation")([x, condition])
        return keras.layers.ReLU(name=f"{name}_relu")(x)

    def block(x, name):
        """A residual block that is the identity at first."""
        y = modulated(convolution(x, x.shape[-1], f"{name}_first"), name)
        y = zero_convolution(y, x.shape[-1], f"{name}_second")
        return keras.layers.Add(name=f"{name}_add")([x, y])

    # === 9x7, 27x21, 54x42 ===
    x = keras.layers.Concatenate(name="latent_and_labels")([latent, condition])
    x = keras.layers.Dense(256, activation="relu", name="hidden")(x)
    x = keras.layers.Dense(
        INNER_SIZE[0] * INNER_SIZE[1] * channels[0], name="inner"
    )(x)
    x = keras.layers.Reshape((*INNER_SIZE, channels[0]), name="inner_map")(x)
    x = modulated(x, "inner")
    x = block(x, "inner_block")
    # Fewer channels first, then more pixels: a fifth of the work.
    x = convolution(x, channels[1], "quarter_convolution")
    x = keras.layers.UpSampling2D(3, name="to_quarter")(x)
    x = modulated(x, "quarter")
    x = block(x, "quarter_block")
    x = convolution(x, channels[2], "half_convolution")
    x = keras.layers.UpSampling2D(2, name="to_half")(x)
    x = modulated(x, "half")
    x = convolution(x, channels[2], "half_second")
    features = keras.layers.ReLU(name="half_features")(x)
    change = zero_convolution(features, 3, "half_change", dtype="float32")
    half = keras.layers.Add(dtype="float32", name="half")([linear, change])
    # === 108x84 ===
    x = modulated(features, "outer")
    x = convolution(x, _OUTER_CHANNELS, "outer_convolution")
    x = DoubledFeatures(name="to_full")(x)
    x = keras.layers.ReLU(name="outer_features")(x)
    details = zero_convolution(x, 3, "outer_change", dtype="float32")
    details = keras.layers.Rescaling(
        PIXEL_CENTRE, dtype="float32", name="details"
    )(details)
    image = keras.layers.Add(dtype="float32", name="image")(
        [DoubledPixels(dtype="float32", name="doubled_half")(half), details]
    )
    inputs = {"latent": latent, **labels}
    return (
        keras.Model(inputs, half, name="half_decoder"),
        keras.Model(inputs, {"half": half, "image": image}, name="decoder"),
    )
