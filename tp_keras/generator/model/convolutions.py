"""The one kind of convolution that encoder and decoder are built of."""

import keras


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
