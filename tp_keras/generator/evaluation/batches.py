"""Runs a model over many images in batches of one size."""

import hashlib

import numpy as np
import tqdm

from tp_keras.pixels import check_pixels


def run_in_batches(model, images, batch_size=256, progress=True) -> dict:
    """Returns what a model makes of images.

    Args:
        model: `keras.Model` from images to a dict of arrays.
        images: uint8 array `[count, height, width, 3]`, at least one row.
        batch_size: Int.
        progress: Whether to show a bar after two seconds.

    Returns:
        Dict of float32 arrays `[count, ...]`.
    """
    check_pixels(images)
    batches = []
    size = min(batch_size, len(images))
    starts = range(0, len(images), size)
    for start in tqdm.tqdm(
        starts, f"run {model.name}", delay=2, disable=not progress, leave=False
    ):
        batch = np.asarray(images[start : start + size])
        # Filled up: another size would be compiled anew.
        missing = size - len(batch)
        batch = np.pad(batch, [(0, missing), (0, 0), (0, 0), (0, 0)])
        batches.append(model.predict_on_batch(batch))
    return {
        name: np.concatenate(
            [np.asarray(batch[name], np.float32) for batch in batches]
        )[: len(images)]
        for name in batches[0]
    }


def compute_digest(arrays) -> str:
    """Returns the SHA-256 of arrays, their shapes and order, in hexadecimal."""
    digest = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array, np.float32)
        digest.update(repr(array.shape).encode())
        digest.update(array)
    return digest.hexdigest()
