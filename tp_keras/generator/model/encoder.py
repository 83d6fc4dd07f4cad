"""From a portrait and its labels to a distribution of latents."""

import keras
import numpy as np
from keras import ops

from tp_keras.generator.model.conditions import OneHotLabels
from tp_keras.generator.model.conditions import embed_labels
from tp_keras.generator.model.conditions import label_inputs
from tp_keras.generator.model.convolutions import convolution
from tp_keras.generator.model.convolutions import zero_convolution
from tp_keras.generator.model.geometry import halve
from tp_keras.generator.model.geometry import scale_pixels
from tp_keras.registration import register
from tp_keras.tasks import IMAGE_SHAPE

# A posterior narrower than e^-5 standard deviations or wider than e^5 is a
# number on its way to infinity.
_LOG_VARIANCE_BOUND = 10.0

_OUTER_CHANNELS = 16

# What reads details that a picture of 54x42 doesn't have.
OUTER_LAYERS = ("outer_convolution", "outer_projection")


@register
class ScaledPixels(keras.layers.Layer):
    """Pixels 0..255 as float32 from -1 to 1, at half the size if asked.

    Args:
        halved: Whether to return the means of 2x2 pixels.
        **kwargs: Those of `keras.layers.Layer`.
    """

    def __init__(self, halved=False, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.halved = halved

    def call(self, images):
        images = scale_pixels(images)
        return halve(images) if self.halved else images

    def get_config(self):
        return {**super().get_config(), "halved": self.halved}


@register
class BoundedLogVariance(keras.layers.Layer):
    """`b tanh(x / b)`: a log variance that can't run away to NaN."""

    def call(self, x):
        return _LOG_VARIANCE_BOUND * ops.tanh(x / _LOG_VARIANCE_BOUND)


def unbounded_log_variance(log_variance) -> np.ndarray:
    """Returns what `BoundedLogVariance` makes a log variance of."""
    share = np.clip(log_variance / _LOG_VARIANCE_BOUND, -0.99, 0.99)
    return (_LOG_VARIANCE_BOUND * np.arctanh(share)).astype(np.float32)


def build_encoder(latent_size, channels):
    """Returns the encoder as a functional model.

    The mean is that of the linear path, which sees the portrait less the mean
    of its labels, plus what the convolutions add to it (nothing, untrained).
    What these read at 108x84 is added to what they read at 54x42, and is zero
    before the model has grown.

    Args:
        latent_size: Int.
        channels: Ints: channels at 27x21 and at 9x7.

    Returns:
        `keras.Model` from a dict of `image` uint8 `[batch, 108, 84, 3]` and
        the labels int32 `[batch]` to `mean` and `log_variance`, float32
        `[batch, latent_size]`.
    """
    image = keras.Input(IMAGE_SHAPE, dtype="uint8", name="image")
    labels = label_inputs()
    full = ScaledPixels(name="full_pixels")(image)
    half = ScaledPixels(halved=True, name="half_pixels")(image)

    # === Linear path ===
    pixels = keras.layers.Flatten(dtype="float32", name="half_row")(half)
    label_mean = keras.layers.Dense(
        pixels.shape[-1], use_bias=False, dtype="float32", name="label_mean"
    )(OneHotLabels(name="one_hot_labels")(labels))
    linear = keras.layers.Dense(
        latent_size,
        use_bias=False,
        dtype="float32",
        name="linear_mean",
    )(
        keras.layers.Subtract(dtype="float32", name="centred_row")(
            [pixels, label_mean]
        )
    )

    # === Convolutions ===
    x = convolution(half, channels[0], "half_convolution", 4, 2)
    outer = convolution(
        full, _OUTER_CHANNELS, "outer_convolution", 4, 2, activation="relu"
    )
    outer = zero_convolution(
        outer,
        channels[0],
        "outer_projection",
        kernel_size=4,
        strides=2,
        use_bias=False,
    )
    x = keras.layers.Add(name="half_sum")([x, outer])
    x = keras.layers.ReLU(name="half_relu")(x)
    for name, width, size, strides in (
        ("quarter_convolution", channels[1], 3, 3),
        ("inner_convolution", channels[1], 3, 1),
        ("inner_projection", channels[1] // 4, 1, 1),
    ):
        x = convolution(x, width, name, size, strides, activation="relu")
    x = keras.layers.Flatten(name="inner_row")(x)
    x = keras.layers.Concatenate(name="inner_and_labels")(
        [x, embed_labels(labels)]
    )
    x = keras.layers.Dense(256, activation="relu", name="hidden")(x)
    x = keras.layers.Concatenate(dtype="float32", name="hidden_and_linear")(
        [x, linear]
    )

    def zero_dense(name):
        """A dense layer that is its bias alone, untrained."""
        return keras.layers.Dense(
            latent_size, kernel_initializer="zeros", dtype="float32", name=name
        )(x)

    mean = keras.layers.Add(dtype="float32", name="mean")(
        [linear, zero_dense("mean_change")]
    )
    log_variance = zero_dense("raw_log_variance")
    log_variance = BoundedLogVariance(dtype="float32", name="log_variance")(
        log_variance
    )
    return keras.Model(
        {"image": image, **labels},
        {"mean": mean, "log_variance": log_variance},
        name="encoder",
    )
