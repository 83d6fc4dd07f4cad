"""Pictures that show what the figures say."""

from collections.abc import Iterator

import numpy as np

from tp_keras import tasks
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.candidates import RECONSTRUCTIONS
from tp_keras.generator.evaluation.measurement import GenerationMeasurement
from tp_keras.generator.evaluation.picture_grid import PictureGrid

SAMPLES = "samples.png"
RECONSTRUCTED = "reconstructions.png"
SWAPS = "swaps.png"
COPIES = "nearest_training.png"

_SAMPLE_ROWS = 5
_SHOWN = 10
_SWAPPED = 6
_BALD = "bald"


def make_pictures(
    measurement: GenerationMeasurement,
) -> Iterator[tuple[str, PictureGrid]]:
    """Yields file name and content of each picture.

    Args:
        measurement: One that has measured.
    """
    drawn = measurement.settings.caption
    yield SAMPLES, _samples(measurement, drawn)
    yield RECONSTRUCTED, _reconstructions(measurement)
    grid = _swaps(measurement)
    if grid is not None:
        yield SWAPS, grid
    yield COPIES, _copies(measurement, drawn)


def _samples(measurement, drawn):
    """The first portraits of each gender and hair colour, not chosen."""
    cells = [
        cell for cell in measurement.cells if cell.task is tasks.HAIR_COLOR
    ]
    rows = min(_SAMPLE_ROWS, measurement.settings.samples_per_cell)
    return PictureGrid(
        np.stack([measurement.cells[cell][:rows] for cell in cells], axis=1),
        f"Generated, not chosen: {drawn}",
        tuple(f"{cell.group}\n{cell.class_name}" for cell in cells),
    )


def _reconstructions(measurement):
    shown = slice(0, min(_SHOWN, len(measurement.validation)))
    return PictureGrid(
        np.stack(
            [
                np.asarray(measurement.validation.images[shown]),
                measurement.candidates.images[RECONSTRUCTIONS][shown],
            ]
        ),
        "Portraits not seen in training, and their reconstructions: from "
        "latent means, without noise (temperature 0, no seed)",
        tuple(str(i) for i in measurement.validation.indices[shown]),
        ("real", "decoded"),
    )


def _copies(measurement, drawn):
    generated, training, distances = measurement.copies
    shown = slice(0, _SHOWN)
    return PictureGrid(
        np.stack(
            [
                measurement.candidates.images[GENERATED][generated[shown]],
                np.asarray(measurement.training.images[training[shown]]),
            ]
        ),
        "The generated portraits nearest to a training portrait, and that "
        f"one: {drawn}",
        tuple(f"{distance:.2f}" for distance in distances[shown]),
        ("generated", "training"),
    )


def _swaps(measurement):
    """Every edit of the hair colour, and the others, of a few portraits."""
    test = measurement.test
    known = np.all(
        [
            (test.labels[task.name] != tasks.MISSING)
            & (test.labels[task.name] != _bald(task))
            for task in tasks.TASKS
        ],
        axis=0,
    )
    rows = np.flatnonzero(known)[:_SWAPPED]
    if not len(rows):
        return None
    images = np.asarray(test.images[rows])
    labels = {name: own[rows] for name, own in test.labels.items()}
    columns = {"real": images}
    columns["decoded"] = measurement.sampler.edit(images, labels, labels)
    for task, name, new in _edits(labels):
        columns[name] = measurement.sampler.edit(
            images, labels, {**labels, task.name: new}
        )
    return PictureGrid(
        np.stack(list(columns.values()), axis=1),
        "The same portraits with one attribute edited: from latent means, "
        "without noise (temperature 0, no seed)",
        tuple(columns),
        tuple(
            "\n".join(
                task.label_name(labels[task.name][row]) for task in tasks.TASKS
            )
            for row in range(len(rows))
        ),
    )


def _edits(labels):
    for task in (tasks.HAIR_COLOR, tasks.HAIR_TYPE):
        for index, name in enumerate(task.classes):
            if name != _BALD:
                yield task, name, np.full_like(labels[task.name], index)
    gender = tasks.GENDER
    yield gender, "other gender", 1 - labels[gender.name]


def _bald(task):
    """Returns the label of bald, or one that no portrait has."""
    return task.classes.index(_BALD) if _BALD in task.classes else -2
