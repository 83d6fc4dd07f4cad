"""What a classifier makes of portraits, layer by layer."""

import dataclasses

import keras
import numpy as np
import tqdm

from tp_keras.errors import UserError
from tp_keras.pixels import check_pixels
from tp_keras.tasks import GENDER
from tp_keras.tasks import HAIR_EMBEDDING

BACKBONE = "backbone"
HAIR_BLOCK = "hair_block"
LOGITS = "logits"


@dataclasses.dataclass(frozen=True)
class Representations:
    """The outputs of a classifier, and the layers on the way to them.

    Attributes:
        probabilities: Dict: task name -> float32 `[count, classes]`.
        layers: Dict: name of a hair task -> dict of the layers on the way to
            it, from the image to the prediction: `"backbone"` and
            `"hair_block"`, both averaged over the image, `"hair_embedding"`
            with two hair tasks, the part of it that the task reads,
            `"<task>_embedding"`, and `"logits"`. Float32 `[count, size]`.
    """

    probabilities: dict[str, np.ndarray]
    layers: dict[str, dict[str, np.ndarray]]

    def embedding(self, task) -> np.ndarray:
        """Returns the part of the embedding that a hair task reads."""
        return self.layers[task.name][embedding_name(task)]

    def predictions(self, task) -> np.ndarray:
        """Returns the class of each portrait: integer `[count]`."""
        return self.probabilities[task.name].argmax(-1)


def embedding_name(task) -> str:
    """Returns the name of the layer that a hair task's head reads."""
    return f"{task.name}_embedding"


def represent(
    classifier, images, batch_size=256, progress=True
) -> Representations:
    """Runs portraits through a classifier once and keeps what it makes.

    Args:
        classifier: `PortraitClassifier` with one or more hair tasks.
        images: uint8 array `[count, height, width, 3]`.
        batch_size: Int.
        progress: Whether to show a progress bar after two seconds.

    Returns:
        `Representations`.

    Raises:
        UserError: If the classifier has no hair task, or makes numbers that
            are not finite, or the images hold no pixels.

    Example:
        >>> classifier = RunFolder("runs/demo").load_model()
        >>> found = represent(classifier, portraits.images)
        >>> found.embedding(HAIR_COLOR).shape
        (1192, 16)
    """
    hair_tasks = [task for task in classifier.tasks if task is not GENDER]
    if not hair_tasks:
        raise UserError(
            "Expected a classifier with one or more hair tasks. Received: "
            f"tasks={[task.name for task in classifier.tasks]}"
        )
    check_pixels(images)
    model = _layers_model(classifier, hair_tasks)
    batches = []
    starts = range(0, len(images), batch_size)
    for start in tqdm.tqdm(
        starts, "run the classifier", delay=2, disable=not progress
    ):
        batch = np.asarray(images[start : start + batch_size])
        # Filled up: another size would be compiled anew.
        missing = min(batch_size, len(images)) - len(batch)
        batch = np.pad(batch, [(0, missing), (0, 0), (0, 0), (0, 0)])
        batches.append(model.predict_on_batch(batch))
    outputs = {
        name: np.concatenate([np.asarray(batch[name]) for batch in batches])
        for name in batches[0]
    }
    outputs = {name: array[: len(images)] for name, array in outputs.items()}
    _check_finite(outputs)
    shared = [BACKBONE, HAIR_BLOCK]
    if len(hair_tasks) > 1:
        shared.append(HAIR_EMBEDDING)
    layers = {}
    for task in hair_tasks:
        own = {
            embedding_name(task): outputs[embedding_name(task)],
            LOGITS: outputs[_logits_name(task)],
        }
        layers[task.name] = {name: outputs[name] for name in shared} | own
    return Representations(
        probabilities={
            task.name: outputs[task.name] for task in classifier.tasks
        },
        layers=layers,
    )


def represent_twins(
    classifier, portraits, twins, progress=True
) -> tuple[np.ndarray, Representations] | None:
    """Returns the rows of portraits that have a twin, and their twins.

    Args:
        classifier: `PortraitClassifier` with one or more hair tasks.
        portraits: `Portraits`.
        twins: `Portraits` of the same indices, or of some of them.
        progress: Whether to show a progress bar after two seconds.

    Returns:
        Rows of `portraits`, and `Representations` of as many twins; None if
        there is no pair.
    """
    _, rows, twin_rows = np.intersect1d(
        portraits.indices,
        twins.indices,
        assume_unique=True,
        return_indices=True,
    )
    if not len(rows):
        return None
    images = twins.images[twin_rows]
    return rows, represent(classifier, images, progress=progress)


def _layers_model(classifier, hair_tasks):
    """Returns a model of all layers that is not chained to the classifier's.

    What the backbone gives is found by who reads it, the hair block, as it
    has another name with each backbone.
    """
    features = classifier.get_layer("hair_convolution").input
    inference = classifier.inference_model().output
    outputs = {
        BACKBONE: keras.layers.GlobalAveragePooling2D(dtype="float32")(
            features
        ),
        HAIR_BLOCK: classifier.get_layer("hair_pooling").output,
        HAIR_EMBEDDING: inference[HAIR_EMBEDDING],
    }
    for task in classifier.tasks:
        outputs[task.name] = keras.ops.softmax(inference[task.name])
    for task in hair_tasks:
        outputs[embedding_name(task)] = classifier.embedding_parts[task.name]
        outputs[_logits_name(task)] = inference[task.name]
    return keras.Model(classifier.input, outputs)


def _logits_name(task):
    return f"{task.name}_{LOGITS}"


def _check_finite(outputs):
    for name, array in outputs.items():
        if not np.isfinite(array).all():
            rows = int((~np.isfinite(array).all(axis=-1)).sum())
            raise UserError(
                "The classifier makes numbers that are not finite, so "
                f"nothing can be measured. Received: {name} of {rows} of "
                f"{len(array)} portraits. Train it anew, perhaps with a lower "
                "--learning_rate."
            )
