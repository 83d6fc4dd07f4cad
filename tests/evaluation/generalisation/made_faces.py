"""Drawn faces on a wide wall, of which a data set shows a part."""

import dataclasses

import cv2
import numpy as np

from tests.portrait_factory import GENDER
from tp_keras.data.portraits import Portraits
from tp_keras.data.portraits import compute_fingerprint
from tp_keras.evaluation.generalisation.framing import UNCHANGED
from tp_keras.evaluation.generalisation.framing import frame
from tp_keras.tasks import Schema

SIZE = (60, 48)
SCHEMA = Schema((*SIZE, 3), (GENDER,), protected="gender", shows_people=False)

# In the middle of the face, brighter with the second class.
_MARK = (slice(27, 32), slice(22, 27))
_DARK, _BRIGHT, _BETWEEN = 110, 220, 165


def draw_faces(labels, framing=UNCHANGED, size=SIZE, seed=0):
    """Draws a face for each label, seen in a framing, uint8."""
    rng = np.random.default_rng(seed)
    images = []
    for label in labels:
        # Twice as large as they are seen.
        face = np.full((120, 96, 3), 90, np.uint8)
        skin = (170, 140, 120)
        cv2.ellipse(face, (48, 58), (22, 32), 0, 0, 360, skin, -1)
        for eye in (39, 57):
            cv2.circle(face, (eye, 48), 3, (20, 20, 30), -1)
        cv2.ellipse(face, (48, 78), (9, 3), 0, 0, 360, (120, 40, 40), -1)
        mark = (_BRIGHT if label else _DARK,) * 3
        cv2.rectangle(face, (43, 53), (53, 63), mark, -1)
        noise = rng.normal(0, 6, face.shape)
        images.append((face + noise).clip(0, 255).astype(np.uint8))
    return frame(np.stack(images), size, framing)


def make_faces(labels, dataset, schema=SCHEMA, shown=None, **how):
    """Returns `Portraits` of drawn faces; `shown` are labels to draw."""
    labels = np.asarray(labels, np.int32)
    images = draw_faces(labels if shown is None else shown, **how)
    indices, labels = np.arange(len(labels)), {"gender": labels}
    schema = dataclasses.replace(schema, image_shape=images.shape[1:])
    return Portraits(
        images=images,
        labels=labels,
        indices=indices,
        dataset=dataset,
        split="test",
        storage="memory",
        fingerprint=compute_fingerprint(images, labels, indices),
        schema=schema,
    )


def read_mark(images):
    """What a run knows that looks at one place alone: probabilities."""
    level = images[:, *_MARK].mean((1, 2, 3))
    bright = 1 / (1 + np.exp((_BETWEEN - level) / 10))
    return {"gender": np.stack([1 - bright, bright], 1).astype(np.float32)}
