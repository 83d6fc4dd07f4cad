"""Explanations that differentiate a classifier, on TensorFlow alone.

Keras has no gradients that every backend shares, so the one place that takes
them is here.
"""

import functools

import cv2
import keras
import numpy as np
import tensorflow as tf
import tqdm

from tp_keras.models.kinds import answer
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# Maps of fewer rows than this share of the picture's are too coarse to tell
# what lies beside a face from the face.
_FINEST = 1 / 8

# Points on the way from a baseline to a portrait.
STEPS = 32

_BATCH_SIZE = 256

# Deviation of the blurred baseline, as a share of the longer side.
_BLUR = 0.12


class Differentiable:
    """A classifier of float pixels, whose explained numbers have gradients.

    Pixels enter a classifier as whole numbers, through which no gradient goes;
    this is a copy that takes floats of 0..255. What is differentiated is what
    `scores.score` tells of the answers.

    Args:
        classifier: `PortraitClassifier`, as a run holds it.

    Attributes:
        tasks: The tasks that it answers.
    """

    def __init__(self, classifier):
        self.tasks = classifier.tasks
        copy = _of_floats(classifier.backbone)
        copy.set_weights(classifier.backbone.get_weights())
        heads = keras.Model(
            _features(classifier), dict(classifier.inference_model().output)
        )
        self._model = keras.Model(
            copy.inputs, [_fine_maps(copy), heads(copy.outputs[0])]
        )

    def answers(self, pixels) -> dict[str, np.ndarray]:
        """Returns the answers to float pixels, as of `predict_answers`."""
        parts = [
            self._model([part], training=False)[1] for part in _batches(pixels)
        ]
        return {
            task.name: answer(
                task, np.concatenate([part[task.name] for part in parts])
            )
            for task in self.tasks
        }

    def differentiate(self, pixels, task: Task, columns, of_maps=False):
        """Returns explained numbers, and their gradients.

        Args:
            pixels: Float array `[count, height, width, 3]` of 0..255.
            task: `Task`.
            columns: Class or flag that is explained of each.
            of_maps: Whether gradients are by the feature maps.

        Returns:
            Float32 arrays: numbers `[count]`; what gradients are by, the
            pixels or maps; the gradients in the same shape.
        """
        columns = np.broadcast_to(columns, len(pixels)).astype(np.int32)
        found = [
            self._differentiate(task)(part, rows, of_maps)
            for part, rows in zip(
                _batches(pixels), _batches(columns, np.int32), strict=True
            )
        ]
        return tuple(
            np.concatenate(parts) for parts in zip(*found, strict=True)
        )

    @functools.cache  # noqa: B019 (one function for each task)
    def _differentiate(self, task):
        @tf.function(reduce_retracing=True)
        def run(pixels, columns, of_maps):
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(pixels)
                maps, outputs = self._model([pixels], training=False)
                scores = _scores(task, outputs[task.name], columns)
            source = maps if of_maps else pixels
            return scores, source, tape.gradient(scores, source)

        return run


def _of_floats(model):
    """Returns an untrained copy of a network whose input is float."""

    def copied(layer):
        if isinstance(layer, keras.Model):
            return _of_floats(layer)
        return layer.from_config(layer.get_config())

    return keras.models.clone_model(
        keras.Model(model.inputs, model.outputs),
        [keras.Input(x.shape[1:], dtype="float32") for x in model.inputs],
        clone_function=copied,
    )


def _features(classifier):
    """Returns the symbolic output of the trunk, by who reads it."""
    if classifier.embedding_parts:
        return classifier.get_layer("guarded_convolution").input
    return classifier.get_layer(f"{classifier.tasks[0].name}_pooling").input


def _fine_maps(trunk):
    """Returns the deepest maps of a trunk that are fine enough, or its last."""
    least = _FINEST * trunk.inputs[0].shape[1]
    # Behind the input and its normalisation; a nested network's own output is
    # none of this graph.
    maps = [
        layer.output
        for layer in trunk.layers[2:]
        if not isinstance(layer, keras.Model)
    ]
    fine = [x for x in maps if len(x.shape) == 4 and x.shape[1] >= least]
    return fine[-1] if fine else trunk.outputs[0]


def _scores(task, outputs, columns):
    if task.kind == REGRESSION:
        return outputs[:, 0]
    chosen = tf.gather(outputs, columns, axis=1, batch_dims=1)
    if task.kind == MULTI_LABEL:
        return chosen
    others = tf.reduce_sum(outputs, -1) - chosen
    return chosen - others / (task.num_classes - 1)


def _batches(values, dtype=np.float32):
    for start in range(0, len(values), _BATCH_SIZE):
        part = np.asarray(values[start : start + _BATCH_SIZE], dtype)
        yield tf.constant(part)


def hires_cam(model: Differentiable, images, task: Task, columns) -> np.ndarray:
    """Returns HiResCAM maps: gradient times activation, summed over channels.

    Draelos and Carin, Use HiResCAM instead of Grad-CAM for faithful
    explanations of convolutional neural networks, 2020. Of the deepest maps
    with an eighth of the portrait's rows or more, else of the last ones.

    Args:
        model: `Differentiable`.
        images: uint8 array `[count, height, width, 3]`.
        task: `Task`.
        columns: Class or flag that is explained of each.

    Returns:
        A float32 array `[count, height, width]`.
    """
    _, maps, gradients = model.differentiate(images, task, columns, True)
    heats = (maps * gradients).sum(-1)
    size = images.shape[2:0:-1]
    # Each cell stands for several pixels, which share what it has.
    share = heats[0].size / (size[0] * size[1])
    return share * np.stack(
        [cv2.resize(x, size, interpolation=cv2.INTER_LINEAR) for x in heats]
    )


def integrated_gradients(
    model: Differentiable,
    images,
    task: Task,
    columns,
    baselines,
    steps: int = STEPS,
    title: str | None = None,
) -> np.ndarray:
    """Returns integrated gradients, summed over the channels.

    Sundararajan et al., Axiomatic attribution for deep networks, 2017. The sum
    of a map is the explained number of the portrait minus that of its baseline,
    but for the steps (`completeness_gaps`).

    Args:
        model: `Differentiable`.
        images: uint8 array `[count, height, width, 3]`.
        task: `Task`.
        columns: Class or flag that is explained of each.
        baselines: Array that broadcasts to that of the images: what says
            nothing. Not black, which is an answer where colours are asked for:
            see `blurred`, or take the mean of many portraits.
        steps: Points on the way, at the middle of equal parts.
        title: Title of a progress bar; None for none.

    Returns:
        A float32 array `[count, height, width]`.
    """
    way = np.asarray(images, np.float32) - baselines
    total = np.zeros_like(way)
    for step in tqdm.trange(
        steps, desc=title, delay=2, leave=False, disable=title is None
    ):
        pixels = baselines + way * np.float32((step + 0.5) / steps)
        total += model.differentiate(pixels, task, columns)[2]
    return (way * total / steps).sum(-1)


def completeness_gaps(
    model: Differentiable, heats, images, task: Task, columns, baselines
) -> np.ndarray:
    """Returns how far sums of maps are from what they must be, float `[count]`.

    That is the difference of the explained numbers of portrait and baseline.
    """
    images = np.asarray(images, np.float32)
    baselines = np.broadcast_to(baselines, images.shape)
    ends = [
        model.differentiate(pixels, task, columns)[0]
        for pixels in (images, baselines)
    ]
    return heats.sum((1, 2)) - (ends[0] - ends[1])


def blurred(images) -> np.ndarray:
    """Returns portraits so blurred that no shape is left, float32."""
    images = np.asarray(images, np.float32)
    deviation = _BLUR * max(images.shape[1:3])
    return np.stack([cv2.GaussianBlur(x, (0, 0), deviation) for x in images])
