"""From latents and labels to a portrait."""

import keras
from keras import ops

from tp_keras.generator.conditions import embed_labels
from tp_keras.generator.conditions import label_inputs
from tp_keras.generator.conditions import one_hot_labels
from tp_keras.generator.model.blocks import FeatureModulation
from tp_keras.generator.model.blocks import convolution
from tp_keras.generator.model.blocks import zero_convolution
from tp_keras.generator.model.geometry import PIXEL_CENTRE
from tp_keras.generator.model.geometry import as_pixels
from tp_keras.generator.model.geometry import double
from tp_keras.generator.model.geometry import inner_stride

# Convolutions at full size are the dearest: few channels do for details.
_OUTER_CHANNELS = 8

# What draws the details beyond half the size, with weights.
OUTER_LAYERS = ("outer_modulation", "outer_convolution", "outer_change")


def build_decoder(
    image_shape, conditions, latent_size, channels, modulation=True
):
    """Returns the decoder, in two functional models.

    At half the size the picture is the linear path (label mean plus
    eigenfaces) plus what the convolutions add; at full size that picture
    doubled, plus details. Both additions are zero in an untrained model.

    Args:
        image_shape: Height, width and channels of a portrait.
        conditions: Dict: condition -> number of classes.
        latent_size: Int.
        channels: Ints: channels of the innermost features, at a quarter and at
            half of the size.
        modulation: Whether labels modulate the features of every stage (FiLM);
            without, they enter beside the latents alone.

    Returns:
        `(half, full)`, from a dict of `latent` float32 `[batch, latent_size]`
        and the labels int32 `[batch]` to `half`: a picture from -1 to 1
        `[batch, height / 2, width / 2, 3]`; `full`: dict of this as `half` and
        the `image`, pixels 0..255, `[batch, height, width, 3]`.
    """
    stride = inner_stride(image_shape)
    half_size = [side // 2 for side in image_shape[:2]]
    rows, columns = [side // (4 * stride) for side in image_shape[:2]]
    latent = keras.Input((latent_size,), name="latent")
    labels = label_inputs(conditions)
    condition = embed_labels(labels, conditions)

    # === Linear path ===
    pixels = 3 * half_size[0] * half_size[1]
    label_mean = keras.layers.Dense(
        pixels, use_bias=False, dtype="float32", name="label_mean"
    )(one_hot_labels(labels, conditions))
    linear = keras.layers.Dense(
        pixels, use_bias=False, dtype="float32", name="linear_image"
    )(latent)
    linear = ops.reshape(label_mean + linear, (-1, *half_size, 3))

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
    x = convolution(x, _OUTER_CHANNELS, "outer_convolution")
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
