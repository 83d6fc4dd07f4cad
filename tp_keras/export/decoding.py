"""From picture files to portraits, within a graph."""

import tensorflow as tf

from tp_keras.export.picture_structure import PNG_START
from tp_keras.export.picture_structure import judge
from tp_keras.export.picture_structure import read_parts
from tp_keras.serving.portrait_file import TIE

# Whether rows and columns are reversed to stand a picture upright, by the
# orientation it is marked with, from 0 on; then they change places.
_REVERSES = (
    *((0, 0), (0, 0), (0, 1), (1, 1), (1, 0)),
    *((0, 0), (1, 0), (1, 1), (0, 1)),
)
_FIRST_TRANSPOSED = 5


def decode_batch(image_bytes, image_shape):
    """Decodes PNG and JPEG files, string `[batch]`, to portraits of a size.

    `tp_keras.serving.read_portrait` does the same outside of a graph.

    Returns:
        Images uint8 `[batch, height, width, 3]` and `valid` bool `[batch]`.
        Where `valid` is false the image is black.
    """
    image_shape = tuple(image_shape)

    def decode_or_black(row):
        data, *_ = row
        valid, orientation = judge(*row)
        image = tf.cond(
            valid,
            lambda: _decode(data, orientation, image_shape),
            lambda: tf.zeros(image_shape, tf.uint8),
        )
        return tf.ensure_shape(image, image_shape), valid

    return tf.map_fn(
        decode_or_black,
        read_parts(image_bytes),
        fn_output_signature=(
            tf.TensorSpec(image_shape, tf.uint8),
            tf.TensorSpec((), tf.bool),
        ),
    )


def _decode(data, orientation, image_shape):
    """Decodes one picture file, grey, palette, RGB, CMYK or 16 bit."""
    channels = image_shape[-1]
    image = tf.cond(
        tf.strings.substr(data, 0, len(PNG_START)) == PNG_START,
        lambda: tf.io.decode_png(data, channels),
        # The transform that others take too: the fast one, which TensorFlow
        # takes by itself, gives darker pixels.
        lambda: tf.io.decode_jpeg(
            data, channels, dct_method="INTEGER_ACCURATE"
        ),
    )
    image = _crop_and_resize(image, orientation, image_shape)
    return tf.cond(
        orientation == 1, lambda: image, lambda: _turn(image, orientation)
    )


def _crop_and_resize(image, orientation, image_shape):
    """Returns what becomes a portrait when it is turned.

    Turning comes last, as it takes much longer than decoding in large
    pictures, and gives the pixels that it would give first.
    """
    transposed = orientation >= _FIRST_TRANSPOSED
    height, width, channels = image_shape
    sides = tf.where(transposed, (width, height), (height, width))
    image = tf.ensure_shape(image, (None, None, channels))
    size = tf.shape(image)[:2]

    def crop_and_resize():
        crop = tf.minimum(size, size[::-1] * sides // sides[::-1])
        crop = tf.maximum(crop, 1)
        # Where an odd line is left over, it goes to the end once turned.
        reverses = tf.gather(_REVERSES, orientation)
        start = (size - crop + reverses) // 2
        end = start + crop
        # Slicing, as `crop_to_bounding_box` leaves assertions in the graph.
        part = image[start[0] : end[0], start[1] : end[1]]
        part = tf.image.resize(part, sides, antialias=True)
        # Averages of pixels: within their range.
        return tf.cast(tf.round(part - TIE), tf.uint8)

    fits = tf.reduce_all(tf.equal(size, sides))
    return tf.cond(fits, lambda: image, crop_and_resize)


def _turn(image, orientation):
    steps = 1 - 2 * tf.gather(_REVERSES, orientation)
    image = image[:: steps[0], :: steps[1]]
    return tf.cond(
        orientation >= _FIRST_TRANSPOSED,
        lambda: tf.transpose(image, (1, 0, 2)),
        lambda: image,
    )
