"""What tells real portraits from drawn ones, in training only."""

import keras
from keras import ops

from tp_keras.generator.conditions import label_inputs
from tp_keras.generator.conditions import one_hot_labels
from tp_keras.generator.model.geometry import halve
from tp_keras.generator.model.geometry import inner_stride
from tp_keras.generator.model.networks import convolution
from tp_keras.generator.model.networks import leaky

_READ_CHANNELS = 16
_MAP_CHANNELS = 64

# What reads details that a picture of half the size doesn't have.
CRITIC_OUTER = ("outer_convolution", "outer_projection")


def _whole_score(x, told, name, size=128):
    """Returns a score of all of a picture, told its labels by a projection.

    Miyato and Koyama, arXiv:1802.05637: how well the features fit the labels is
    a product of both.
    """
    x = leaky(keras.layers.Dense(size, name=f"{name}_row")(x))
    score = keras.layers.Dense(1, dtype="float32", name=f"{name}_score")(x)
    fit = keras.layers.Dense(
        size, use_bias=False, dtype="float32", name=f"{name}_labels"
    )(told)
    product = fit * ops.cast(x, "float32")
    return score + ops.sum(product, axis=-1, keepdims=True) / size**0.5


def _place_scores(x, name):
    """Returns a score of every place of features, `[batch, places]`."""
    x = convolution(x, 1, f"{name}_places", 1, dtype="float32")
    return keras.layers.Flatten(dtype="float32")(x)


def build_critic(image_shape, conditions, channels):
    """Returns the critic of pictures, in two functional models.

    One leads from a dict of `picture`, half as large as portraits and from -1
    to 1, and the labels int32 to scores of the whole `[batch, 1]` and of its
    places; the other does so for full pictures, whose details it reads beside:
    they are zero at first. `channels` are two, at a quarter of the size and
    innermost.
    """
    height, width, depth = image_shape
    half = keras.Input((height // 2, width // 2, depth), name="picture")
    full = keras.Input(image_shape, name="picture")
    labels = label_inputs(conditions)
    told = one_hot_labels(labels, conditions)
    layers = {}

    def shared(name, make):
        return layers.setdefault(name, make())

    def trunk(x, outer):
        def convolve(x, width, name, size=3, strides=1):
            layer = shared(
                name,
                lambda: keras.layers.Conv2D(
                    width, size, strides, padding="same", name=name
                ),
            )
            return layer(x)

        x = convolve(x, channels[0] // 2, "half_convolution")
        x = leaky(x)
        if outer is not None:
            x = keras.layers.Add()([x, outer])
        x = convolve(x, channels[0], "half_second", 4, 2)
        x = convolve(leaky(x), channels[0], "quarter_convolution")
        stride = inner_stride(image_shape)
        x = convolve(
            leaky(x), channels[1], "quarter_second", stride + 1, stride
        )
        return leaky(convolve(leaky(x), channels[1], "inner_convolution"))

    outer = convolution(full, _READ_CHANNELS, "outer_convolution", 4, 2)
    outer = convolution(
        leaky(outer),
        channels[0] // 2,
        "outer_projection",
        kernel_initializer="zeros",
    )
    inner = keras.Input(
        trunk(half, None).shape[1:], name="inner", dtype="float32"
    )
    row = convolution(inner, channels[1] // 4, "row_convolution", 1)
    row = keras.layers.Flatten()(leaky(row))
    head = keras.Model(
        {"inner": inner, **labels},
        [_whole_score(row, told, "whole"), _place_scores(inner, "inner")],
        name="critic_head",
    )
    return tuple(
        keras.Model(
            {"picture": picture, **labels},
            head({"inner": trunk(x, details), **labels}),
            name=name,
        )
        for picture, x, details, name in (
            (half, half, None, "half_critic"),
            (full, halve(full), outer, "critic"),
        )
    )


def build_map_critic(shapes, conditions):
    """Returns the critic of feature maps of a network that is not trained.

    It leads from a dict of maps `map_0`... and the labels to scores as those of
    `build_critic`, two for each. Projected GANs: Sauer et al.,
    arXiv:2111.01007.
    """
    labels = label_inputs(conditions)
    told = one_hot_labels(labels, conditions)
    maps, scores = {}, []
    for index, shape in enumerate(shapes):
        name = f"map_{index}"
        maps[name] = x = keras.Input(shape, name=name)
        x = leaky(convolution(x, _MAP_CHANNELS, f"{name}_first", 1))
        x = leaky(convolution(x, _MAP_CHANNELS, f"{name}_second"))
        pooled = keras.layers.GlobalAveragePooling2D()(x)
        scores += [
            _whole_score(pooled, told, name, _MAP_CHANNELS),
            _place_scores(x, name),
        ]
    return keras.Model({**maps, **labels}, scores, name="map_critic")
