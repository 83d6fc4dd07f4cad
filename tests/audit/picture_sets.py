"""Sets of pictures that a test paints itself."""

import dataclasses

import numpy as np

from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.audit.portrait_set import PortraitSet


def set_of(images, splits=("train",), schema=SCHEMA) -> PortraitSet:
    """The pictures `[count, height, width, 3]` in equal parts as splits."""
    images = np.asarray(images, np.uint8)
    schema = dataclasses.replace(schema, image_shape=images.shape[1:])
    parts, start = [], 0
    for number, part in enumerate(np.array_split(images, len(splits))):
        made = make_portraits(len(part), number, splits[number], schema=schema)
        parts.append(
            dataclasses.replace(made, images=part, indices=made.indices + start)
        )
        start += len(part)
    return PortraitSet(tuple(parts))
