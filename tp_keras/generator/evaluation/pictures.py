"""Pictures that show what the figures say."""

import textwrap

import numpy as np
from matplotlib.figure import Figure

from tp_keras.generator.drawing.labels import free_classes
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.candidates import RECONSTRUCTIONS
from tp_keras.generator.evaluation.measurement import GenerationMeasurement
from tp_keras.records.page_parts import Plot

# Rows and columns of pictures.
_SAMPLES = 5
_SHOWN = 10
_EDITED = 6
_MOST_EDITS = 12

_GAP = 4
_PIXELS_PER_INCH = 100
_LETTERS_PER_INCH = 12


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


def draw_grid(images, title, column_titles, row_titles=()) -> Figure:
    """Draws uint8 `[rows, columns, height, width, 3]`, a dot for each pixel."""
    _, columns, height, width, _ = images.shape
    gaps = [(0, 0), (0, 0), (0, _GAP), (0, _GAP), (0, 0)]
    cells = np.pad(images, gaps, constant_values=255)
    canvas = np.concatenate(np.concatenate(cells, axis=1), axis=1)
    size = np.array(canvas.shape[1::-1]) / _PIXELS_PER_INCH
    size += [1.2 if row_titles else 0.3, 1.2]
    title = textwrap.fill(title, max(int(_LETTERS_PER_INCH * size[0]), 20))
    figure = Figure(size, dpi=_PIXELS_PER_INCH, layout="constrained")
    panel = figure.subplots()
    panel.imshow(canvas, interpolation="nearest")
    panel.spines[:].set_visible(False)
    panel.tick_params(length=0)
    panel.xaxis.tick_top()
    panel.set_xticks(
        np.arange(columns) * (width + _GAP) + width / 2,
        [title.replace(", ", "\n") for title in column_titles],
        fontsize=8,
    )
    panel.set_yticks(
        np.arange(len(row_titles)) * (height + _GAP) + height / 2,
        row_titles,
        fontsize=8,
    )
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    return figure


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
