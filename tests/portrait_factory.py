"""Tiny portraits whose labels a network learns within a few steps."""

import numpy as np

from tp_keras.data.portraits import Portraits
from tp_keras.data.portraits import compute_fingerprint
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

GENDER = Task("gender", "binary", ("female", "male"))
HAIR_COLOR = Task(
    "hair_color", "categorical", ("black", "brown", "blond", "gray", "bald")
)
HAIR_TYPE = Task("hair_type", "categorical", ("straight", "wavy", "bald"))

# That of Tiny Portraits.
SCHEMA = Schema(
    image_shape=(108, 84, 3),
    tasks=(GENDER, HAIR_COLOR, HAIR_TYPE),
    protected="gender",
    guarded=("hair_color", "hair_type"),
    conditions=("gender", "hair_color", "hair_type"),
    shows_people=False,
)

AGE = Task("age", "regression", unit="years", low=0, high=100, tolerance=5)
MOOD = Task("mood", "ordinal", ("sad", "calm", "merry", "wild"))
ORIGIN = Task("origin", "categorical", ("north", "south", "west"))
SIGNS = Task("signs", "multi_label", ("hat", "scarf"))
SMILE = Task("smile", "binary", ("no", "yes"))

# One task of every kind, three groups, and another size.
EVERY_KIND = Schema(
    image_shape=(64, 48, 3),
    tasks=(AGE, MOOD, ORIGIN, SIGNS, SMILE),
    protected="origin",
    guarded=("age", "smile"),
    conditions=("origin", "smile"),
)


def make_portraits(
    count=64, seed=0, split="train", missing=0.25, schema=SCHEMA
):
    """Portraits whose rows of pixels carry the labels, a band for each task.

    A share of all labels but the protected ones is missing.
    """
    rng = np.random.default_rng(seed)
    height, width, _ = schema.image_shape
    images = rng.integers(
        0, 40, size=(count, *schema.image_shape), dtype=np.uint8
    )
    labels = {}
    bands = np.array_split(np.arange(height), len(schema.tasks))
    for task, band in zip(schema.tasks, bands, strict=True):
        shown, values = _draw_labels(task, count, rng)
        for part, level in zip(
            np.array_split(np.arange(width), shown.shape[1]),
            shown.T,
            strict=False,
        ):
            images[np.ix_(range(count), band, part)] += (level * 200).astype(
                np.uint8
            )[:, None, None, None]
        if task.name != schema.protected:
            gone = rng.random(count) < missing
            values[gone] = np.nan if task.kind == "regression" else -1
        labels[task.name] = values
    indices = np.arange(count, dtype=np.int64)
    return Portraits(
        images=images,
        labels=labels,
        indices=indices,
        dataset="made/here/1.0.0",
        split=split,
        storage="memory",
        fingerprint=compute_fingerprint(images, labels, indices),
        schema=schema,
    )


def _draw_labels(task, count, rng):
    """Returns brightnesses in 0..1 `[count, parts]`, and labels."""
    if task.kind == "regression":
        shown = rng.random((count, 1))
        values = np.rint(task.low + shown[:, 0] * (task.high - task.low))
        return shown, values.astype(np.float32)
    if task.kind == "multi_label":
        values = rng.integers(2, size=(count, task.num_classes))
        return values.astype(float), values.astype(np.int32)
    values = rng.integers(task.num_classes, size=count)
    return values[:, None] / (task.num_classes - 1), values.astype(np.int32)
