"""The serving signatures: what a bundle takes and what it answers.

Every signature calls one inner function that holds the weights as constants,
so that they are stored once. Every output has the batch as its dimension 0,
which both the row format of the REST interface and server-side batching need.
"""

import keras
import tensorflow as tf

from tp_keras.export.constants import with_constants
from tp_keras.tasks import HAIR_EMBEDDING
from tp_keras.tasks import IMAGE_SHAPE
from tp_keras.tasks import Task

# Where the end mark of a file is looked for: some writers append to it.
_TAIL_BYTES = 1024
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND"
_JPEG_START = b"\xff\xd8\xff"
_JPEG_END = b"\xff\xd9"


def constant_function(model: keras.Model):
    """Returns the forward pass of a model with its weights as constants.

    Args:
        model: A model of one input.

    Returns:
        A `tf.function` from an image batch to the model's outputs in float32.
    """
    (image,) = model.inputs
    return with_constants(
        lambda image: model(image, training=False),
        model.variables,
        [tf.TensorSpec(image.shape, image.dtype, "image")],
    )


def make_signatures(infer, tasks: tuple[Task, ...]) -> dict:
    """Returns the signatures of a bundle by name.

    * `serving_default`: `image` uint8 `[batch, 108, 84, 3]` to `<task>`
      float32 probabilities `[batch, classes]` and `<task>_label` string
      `[batch]`.
    * `serve_bytes`: `image_bytes` string `[batch]`, PNG or JPEG files of any
      size, to the same outputs and `valid` bool `[batch]`. A row that is not
      such a file has probabilities of zero and empty labels.
    * `embed`: `image` to `hair_embedding` float32 `[batch, dimensions]`, where
      the model has one.

    Args:
        infer: Function from `constant_function`.
        tasks: The tasks; each names an output of logits.

    Returns:
        Dict of `tf.function`s with input signatures.
    """
    image = tf.TensorSpec((None, *IMAGE_SHAPE), tf.uint8, "image")
    image_bytes = tf.TensorSpec((None,), tf.string, "image_bytes")

    @tf.function(input_signature=[image], autograph=False)
    def serving_default(image):
        return classify(infer(image), tasks)

    @tf.function(input_signature=[image_bytes], autograph=False)
    def serve_bytes(image_bytes):
        image, valid = decode_batch(image_bytes)
        outputs = {"valid": valid}
        for name, value in classify(infer(image), tasks).items():
            keep = valid[:, tf.newaxis] if value.shape.rank == 2 else valid
            outputs[name] = tf.where(keep, value, tf.zeros((), value.dtype))
        return outputs

    @tf.function(input_signature=[image], autograph=False)
    def embed(image):
        return {HAIR_EMBEDDING: infer(image)[HAIR_EMBEDDING]}

    signatures = {
        "serving_default": serving_default,
        "serve_bytes": serve_bytes,
    }
    if HAIR_EMBEDDING in infer.get_concrete_function().structured_outputs:
        signatures["embed"] = embed
    return signatures


def classify(logits: dict, tasks: tuple[Task, ...]) -> dict:
    """Turns logits into probabilities and labels.

    Args:
        logits: Dict of task name to float32 `[batch, classes]`.
        tasks: The tasks to answer.

    Returns:
        Dict of `<task>` float32 `[batch, classes]` and `<task>_label` string
        `[batch]`.
    """
    outputs = {}
    for task in tasks:
        values = logits[task.name]
        best = tf.argmax(values, axis=-1)
        outputs[task.name] = tf.nn.softmax(values)
        outputs[f"{task.name}_label"] = tf.gather(
            tf.constant(task.classes), best
        )
    return outputs


def decode_batch(image_bytes):
    """Decodes PNG and JPEG files of any size to portraits.

    Args:
        image_bytes: String `[batch]`.

    Returns:
        Images uint8 `[batch, 108, 84, 3]` and `valid` bool `[batch]`. Where
        `valid` is false the image is black.
    """
    return tf.map_fn(
        _decode_or_black,
        image_bytes,
        fn_output_signature=(
            tf.TensorSpec(IMAGE_SHAPE, tf.uint8),
            tf.TensorSpec((), tf.bool),
        ),
    )


def _decode_or_black(data):
    valid = looks_whole(data)
    image = tf.cond(
        valid, lambda: decode(data), lambda: tf.zeros(IMAGE_SHAPE, tf.uint8)
    )
    return tf.ensure_shape(image, IMAGE_SHAPE), valid


def looks_whole(data):
    """Says whether a string starts and ends as a PNG or JPEG file does.

    A file that fails to decode fails every request of its batch, and a graph
    cannot catch that: foreign and truncated files must be told beforehand. A
    file damaged in its middle still fails.

    Args:
        data: String scalar.

    Returns:
        Bool scalar.
    """
    length = tf.strings.length(data)
    tail = tf.strings.substr(data, tf.maximum(length - _TAIL_BYTES, 0), -1)
    tail = tf.io.decode_raw(tail, tf.uint8)

    def starts_with(mark):
        return tf.equal(tf.strings.substr(data, 0, len(mark)), mark)

    def ends_with(mark):
        count = tf.maximum(tf.size(tail) - len(mark) + 1, 0)
        matches = [
            tf.equal(tail[i : count + i], byte) for i, byte in enumerate(mark)
        ]
        return tf.reduce_any(tf.reduce_all(tf.stack(matches), axis=0))

    png = starts_with(_PNG_START) & ends_with(_PNG_END)
    jpeg = starts_with(_JPEG_START) & ends_with(_JPEG_END)
    return png | jpeg


def decode(data):
    """Decodes one image file to a portrait.

    An image of another size is cropped at its centre to the portrait's aspect
    ratio and resized with anti-aliasing; one of the size itself keeps every
    pixel, and saves the resizing.

    Args:
        data: String scalar, a PNG or JPEG file: grey, palette, RGB, RGBA or
            16 bit.

    Returns:
        Image uint8 `[108, 84, 3]`.
    """
    height, width, channels = IMAGE_SHAPE
    image = tf.io.decode_image(data, channels=channels, expand_animations=False)
    image = tf.ensure_shape(image, (None, None, channels))
    fits = tf.reduce_all(tf.equal(tf.shape(image)[:2], (height, width)))
    return tf.cond(fits, lambda: image, lambda: _crop_and_resize(image))


def _crop_and_resize(image):
    height, width, _ = IMAGE_SHAPE
    size = tf.shape(image)
    crop_height = tf.minimum(size[0], size[1] * height // width)
    crop_width = tf.minimum(size[1], size[0] * width // height)
    crop_height = tf.maximum(crop_height, 1)
    crop_width = tf.maximum(crop_width, 1)
    top = (size[0] - crop_height) // 2
    left = (size[1] - crop_width) // 2
    # Slicing, as `crop_to_bounding_box` leaves assertions in the graph.
    image = image[top : top + crop_height, left : left + crop_width]
    image = tf.image.resize(image, (height, width), antialias=True)
    # Averages of pixels: within their range.
    return tf.cast(tf.round(image), tf.uint8)
