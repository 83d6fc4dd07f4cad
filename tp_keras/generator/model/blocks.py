"""What encoder and decoder are built of: convolutions and FiLM."""

import keras
from keras import ops

from tp_keras.registration import register


def convolution(x, channels, name, kernel_size=3, strides=1, **kwargs):
    """Returns the convolution of symbolic features, padded to whole strides.

    Args:
        x: Symbolic features `[batch, rows, columns, channels]`.
        channels: Int. Channels of the output.
        name: Name of the layer.
        kernel_size: Int.
        strides: Int.
        **kwargs: Those of `keras.layers.Conv2D`.
    """
    layer = keras.layers.Conv2D(
        channels,
        kernel_size,
        strides=strides,
        padding="same",
        name=name,
        **kwargs,
    )
    return layer(x)


def zero_convolution(x, channels, name, **kwargs):
    """Returns a `convolution` that is zero until it has learned something."""
    return convolution(x, channels, name, kernel_initializer="zeros", **kwargs)


@register
class FeatureModulation(keras.layers.Layer):
    """Scales and shifts channels by a condition (FiLM).

    `x * (1 + scale(c)) + shift(c)`, both linear in the condition and zero at
    the beginning: untrained it changes nothing. Perez et al., "FiLM: Visual
    Reasoning with a General Conditioning Layer", arXiv:1709.07871.

    Inputs: list of features `[batch, rows, columns, channels]` and condition
    `[batch, size]`. Output: as the features.
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
