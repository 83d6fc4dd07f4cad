"""Pictures that show what the figures say."""

import numpy as np

from tp_keras.generator.drawing.labels import free_classes
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.candidates import RECONSTRUCTIONS
from tp_keras.generator.evaluation.measurement import GenerationMeasurement
from tp_keras.records.page_parts import Plot
from tp_keras.records.picture_grid import draw_grid

# Rows and columns of pictures.
_SAMPLES = 5
_SHOWN = 10
_EDITED = 6
_MOST_EDITS = 12


def draw_pictures(measurement: GenerationMeasurement) -> list[Plot]:
    """Draws what was generated, reconstructed, edited, or copied."""
    drawn = measurement.settings.caption
    plots = [
        _draw_samples(measurement, drawn),
        _draw_reconstructions(measurement),
        _draw_edits(measurement),
        _draw_copies(measurement, drawn),
    ]
    return [plot for plot in plots if plot]


def _draw_samples(measurement, drawn):
    """The first portraits of cells, not chosen, the frequent cells first."""
    cells = sorted(
        measurement.cells,
        key=lambda cell: -len(cell.rows(measurement.test.labels)),
    )
    if not cells:
        return None
    shown = np.linspace(0, len(cells) - 1, min(len(cells), _SHOWN))
    cells = [cells[place] for place in shown.astype(int)]
    return Plot(
        "samples.png",
        "What does it draw?",
        "A column for each combination of classes, from the most frequent one "
        "to the rarest that has enough real portraits; in it the first "
        "portraits drawn, not chosen. Faces should be faces, and show what "
        "was asked for.",
        draw_grid(
            np.stack([measurement.cells[c][:_SAMPLES] for c in cells], axis=1),
            f"Generated, not chosen: {drawn}",
            [cell.name for cell in cells],
        ),
    )


def _draw_reconstructions(measurement):
    validation = measurement.validation
    shown = slice(0, min(_SHOWN, len(validation)))
    decoded = measurement.images[RECONSTRUCTIONS][shown]
    return Plot(
        "reconstructions.png",
        "How much of a portrait does it keep?",
        "Above portraits that were not seen in training, below what the model "
        "makes of them: what its latents keep.",
        draw_grid(
            np.stack([np.asarray(validation.images[shown]), decoded]),
            "Portraits not seen in training, and their reconstructions: from "
            "latent means, without noise (temperature 0, no seed)",
            [str(index) for index in validation.indices[shown]],
            ("real", "decoded"),
        ),
    )


def _draw_edits(measurement):
    """Edits to every class of a few portraits, the first that may be edited."""
    test, free = measurement.test, free_classes(measurement.tasks)
    known = [
        np.isin(test.labels[task.name], classes)
        for task, classes in free.items()
    ]
    rows = np.flatnonzero(np.all(known, axis=0))[:_EDITED]
    if not len(rows):
        return None
    images = np.asarray(test.images[rows])
    labels = {task.name: test.labels[task.name][rows] for task in free}
    edits = [(task, index) for task in free for index in free[task]]
    targets = {"decoded": labels}
    for task, index in edits[:_MOST_EDITS]:
        new = np.full_like(labels[task.name], index)
        targets[task.classes[index]] = {**labels, task.name: new}
    columns = [
        measurement.sampler.edit(images, labels, target)
        for target in targets.values()
    ]
    return Plot(
        "edits.png",
        "Does an edit change what it should, and nothing else?",
        "Each row is a portrait, then the same decoded with its own "
        "attributes, then with one of them changed.",
        draw_grid(
            np.stack([images, *columns], axis=1),
            "The same portraits with one attribute edited: from latent means, "
            "without noise (temperature 0, no seed)",
            ["real", *targets],
            [
                "\n".join(t.label_name(labels[t.name][row]) for t in free)
                for row in range(len(rows))
            ],
        ),
    )


def _draw_copies(measurement, drawn):
    generated, training, distances = (x[:_SHOWN] for x in measurement.copies)
    pairs = [
        measurement.images[GENERATED][generated],
        np.asarray(measurement.training.images[training]),
    ]
    return Plot(
        "nearest_training.png",
        "Does it copy?",
        "The generated portraits that are nearest to a training portrait in "
        "the pixels of the middle, with their distance, and that training "
        "portrait below. Equal ones would be copies.",
        draw_grid(
            np.stack(pairs),
            "The generated portraits nearest to a training portrait, and that "
            f"one: {drawn}",
            [f"{distance:.2f}" for distance in distances],
            ("generated", "training"),
        ),
    )
