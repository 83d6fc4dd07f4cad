"""The serving signatures: what a bundle takes and what it answers.

Every signature calls one inner function that holds the weights as constants,
so that they are stored once. Every output has the batch as its dimension 0,
which both the row format of the REST interface and server-side batching need.
"""

import keras
import tensorflow as tf

from tp_keras.export.constants import with_constants
from tp_keras.export.decoding import decode_batch
from tp_keras.export.decoding import map_rows
from tp_keras.serving.contract import EXAMPLE_FEATURE
from tp_keras.serving.contract import FLAG_SEPARATOR
from tp_keras.serving.contract import example_signature
from tp_keras.tasks import EMBEDDING
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import ORDINAL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task


def constant_function(model: keras.Model):
    """Returns a model of one input as a function with constant weights.

    That is a `tf.function` from images to the model's outputs in float32.
    """
    (image,) = model.inputs
    return with_constants(
        lambda image: model(image, training=False),
        model.variables,
        [tf.TensorSpec(image.shape, image.dtype, "image")],
    )


def make_signatures(model: keras.Model, tasks: tuple[Task, ...]) -> dict:
    """Returns the signatures of a bundle by name.

    * `serving_default`: `image` uint8 `[batch, height, width, 3]` to what
      `with_labels` returns.
    * `serve_bytes`: `image_bytes` string `[batch]`, PNG or JPEG files of any
      size, to the same outputs and `valid` bool `[batch]`. A row that is not
      such a file has zeros and empty strings: JSON knows no NaN.
    * `classify_<task>`, of every task with classes or flags: `inputs` string
      `[batch]`, each a serialised `tf.Example` whose feature `image_bytes`
      holds such a file, to `classes`, their names, and `scores`, float32, both
      `[batch, classes]`, as the server's method Classify wants it.
      `regress_<task>`, of every number: the same to `outputs` float32
      `[batch]`, for Regress. Without a file a row is not valid: it has zeros
      and empty names.
    * `embed`: `image` to `embedding` float32 `[batch, dimensions]`, where the
      model, one of `answer_model`, has one.
    """
    infer = constant_function(model)
    shape = model.input.shape
    image = tf.TensorSpec(shape, tf.uint8, "image")
    image_bytes = tf.TensorSpec((None,), tf.string, "image_bytes")

    @tf.function(input_signature=[image], autograph=False)
    def serving_default(image):
        return with_labels(infer(image), tasks)

    @tf.function(input_signature=[image_bytes], autograph=False)
    def serve_bytes(image_bytes):
        image, valid = decode_batch(image_bytes, shape[1:])
        outputs = {"valid": valid}
        for name, value in with_labels(infer(image), tasks).items():
            keep = valid[:, tf.newaxis] if value.shape.rank == 2 else valid
            outputs[name] = tf.where(keep, value, tf.zeros((), value.dtype))
        return outputs

    @tf.function(input_signature=[image], autograph=False)
    def embed(image):
        return {EMBEDDING: infer(image)[EMBEDDING]}

    signatures = {
        "serving_default": serving_default,
        "serve_bytes": serve_bytes,
    }
    for task in tasks:
        signatures[example_signature(task)] = _from_examples(serve_bytes, task)
    if EMBEDDING in model.output:
        signatures["embed"] = embed
    return signatures


def _from_examples(serve_bytes, task):
    """Returns the signature of a task that takes examples."""
    feature = tf.io.FixedLenFeature((), tf.string, default_value="")
    features = {EXAMPLE_FEATURE: feature}

    @tf.function(
        input_signature=[tf.TensorSpec((None,), tf.string, "inputs")],
        autograph=False,
    )
    def from_examples(inputs):
        def parse(row):
            example = tf.io.parse_single_example(inputs[row], features)
            return example[EXAMPLE_FEATURE]

        count, spec = tf.size(inputs, tf.int64), tf.TensorSpec((), tf.string)
        files, _ = map_rows(parse, count, spec)
        outputs = serve_bytes(files)
        scores = outputs[task.name]
        if task.kind == REGRESSION:
            return {"outputs": scores}
        valid = outputs["valid"][:, tf.newaxis]
        return {"classes": tf.where(valid, task.classes, ""), "scores": scores}

    return from_examples


def with_labels(answers: dict, tasks: tuple[Task, ...]) -> dict:
    """Adds what a client reads without knowing the order of the classes.

    Beside the answers of each task, float32 probabilities `[batch, classes]`
    or numbers `[batch]`, the dict returned has, string `[batch]`,
    `<task>_label`, the name of the class, or the names of the flags that are
    more likely than not with `|` between; of a number `<task>_unit`. Flags are
    one string a row, so that a row of the REST interface has one label for each
    task that says by itself what it means.
    """
    outputs = {}
    for task in tasks:
        values = outputs[task.name] = answers[task.name]
        if task.kind == REGRESSION:
            unit = tf.fill(tf.shape(values), task.unit)
            outputs[f"{task.name}_unit"] = unit
        elif task.kind == MULTI_LABEL:
            names = tf.constant([FLAG_SEPARATOR + c for c in task.classes])
            text = tf.strings.reduce_join(tf.where(values > 0.5, names, ""), 1)
            # Without the separator before the first.
            begin = tf.minimum(tf.strings.length(text), len(FLAG_SEPARATOR))
            length = tf.strings.length(text)
            text = tf.strings.substr(text, begin, length)
            outputs[f"{task.name}_label"] = text
        else:
            names = tf.constant(task.classes)
            text = tf.gather(names, _predicted(task, values))
            outputs[f"{task.name}_label"] = text
    return outputs


def _predicted(task, probabilities):
    """`Task.predicted` in a graph."""
    if task.kind != ORDINAL:
        return tf.argmax(probabilities, axis=-1)
    places = tf.range(task.num_classes, dtype=tf.float32)
    return tf.cast(tf.round(tf.linalg.matvec(probabilities, places)), tf.int64)
