"""Portraits as points, so that portraits which differ little lie close."""

import os

import numpy as np

from tp_keras.audit.components import Components
from tp_keras.audit.looks import Looks
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.errors import UserError

_BATCH_SIZE = 256


def embed(
    portraits: PortraitSet,
    looks: Looks,
    run_dir: str | os.PathLike | None = None,
) -> np.ndarray:
    """Returns portraits as points whose directions weigh the same.

    Of a run they are the features of its backbone, averaged over the image,
    otherwise the pixels of the thumbnails; of both the principal components,
    scaled to variance 1 (whitened).

    Args:
        portraits: What to embed.
        looks: What `measure_looks` has made of the same portraits.
        run_dir: Folder of a run that was trained on portraits of this size.

    Returns:
        Float32 array `[count, directions]`. Where all portraits are the same
        there is one direction, in which all are 0.

    Raises:
        UserError: If there is no such run, or it takes portraits of another
            size.
    """
    if run_dir is None:
        return looks.components.points
    return Components(_run_features(portraits, run_dir)).points


def _run_features(portraits, run_dir):
    """Returns the features of a run's backbone, float32 `[count, channels]`."""
    # Imported here, as without a run nobody waits for TensorFlow.
    import keras

    from tp_keras.runs.run_folder import RunFolder

    classifier = RunFolder(run_dir).load_model()
    backbone, expected = classifier.backbone, classifier.schema.image_shape
    if portraits.schema.image_shape != expected:
        raise UserError(
            f"Expected portraits of {expected}, the size that the run takes. "
            f"Received: {portraits.schema.image_shape} of {portraits.dataset}, "
            f"run_dir={run_dir}"
        )
    image = keras.Input(expected, dtype="uint8")
    (taken,) = backbone.inputs
    pixels = image
    if taken.dtype != "uint8":
        pixels = keras.layers.Rescaling(1.0, dtype="float32")(image)
    pooling = keras.layers.GlobalAveragePooling2D(dtype="float32")
    model = keras.Model(image, pooling(backbone(pixels)))
    features = np.empty((len(portraits), *model.output_shape[1:]), np.float32)
    for rows, images in portraits.batches(_BATCH_SIZE, "embed portraits"):
        features[rows] = model.predict_on_batch(images)
    return features
