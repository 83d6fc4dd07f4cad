"""The answers of a classifier, and the layers on the way to them."""

import dataclasses

import keras
import numpy as np

from tp_keras.data.joint import predict_each
from tp_keras.errors import UserError
from tp_keras.models.kinds import answer
from tp_keras.pixels import check_pixels
from tp_keras.tasks import EMBEDDING
from tp_keras.tasks import MULTI_LABEL

BACKBONE = "backbone"


@dataclasses.dataclass(frozen=True)
class Representations:
    """The outputs of a classifier by task, and the layers on the way to them.

    `predictions` have the form of labels. `layers` hold by guarded task, from
    the image to the answer, float32 `[count, size]`: `"backbone"` and
    `"guarded_block"`, averaged over the image, `"embedding"` with several
    guarded tasks, the part that the task reads, `"<task>_embedding"`, and
    `"answer"`.
    """

    predictions: dict[str, np.ndarray]
    layers: dict[str, dict[str, np.ndarray]]

    def embedding(self, task) -> np.ndarray:
        """Returns the part of the embedding that a guarded task reads."""
        return self.layers[task.name][embedding_name(task)]


def embedding_name(task) -> str:
    """Returns the name of the layer that a guarded task's head reads."""
    return f"{task.name}_embedding"


def represent(classifier, images, progress=True) -> Representations:
    """Runs portraits through a `PortraitClassifier` and keeps what it makes.

    `images` are a uint8 array `[count, height, width, 3]`. Raises `UserError`
    if no task is guarded, a number isn't finite, or the images hold no pixels.
    """
    guarded = list(classifier.embedding_parts)
    if not guarded:
        raise UserError(
            "Expected a classifier with one or more guarded tasks. Received: "
            f"tasks={[task.name for task in classifier.tasks]}"
        )
    check_pixels(images)
    verbose = "auto" if progress else 0
    model = _layers_model(classifier)
    outputs = predict_each(model, images, 256, verbose)
    for name, array in outputs.items():
        rows = int((~np.isfinite(array).all(axis=-1)).sum())
        if rows:
            raise UserError(
                "The classifier makes numbers that are not finite, so "
                f"nothing can be measured. Received: {name} of {rows} of "
                f"{len(array)} portraits. Train it anew, perhaps with a lower "
                "--learning_rate."
            )
    shared = [BACKBONE, "guarded_block", *[EMBEDDING] * (len(guarded) > 1)]
    layers, predictions = {}, {}
    for name in guarded:
        own = *shared, f"{name}_embedding"
        layers[name] = {layer: outputs[layer] for layer in own}
        layers[name]["answer"] = outputs[name]
    for task in classifier.tasks:
        values = predictions[task.name] = answer(task, outputs[task.name])
        if task.has_classes:
            predictions[task.name] = task.predicted(values)
        elif task.kind == MULTI_LABEL:
            predictions[task.name] = (values > 0.5).astype(np.int32)
    return Representations(predictions, layers)


def represent_twins(
    classifier, portraits, twins, progress=True
) -> tuple[np.ndarray, Representations] | None:
    """Returns the rows of portraits that have a twin, and what twins make.

    `twins` are `Portraits` of some of the same indices; None without any.
    """
    _, rows, twin_rows = np.intersect1d(
        portraits.indices, twins.indices, return_indices=True
    )
    if not len(rows):
        return None
    return rows, represent(classifier, twins.images[twin_rows], progress)


def _layers_model(classifier):
    """Returns a model of all layers that is not chained to the classifier's."""
    # By who reads it, as the backbone's output has many names.
    features = classifier.get_layer("guarded_convolution").input
    pooling = keras.layers.GlobalAveragePooling2D(dtype="float32")
    outputs = dict(classifier.inference_model().output)
    outputs[BACKBONE] = pooling(features)
    outputs["guarded_block"] = classifier.get_layer("guarded_pooling").output
    for name, part in classifier.embedding_parts.items():
        outputs[f"{name}_embedding"] = part
    return keras.Model(classifier.input, outputs)
