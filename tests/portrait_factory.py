"""Tiny portraits whose labels a network learns within a few steps."""

import numpy as np

from tp_keras.data.portraits import Portraits
from tp_keras.data.portraits import compute_fingerprint
from tp_keras.tasks import IMAGE_SHAPE
from tp_keras.tasks import TASKS


def make_portraits(count=64, seed=0, split="train", missing=0.25):
    """Portraits whose colour channels carry the labels.

    Gender is the level of red, hair_color that of green in the upper half,
    hair_type that of blue; a share of the hair labels is missing.
    """
    rng = np.random.default_rng(seed)
    labels = {
        task.name: rng.integers(task.num_classes, size=count).astype(np.int32)
        for task in TASKS
    }
    images = rng.integers(0, 40, size=(count, *IMAGE_SHAPE), dtype=np.uint8)
    for channel, task in enumerate(TASKS):
        level = labels[task.name] * (200 // (task.num_classes - 1))
        images[..., channel] += level[:, None, None].astype(np.uint8)
    for task in TASKS[1:]:
        labels[task.name][rng.random(count) < missing] = -1
    indices = np.arange(count, dtype=np.int64)
    return Portraits(
        images=images,
        labels=labels,
        indices=indices,
        dataset="made/here/1.0.0",
        split=split,
        storage="memory",
        fingerprint=compute_fingerprint(images, labels, indices),
    )
