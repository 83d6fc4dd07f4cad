"""From picture files to portraits, within a graph."""

import tensorflow as tf

from tp_keras.export.orientation import JPEG_START
from tp_keras.export.orientation import PNG_START
from tp_keras.export.orientation import read_orientations
from tp_keras.export.orientation import starts_with
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
    orientations = read_orientations(image_bytes)

    def decode(row):
        return _decode(image_bytes[row], orientations[row], image_shape)

    count = tf.size(image_bytes, tf.int64)
    return map_rows(decode, count, tf.TensorSpec(image_shape, tf.uint8))


def map_rows(function, count, spec: tf.TensorSpec):
    """Applies a function to each row of a batch, and goes on where it fails.

    An error, such as that of a file that can't be decoded, would fail every
    row of its batch, those of other clients as well where a server merges
    requests. A graph can't catch it, but a data set can leave its row out.

    Args:
        function: From the number of a row, an int64 scalar, to a tensor.
        count: The number of rows, an int64 scalar.
        spec: What the tensor is like.

    Returns:
        Tensor `[batch, ...]` and `valid` bool `[batch]`. Where `valid` is false
        the row is zero, or of empty strings.
    """

    def mapped(row):
        return row, tf.ensure_shape(function(row), spec.shape)

    rows = tf.data.Dataset.range(count).map(mapped).ignore_errors()
    # There is no batch of none.
    empty = "" if spec.dtype == tf.string else tf.zeros((), spec.dtype)
    one = count, tf.fill(spec.shape, empty)
    rows = rows.concatenate(tf.data.Dataset.from_tensors(one))
    rows, values = rows.batch(count + 1).get_single_element()
    # `scatter_nd` adds, but each row is there once at most.
    rows, values = rows[:-1, tf.newaxis], values[:-1]
    valid = tf.scatter_nd(rows, tf.ones_like(rows[:, 0]), [count]) > 0
    values = tf.scatter_nd(rows, values, tf.stack([count, *spec.shape]))
    return tf.ensure_shape(values, (None, *spec.shape)), valid


def _decode(data, orientation, image_shape):
    """Decodes one picture file, grey, palette, RGB, CMYK or 16 bit."""
    channels = image_shape[-1]
    is_png, is_jpeg = (starts_with(data, s) for s in (PNG_START, JPEG_START))
    # These operations take other types as well, some of which are films.
    data = tf.where(is_png | is_jpeg, data, "")
    image = tf.cond(
        is_png,
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
