"""Random changes of training portraits that leave every label true.

Hue and saturation stay untouched: they are what a hair colour is.
"""

import math

import tensorflow as tf

from tp_keras.config import AugmentConfig


def augment(images, seed, config=None):
    """Changes each image of a batch at random.

    Flip, shift, zoom and rotation are one affine map, so that each pixel is
    interpolated once; what comes from outside repeats the border.

    Args:
        images: uint8 tensor `[batch, height, width, 3]`.
        seed: Integer tensor of two numbers; the same seed gives the same
            change.
        config: `AugmentConfig`.

    Returns:
        uint8 tensor of the same shape.

    Example:
        >>> augment(tf.zeros((8, 108, 84, 3), tf.uint8), seed=(1, 2)).shape
        TensorShape([8, 108, 84, 3])
    """
    config = config or AugmentConfig()
    images = tf.convert_to_tensor(images)
    images.shape.assert_has_rank(4)
    # The kernel interpolates floats a quarter faster than bytes.
    x = tf.cast(images, tf.float32)
    batch = tf.shape(images)[0]
    seeds = tf.unstack(tf.random.split(tf.convert_to_tensor(seed), 6))

    def uniform(index, limit):
        return tf.random.stateless_uniform([batch], seeds[index], -limit, limit)

    # A setting of nothing at all costs nothing.
    moves = (config.shift, config.zoom, config.rotation)
    if config.flip or any(moves):
        height, width = images.shape[1:3]
        mirror = tf.where(uniform(0, 1.0) < 0.0, -1.0, 1.0)
        transforms = _affine_transforms(
            height,
            width,
            mirror=mirror if config.flip else tf.ones([batch]),
            shift_x=uniform(1, config.shift) * width,
            shift_y=uniform(2, config.shift) * height,
            scale=1.0 + uniform(3, config.zoom),
            angle=uniform(4, math.radians(config.rotation)),
        )
        x = tf.raw_ops.ImageProjectiveTransformV3(
            images=x,
            transforms=transforms,
            output_shape=[height, width],
            fill_value=0.0,
            interpolation="BILINEAR",
            fill_mode="NEAREST",
        )
    if config.brightness:
        factor = 1.0 + uniform(5, config.brightness)
        x = x * factor[:, None, None, None]
    return tf.saturate_cast(tf.round(x), tf.uint8)


def _affine_transforms(height, width, mirror, shift_x, shift_y, scale, angle):
    """Returns the maps from output to input pixels, about the centre.

    The eight numbers of each row are those of
    `(a0 x + a1 y + a2, b0 x + b1 y + b2) / (c0 x + c1 y + 1)`.
    """
    cosine, sine = tf.cos(angle) * scale, tf.sin(angle) * scale
    a0, a1 = cosine * mirror, -sine
    b0, b1 = sine * mirror, cosine
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    a2 = centre_x - a0 * centre_x - a1 * centre_y + shift_x
    b2 = centre_y - b0 * centre_x - b1 * centre_y + shift_y
    nothing = tf.zeros_like(angle)
    return tf.stack([a0, a1, a2, b0, b1, b2, nothing, nothing], axis=1)
