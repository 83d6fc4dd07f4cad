"""A portrait with other attributes, beside what it was."""

import dataclasses

import numpy as np
from PIL import Image

from tp_keras.generator.drawing.sheet import draw_sheet
from tp_keras.tasks import HAIR_COLOR
from tp_keras.tasks import HAIR_TYPE
from tp_keras.tasks import TASKS
from tp_keras.tasks import UNKNOWN

_BALD = "bald"


@dataclasses.dataclass(frozen=True)
class Edits:
    """What was made of a portrait.

    Attributes:
        images: uint8 `[count, 108, 84, 3]`: the portrait, its reconstruction,
            and the edited ones.
        captions: What each is.
    """

    images: np.ndarray
    captions: list[str]


def make_edits(generator, image, labels, new_labels) -> Edits:
    """Reconstructs a portrait and shows it with other attributes.

    Args:
        generator: A `PortraitGenerator`.
        image: uint8 `[108, 84, 3]`.
        labels: Dict of task name to class name or `"unknown"`: what it shows.
        new_labels: Dict of task name to class name or None: what one edited
            portrait shall show, None for what stays. If all are None, each
            attribute is changed to each of its other classes in turn.

    Returns:
        `Edits`.
    """
    changes = [{name: c for name, c in new_labels.items() if c is not None}]
    if not changes[0]:
        changes = [
            _with_bald(labels, {task.name: name})
            for task in TASKS
            for name in task.classes
            # Bald hair is asked for once, by its colour.
            if name != labels[task.name] and (task, name) != (HAIR_TYPE, _BALD)
        ]
    targets = [labels, *({**labels, **change} for change in changes)]
    count = len(targets)
    edited = generator.edit(
        np.repeat(image[np.newaxis], count, axis=0),
        labels,
        {task.name: [t[task.name] for t in targets] for task in TASKS},
    )
    captions = [
        ", ".join(dict.fromkeys(n for n in c.values() if n != UNKNOWN))
        for c in changes
    ]
    return Edits(
        np.concatenate([image[np.newaxis], edited]),
        ["photo", "reconstruction", *captions],
    )


def draw_edits(edits: Edits) -> Image.Image:
    """Draws them beside each other, with captions."""
    return draw_sheet(
        edits.images,
        captions=[caption.replace(", ", "\n") for caption in edits.captions],
        columns=len(edits.images),
    )


def _with_bald(labels, change) -> dict[str, str]:
    """Returns a change after which hair is bald in both tasks or in neither.

    The data set knows no bald hair that is wavy. Where a head gets or loses
    its hair, the other task follows: to bald, or to what it takes.
    """
    hair = {HAIR_COLOR.name, HAIR_TYPE.name}
    (name,) = change
    if name not in hair:
        return change
    (other,) = hair - {name}
    if change[name] == _BALD:
        return {**change, other: _BALD}
    if labels[other] == _BALD:
        return {**change, other: UNKNOWN}
    return change
