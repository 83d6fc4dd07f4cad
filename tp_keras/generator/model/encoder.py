"""From a portrait and its labels to a distribution of latents."""

import keras
import numpy as np
from keras import ops

from tp_keras.generator.conditions import embed_labels
from tp_keras.generator.conditions import label_inputs
from tp_keras.generator.conditions import one_hot_labels
from tp_keras.generator.model.blocks import convolution
from tp_keras.generator.model.blocks import zero_convolution
from tp_keras.generator.model.geometry import halve
from tp_keras.generator.model.geometry import inner_stride
from tp_keras.generator.model.geometry import scale_pixels

# A posterior narrower than e^-5 standard deviations or wider than e^5 is a
# number on its way to infinity.
_LOG_VARIANCE_BOUND = 10.0

_OUTER_CHANNELS = 16

# What reads details that a picture of half the size doesn't have.
OUTER_LAYERS = ("outer_convolution", "outer_projection")


def bounded_log_variance(x):
    """Returns `b tanh(x / b)`: a log variance that can't run away to NaN."""
    return _LOG_VARIANCE_BOUND * ops.tanh(x / _LOG_VARIANCE_BOUND)


def unbounded_log_variance(log_variance) -> np.ndarray:
    """Returns what `bounded_log_variance` makes a log variance of."""
    share = np.clip(log_variance / _LOG_VARIANCE_BOUND, -0.99, 0.99)
    return (_LOG_VARIANCE_BOUND * np.arctanh(share)).astype(np.float32)


def build_encoder(image_shape, conditions, latent_size, channels):
    """Returns the encoder as a functional model.

    The mean is that of the linear path, which sees the portrait less the mean
    of its labels, plus what the convolutions add to it (nothing, untrained).
    What these read at full size is added to what they read at half of it, and
    is zero before the model has grown.

    Args:
        image_shape: Height, width and channels of a portrait.
        conditions: Dict: condition -> number of classes.
        latent_size: Int.
        channels: Ints: channels at a quarter of the size and innermost.

    Returns:
        `keras.Model` from a dict of `image` uint8 `[batch, height, width, 3]`
        and the labels int32 `[batch]` to `mean` and `log_variance`, float32
        `[batch, latent_size]`.
    """
    image = keras.Input(image_shape, dtype="uint8", name="image")
    labels = label_inputs(conditions)
    full = scale_pixels(image)
    half = halve(full)

    # === Linear path ===
    pixels = keras.layers.Flatten(dtype="float32", name="half_row")(half)
    label_mean = keras.layers.Dense(
        pixels.shape[-1], use_bias=False, dtype="float32", name="label_mean"
    )(one_hot_labels(labels, conditions))
    linear = keras.layers.Dense(
        latent_size, use_bias=False, dtype="float32", name="linear_mean"
    )(pixels - label_mean)

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
