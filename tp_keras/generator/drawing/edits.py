"""A portrait with other attributes, beside what it was."""

from collections.abc import Sequence

import numpy as np

from tp_keras.generator.drawing.labels import describe_labels
from tp_keras.generator.drawing.labels import shared_classes
from tp_keras.tasks import UNKNOWN
from tp_keras.tasks import Task


def make_edits(
    generator, tasks: Sequence[Task], image, labels: dict, new_labels: dict
) -> tuple[np.ndarray, list[str]]:
    """Reconstructs a portrait and shows it with other attributes.

    Labels are what it shows, and shall show: task name -> class name or
    `"unknown"`. What is left out of the new ones stays; if all is, each
    attribute takes each of its other classes in turn.

    Returns:
        uint8 images, portrait, reconstruction, edited ones; what each is.
    """
    changes = [new_labels]
    if not new_labels:
        shared = shared_classes(tasks)
        changes = [
            _with_shared(labels, task, name, tasks, shared)
            for task in tasks
            for name in task.classes
            if name != labels[task.name]
        ]
        # A class that tasks share is shown once.
        changes = [c for i, c in enumerate(changes) if c not in changes[:i]]
    targets = [labels, *({**labels, **change} for change in changes)]
    edited = generator.edit(
        np.repeat(image[np.newaxis], len(targets), axis=0),
        labels,
        {task.name: [t[task.name] for t in targets] for task in tasks},
    )
    captions = [describe_labels(change) for change in changes]
    return (
        np.concatenate([image[np.newaxis], edited]),
        ["photo", "reconstruction", *captions],
    )


def _with_shared(labels, task, name, tasks, shared) -> dict[str, str]:
    """Returns a change of one attribute, and of those that share classes."""
    change = {task.name: name}
    # What tasks share all of them take on, and give up: to be unknown.
    for other in tasks:
        if other is task:
            continue
        if name in shared and name in other.classes:
            change[other.name] = name
        elif labels[task.name] in shared and (
            labels[other.name] == labels[task.name]
        ):
            change[other.name] = UNKNOWN
    return {t.name: change[t.name] for t in tasks if t.name in change}
