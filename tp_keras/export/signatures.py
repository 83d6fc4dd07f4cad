"""The serving signatures: what a bundle takes and what it answers.

Every signature calls one inner function that holds the weights as constants,
so that they are stored once. Every output has the batch as its dimension 0,
which both the row format of the REST interface and server-side batching need.
"""

import keras
import tensorflow as tf

from tp_keras.export.constants import with_constants
from tp_keras.export.decoding import decode_batch
from tp_keras.tasks import HAIR_EMBEDDING
from tp_keras.tasks import IMAGE_SHAPE
from tp_keras.tasks import Task


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
