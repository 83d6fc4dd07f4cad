"""Portraits as points, so that portraits which differ little lie close."""

import os
from collections.abc import Iterator

import numpy as np
from sklearn.decomposition import PCA

from tp_keras.audit.looks import Looks
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.errors import UserError

# The most directions that are kept.
MOST_DIRECTIONS = 64

# Rows that the directions are found from, and those that go through at once.
_SAMPLE_SIZE = 4096
_BLOCK_SIZE = 4096
_BATCH_SIZE = 256

# Below this share of the largest variance there is rounding.
_LEAST_VARIANCE = 1e-6


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
        return Components(looks.thumbnails).points
    return Components(_run_features(portraits, run_dir)).points


class Components:
    """The principal components of rows, found from a sample of them.

    Args:
        values: Array `[count, ...]`; a row each, of any numbers.

    Attributes:
        points: Float32 `[count, directions]`, whitened; at most
            `MOST_DIRECTIONS` of those that vary.
        errors: Float32 `[count]`: the root mean square of what the components
            leave of each row, in the unit of the values.
    """

    def __init__(self, values: np.ndarray):
        rows = values.reshape(len(values), -1)
        count = len(rows)
        chosen = np.random.default_rng(0).permutation(count)[:_SAMPLE_SIZE]
        sample = rows[np.sort(chosen)].astype(np.float32)
        most = min(MOST_DIRECTIONS, *sample.shape)
        # A solver that takes its time where it could find only a few.
        solver = "randomized" if 4 * most < min(sample.shape) else "full"
        with np.errstate(invalid="ignore", divide="ignore"):
            pca = PCA(most, svd_solver=solver, random_state=0).fit(sample)
        variances = pca.explained_variance_
        kept = variances > _LEAST_VARIANCE * max(variances.max(), 1e-12)
        directions = pca.components_[kept]
        self.points = np.zeros((count, max(kept.sum(), 1)), np.float32)
        self.errors = np.empty(count, np.float32)
        for block in blocks(count):
            centered = rows[block].astype(np.float32) - pca.mean_
            found = centered @ directions.T
            left = np.square(centered).mean(1)
            left -= np.square(found).sum(1) / centered.shape[1]
            self.errors[block] = np.sqrt(np.maximum(left, 0))
            if kept.any():
                self.points[block] = found / np.sqrt(variances[kept])


def blocks(count: int) -> Iterator[slice]:
    """Yields slices of rows of which each fits memory in any form."""
    for start in range(0, count, _BLOCK_SIZE):
        yield slice(start, min(start + _BLOCK_SIZE, count))


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
