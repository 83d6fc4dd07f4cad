"""Encoder and decoder of portraits, and what they are built of."""

import math

import keras
from keras import ops

from tp_keras.generator.conditions import embed_labels
from tp_keras.generator.conditions import label_inputs
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
_STYLE_SIZE = 192

# Weights are averaged over as many steps, or more.
_NORM_MOMENTUM = 0.98

# What reads details that a picture of half the size doesn't have.
ENCODER_OUTER = ("outer_convolution", "outer_projection")

# What draws the details beyond half the size, with weights.
DECODER_OUTER = ("outer_first", "outer_second", "outer_colours")


@register
class StyledConvolution(keras.layers.Layer):
    """A convolution whose input channels are scaled by a style.

    As in StyleGAN2 (Karras et al., arXiv:1912.04958, section 2.2), but what
    comes out is normalised by the statistics of the batch, as in FastGAN (Liu
    et al., arXiv:2101.04775), and followed by a ReLU: that learns in a fraction
    of the steps. Drawing takes the statistics of the training.

    Called with a pair of features `[batch, rows, columns, channels]` and styles
    `[batch, size]`.

    Args:
        channels: Int, of the output.
        kernel_size: Int.
        is_last: Whether neither norm nor ReLU follows.
        gain: Float, by which the initial kernel is multiplied.
    """

    def __init__(
        self, channels, kernel_size=3, is_last=False, gain=1.0, **kwargs
    ):
        super().__init__(**kwargs)
        self.channels = channels
        self.kernel_size = kernel_size
        self.is_last = is_last
        self.gain = gain

    def build(self, input_shape):
        features, style = input_shape
        depth = features[-1]
        size = self.kernel_size**2 * depth
        self.scale = keras.layers.Dense(
            depth,
            bias_initializer="ones",
            dtype=self.dtype_policy,
            name="scale",
        )
        self.scale.build(style)
        self.convolution = keras.layers.Conv2D(
            self.channels,
            self.kernel_size,
            padding="same",
            use_bias=self.is_last,
            kernel_initializer=keras.initializers.RandomNormal(
                stddev=self.gain / math.sqrt(size)
            ),
            dtype=self.dtype_policy,
            name="convolution",
        )
        self.convolution.build(features)
        if not self.is_last:
            self.norm = keras.layers.BatchNormalization(
                momentum=_NORM_MOMENTUM, dtype=self.dtype_policy, name="norm"
            )
            self.norm.build((*features[:-1], self.channels))

    def call(self, inputs, training=False):
        features, style = inputs
        scale = ops.cast(self.scale(style), features.dtype)
        x = self.convolution(features * scale[:, None, None])
        if self.is_last:
            return x
        return ops.relu(self.norm(x, training=training))

    def get_config(self):
        return {
            **super().get_config(),
            "channels": self.channels,
            "kernel_size": self.kernel_size,
            "is_last": self.is_last,
            "gain": self.gain,
        }


def convolution(x, channels, name, kernel_size=3, strides=1, **kwargs):
    """Returns a `keras.layers.Conv2D` of features, padded to whole strides."""
    return keras.layers.Conv2D(
        channels, kernel_size, strides, padding="same", name=name, **kwargs
    )(x)


def leaky(x):
    """Returns features after a leaky ReLU of slope .2, as a product.

    As fast as the operation of that name, before whose gradient the optimizer
    of TensorFlow's graphs gives up, with a message of many lines.
    """
    one = ops.ones((), x.dtype)
    return x * ops.where(x > 0, one, 0.2 * one)


def bounded_log_variance(x):
    """Returns `b tanh(x / b)`: a log variance that can't run away to NaN."""
    return _LOG_VARIANCE_BOUND * ops.tanh(x / _LOG_VARIANCE_BOUND)


def build_encoder(image_shape, conditions, latent_size, channels):
    """Returns the encoder as a functional model.

    It leads from a dict of `image` uint8 and the labels int32 to `mean` and
    `log_variance`, float32 `[batch, latent_size]`. What is read at full size is
    added to what is read at half of it, and is zero before the model has
    grown. `channels` are two, at a quarter of the size and innermost.
    """
    image = keras.Input(image_shape, dtype="uint8", name="image")
    labels = label_inputs(conditions)
    full = scale_pixels(image)
    x = convolution(halve(full), channels[0], "half_convolution", 4, 2)
    outer = convolution(full, _READ_CHANNELS, "outer_convolution", 4, 2)
    outer = convolution(
        keras.layers.ReLU(name="outer_relu")(outer),
        channels[0],
        "outer_projection",
        4,
        2,
        use_bias=False,
        kernel_initializer="zeros",
    )
    x = keras.layers.Add(name="half_sum")([x, outer])
    x = keras.layers.ReLU(name="half_relu")(x)
    for name, width, size, strides in (
        ("quarter", channels[1], 3, inner_stride(image_shape)),
        ("inner", channels[1], 3, 1),
        ("row", channels[1] // 2, 1, 1),
    ):
        x = convolution(x, width, f"{name}_convolution", size, strides)
        x = keras.layers.ReLU(name=f"{name}_relu")(x)
    x = keras.layers.Flatten(name="inner_row")(x)
    x = keras.layers.Concatenate(name="inner_and_labels")(
        [x, embed_labels(labels, conditions)]
    )
    x = leaky(keras.layers.Dense(256, name="hidden")(x))

    def dense(name, **kwargs):
        return keras.layers.Dense(
            latent_size, dtype="float32", name=name, **kwargs
        )(x)

    return keras.Model(
        {"image": image, **labels},
        {
            "mean": dense("mean"),
            "log_variance": dense(
                "log_variance", activation=bounded_log_variance
            ),
        },
        name="encoder",
    )


def build_decoder(image_shape, conditions, latent_size, channels):
    """Returns the decoder, in two functional models.

    Both lead from a dict of `latent` float32 `[batch, latent_size]` and the
    labels int32: one to a picture of half the size from -1 to 1, the other to
    the full image, pixels 0..255. Colours of every size are added up; what the
    full size adds is zero at first.

    `channels` are four, innermost, at a quarter, at half and at full size.
    """
    stride = inner_stride(image_shape)
    rows, columns = [side // (4 * stride) for side in image_shape[:2]]
    latent = keras.Input((latent_size,), name="latent")
    labels = label_inputs(conditions)
    told = keras.layers.Concatenate(name="latent_and_labels")(
        [latent, embed_labels(labels, conditions)]
    )
    style = told
    for name in ("style_first", "style_second"):
        style = leaky(keras.layers.Dense(_STYLE_SIZE, name=name)(style))

    def convolve(x, width, name):
        return StyledConvolution(width, name=name)([x, style])

    def enlarge(x, size, name):
        return keras.layers.UpSampling2D(size, name=name)(x)

    def colours(x, name, gain=0.3):
        return StyledConvolution(
            3, 1, is_last=True, gain=gain, dtype="float32", name=name
        )([x, style])

    # === From the innermost features to half the size ===
    x = keras.layers.Dense(rows * columns * channels[0], "relu", name="inner")(
        told
    )
    x = keras.layers.Reshape((rows, columns, channels[0]), name="inner_map")(x)
    x = convolve(x, channels[0], "inner_first")
    # Fewer channels first, then more pixels.
    x = convolve(x, channels[1], "inner_second")
    x = enlarge(x, stride, "to_quarter")
    x = convolve(x, channels[1], "quarter_first")
    picture = colours(x, "quarter_colours")
    x = convolve(x, channels[2], "quarter_second")
    x = enlarge(x, 2, "to_half")
    x = convolve(x, channels[2], "half_first")
    x = convolve(x, channels[2], "half_second")
    half = double(picture) + colours(x, "half_colours")

    # === Full size ===
    x = convolve(x, channels[3], "outer_first")
    x = enlarge(x, 2, "to_full")
    x = convolve(x, channels[3], "outer_second")
    details = colours(x, "outer_colours", gain=0.0)
    image = as_pixels(half) + PIXEL_CENTRE * details
    inputs = {"latent": latent, **labels}
    return (
        keras.Model(inputs, half, name="half_decoder"),
        keras.Model(inputs, image, name="decoder"),
    )
