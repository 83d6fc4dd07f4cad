"""Encoder and decoder of portraits, and what they are built of."""

import keras
import numpy as np
from keras import ops

from tp_keras.generator.conditions import embed_labels
from tp_keras.generator.conditions import label_inputs
from tp_keras.generator.conditions import one_hot_labels
from tp_keras.generator.model.geometry import PIXEL_CENTRE
from tp_keras.generator.model.geometry import as_pixels
from tp_keras.generator.model.geometry import double
from tp_keras.generator.model.geometry import halve
from tp_keras.generator.model.geometry import inner_stride
from tp_keras.generator.model.geometry import scale_pixels
from tp_keras.registration import register

# A posterior narrower than e^-5 standard deviations or wider than e^5 is a
# number on its way to infinity.
_LOG_VARIANCE_BOUND = 10.0

_READ_CHANNELS = 16

# What reads details that a picture of half the size doesn't have.
ENCODER_OUTER = ("outer_convolution", "outer_projection")

# Convolutions at full size are the dearest: few channels do for details.
_DRAWN_CHANNELS = 8

# What draws the details beyond half the size, with weights.
DECODER_OUTER = ("outer_modulation", "outer_convolution", "outer_change")


@register
class FeatureModulation(keras.layers.Layer):
    """Scales and shifts channels by a condition (FiLM).

    `x * (1 + scale(c)) + shift(c)` of features `[batch, rows, columns,
    channels]`, both linear in the condition `[batch, size]` and zero at the
    beginning: untrained it changes nothing. Perez et al., arXiv:1709.07871.
    """

    def build(self, input_shape):
        features, condition = input_shape
        self.projection = keras.layers.Dense(
            2 * features[-1],
            kernel_initializer="zeros",
            name="projection",
            dtype=self.dtype_policy,
        )
        self.projection.build(condition)

    def call(self, inputs):
        x, condition = inputs
        scale, shift = ops.split(self.projection(condition), 2, axis=-1)
        return x * (1 + scale[:, None, None]) + shift[:, None, None]

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])


def convolution(x, channels, name, kernel_size=3, strides=1, **kwargs):
    """Returns a `keras.layers.Conv2D` of features, padded to whole strides."""
    return keras.layers.Conv2D(
        channels, kernel_size, strides, padding="same", name=name, **kwargs
    )(x)


def zero_convolution(x, channels, name, *args, **kwargs):
    """Returns a `convolution` that is zero until it has learned something."""
    kwargs["kernel_initializer"] = "zeros"
    return convolution(x, channels, name, *args, **kwargs)


def _linear(x, size, name):
    """Returns the product with a matrix, in full precision."""
    return keras.layers.Dense(size, use_bias=False, dtype="float32", name=name)(
        x
    )


def bounded_log_variance(x):
    """Returns `b tanh(x / b)`: a log variance that can't run away to NaN."""
    return _LOG_VARIANCE_BOUND * ops.tanh(x / _LOG_VARIANCE_BOUND)


def unbounded_log_variance(log_variance) -> np.ndarray:
    """Returns what `bounded_log_variance` makes a log variance of."""
    share = np.clip(log_variance / _LOG_VARIANCE_BOUND, -0.99, 0.99)
    return (_LOG_VARIANCE_BOUND * np.arctanh(share)).astype(np.float32)


def build_encoder(image_shape, conditions, latent_size, channels):
    """Returns the encoder as a functional model.

    It leads from a dict of `image` uint8 and the labels int32 to `mean` and
    `log_variance`, float32 `[batch, latent_size]`. The mean is that of the
    linear path, which sees the portrait less the mean of its labels, plus what
    the convolutions add to it (nothing, untrained). What these read at full
    size is added to what they read at half of it, and is zero before the model
    has grown. `channels` are two, at a quarter of the size and innermost.
    """
    image = keras.Input(image_shape, dtype="uint8", name="image")
    labels = label_inputs(conditions)
    full = scale_pixels(image)
    half = halve(full)

    # === Linear path ===
    pixels = keras.layers.Flatten(dtype="float32", name="half_row")(half)
    one_hot = one_hot_labels(labels, conditions)
    label_mean = _linear(one_hot, pixels.shape[-1], "label_mean")
    linear = _linear(pixels - label_mean, latent_size, "linear_mean")

    # === Convolutions ===
    x = convolution(half, channels[0], "half_convolution", 4, 2)
    outer = convolution(
        full, _READ_CHANNELS, "outer_convolution", 4, 2, activation="relu"
    )
    outer = zero_convolution(
        outer, channels[0], "outer_projection", 4, 2, use_bias=False
    )
    x = keras.layers.Add(name="half_sum")([x, outer])
    x = keras.layers.ReLU(name="half_relu")(x)
    for name, width, size, strides in (
        ("quarter_convolution", channels[1], 3, inner_stride(image_shape)),
        ("inner_convolution", channels[1], 3, 1),
        ("inner_projection", channels[1] // 4, 1, 1),
    ):
        x = convolution(x, width, name, size, strides, activation="relu")
    x = keras.layers.Flatten(name="inner_row")(x)
    x = keras.layers.Concatenate(name="inner_and_labels")(
        [x, embed_labels(labels, conditions)]
    )
    x = keras.layers.Dense(256, activation="relu", name="hidden")(x)
    x = keras.layers.Concatenate(dtype="float32", name="hidden_and_linear")(
        [x, linear]
    )

    def zero_dense(name, **kwargs):
        """A dense layer that is its bias alone, untrained."""
        return keras.layers.Dense(
            latent_size,
            kernel_initializer="zeros",
            dtype="float32",
            name=name,
            **kwargs,
        )(x)

    return keras.Model(
        {"image": image, **labels},
        {
            "mean": linear + zero_dense("mean_change"),
            "log_variance": zero_dense(
                "log_variance", activation=bounded_log_variance
            ),
        },
        name="encoder",
    )


def build_decoder(
    image_shape, conditions, latent_size, channels, modulation=True
):
    """Returns the decoder, in two functional models.

    Both lead from a dict of `latent` float32 `[batch, latent_size]` and the
    labels int32: one to a picture of half the size from -1 to 1, the other to
    a dict of this as `half` and the full `image`, pixels 0..255. At half the
    size the picture is the linear path (label mean plus eigenfaces) plus what
    the convolutions add; at full size that picture doubled, plus details. Both
    additions are zero in an untrained model.

    `channels` are those of the innermost features, at a quarter and at half of
    the size. Without `modulation` of the features of every stage (FiLM) labels
    enter beside the latents alone.
    """
    stride = inner_stride(image_shape)
    half_size = [side // 2 for side in image_shape[:2]]
    rows, columns = [side // (4 * stride) for side in image_shape[:2]]
    latent = keras.Input((latent_size,), name="latent")
    labels = label_inputs(conditions)
    condition = embed_labels(labels, conditions)

    # === Linear path ===
    pixels = 3 * half_size[0] * half_size[1]
    one_hot = one_hot_labels(labels, conditions)
    linear = _linear(one_hot, pixels, "label_mean") + _linear(
        latent, pixels, "linear_image"
    )
    linear = ops.reshape(linear, (-1, *half_size, 3))

    def modulated(x, name):
        if modulation:
            x = FeatureModulation(name=f"{name}_modulation")([x, condition])
        return keras.layers.ReLU(name=f"{name}_relu")(x)

    def block(x, name):
        """A residual block that is the identity at first."""
        y = modulated(convolution(x, x.shape[-1], f"{name}_first"), name)
        y = zero_convolution(y, x.shape[-1], f"{name}_second")
        return keras.layers.Add(name=f"{name}_add")([x, y])

    # === From the innermost features to half the size ===
    x = keras.layers.Concatenate(name="latent_and_labels")([latent, condition])
    x = keras.layers.Dense(256, activation="relu", name="hidden")(x)
    x = keras.layers.Dense(rows * columns * channels[0], name="inner")(x)
    x = keras.layers.Reshape((rows, columns, channels[0]), name="inner_map")(x)
    x = modulated(x, "inner")
    x = block(x, "inner_block")
    # Fewer channels first, then more pixels: a fifth of the work.
    x = convolution(x, channels[1], "quarter_convolution")
    x = keras.layers.UpSampling2D(stride, name="to_quarter")(x)
    x = modulated(x, "quarter")
    x = block(x, "quarter_block")
    x = convolution(x, channels[2], "half_convolution")
    x = keras.layers.UpSampling2D(2, name="to_half")(x)
    x = modulated(x, "half")
    x = convolution(x, channels[2], "half_second")
    features = keras.layers.ReLU(name="half_features")(x)
    half = linear + zero_convolution(
        features, 3, "half_change", dtype="float32"
    )

    # === Full size ===
    x = modulated(features, "outer")
    x = convolution(x, _DRAWN_CHANNELS, "outer_convolution")
    # Sub-pixels out of channels are faster, and leave a grid where a loss
    # looks at the pictures through strided convolutions.
    x = keras.layers.ReLU(name="outer_features")(double(x))
    details = zero_convolution(x, 3, "outer_change", dtype="float32")
    image = as_pixels(half) + PIXEL_CENTRE * details
    inputs = {"latent": latent, **labels}
    return (
        keras.Model(inputs, half, name="half_decoder"),
        keras.Model(inputs, {"half": half, "image": image}, name="decoder"),
    )
