"""The plots of a generator's evaluation, and how to read them."""

import math
import os
import pathlib
from collections.abc import Sequence

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tp_keras.generator.evaluation import pictures
from tp_keras.generator.evaluation.candidates import CANDIDATES
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.distance_table import DISTANCES
from tp_keras.generator.evaluation.distance_table import find_distance
from tp_keras.generator.evaluation.picture_grid import PictureGrid
from tp_keras.generator.evaluation.picture_grid import draw_grid
from tp_keras.generator.evaluation.settings import GenerationSettings
from tp_keras.records.page_parts import Plot
from tp_keras.records.plot_kit import new_figure
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find

SCORES = "scores.png"
FIDELITY = "fidelity.png"

_COLOR, _OTHER_COLOR = "#D55E00", "#555555"
_MOST_COLUMNS = 3

PLOTS = (
    Plot(
        pictures.SAMPLES,
        "What does it draw?",
        "A column for each gender and hair colour, with the first portraits "
        "drawn, not chosen. Faces should be faces, and hair have the colour "
        "that was asked for.",
    ),
    Plot(
        SCORES,
        "How far from real portraits is it?",
        "In scores, and where it is told from real, smaller is better; density "
        "and coverage are better the nearer to those of real portraits. The "
        "marks are figures, the lines through them 95 % intervals; the "
        "generated portraits are orange. Blurred portraits and eigenfaces show "
        "what a simple way to make portraits reaches. In scores, real "
        "portraits are at 0 and eigenfaces at 1.",
    ),
    Plot(
        FIDELITY,
        "Does it draw what was asked for?",
        "The judge's accuracy on portraits of a cell, divided by its accuracy "
        "on real ones of that cell: at 1 they are as readable as real ones. "
        "Cells without enough real portraits are left out.",
    ),
    Plot(
        pictures.RECONSTRUCTED,
        "How much of a portrait does it keep?",
        "Above portraits that were not seen in training, below what the model "
        "makes of them: what its latents keep.",
    ),
    Plot(
        pictures.SWAPS,
        "Does an edit change what it should, and nothing else?",
        "Each row is a portrait, then the same decoded with its own "
        "attributes, then with one of them changed.",
    ),
    Plot(
        pictures.COPIES,
        "Does it copy?",
        "The generated portraits that are nearest to a training portrait in "
        "the pixels of the middle, with their distance, and that training "
        "portrait below. Equal ones would be copies.",
    ),
)


def write_plots(
    folder: str | os.PathLike,
    records: Sequence[Record],
    grids: dict[str, PictureGrid],
    settings: GenerationSettings,
) -> list[pathlib.Path]:
    """Draws all plots as PNG files into `folder`.

    Args:
        folder: Where to write.
        records: What was measured.
        grids: File name -> picture of portraits.
        settings: How it was measured.

    Returns:
        The paths written.
    """
    figures = {
        SCORES: draw_scores(records, settings),
        FIDELITY: draw_fidelity(records, settings),
        **{name: draw_grid(grid) for name, grid in grids.items()},
    }
    paths = []
    for name, figure in figures.items():
        path = pathlib.Path(folder) / name
        FigureCanvasAgg(figure).print_png(path)
        paths.append(path)
    return paths


def draw_scores(
    records: Sequence[Record], settings: GenerationSettings
) -> Figure:
    """Draws each distance, a panel for each, a row for each candidate."""
    shown = [
        distance
        for distance in DISTANCES
        if find_distance(records, *distance[:2], GENERATED)
    ]
    columns = max(min(_MOST_COLUMNS, len(shown)), 1)
    rows = max(math.ceil(len(shown) / columns), 1)
    figure = new_figure(3.3 * columns + 1.2, 2.6 * rows + 0.5)
    panels = figure.subplots(rows, columns, sharey=True, squeeze=False).ravel()
    for panel in panels[len(shown) :]:
        panel.axis("off")
    for panel, (metric, space, title) in zip(panels, shown, strict=False):
        for row, name in enumerate(CANDIDATES):
            for record in find_distance(records, metric, space, name):
                _draw_mark(panel, record, row, name == GENERATED)
        if not panel.lines:
            panel.text(
                0.5, 3, "not defined", ha="center", va="center", color="0.4"
            )
            panel.set_xlim(0, 1)
        panel.set_title(title, loc="left", fontsize=10)
        panel.set_yticks(range(len(CANDIDATES)), list(CANDIDATES))
        panel.set_ylim(len(CANDIDATES) - 0.5, -0.5)
        panel.grid(axis="x", color="0.9")
        if metric.startswith("normalized"):
            for place in (0, 1):
                panel.axvline(place, color="0.6", linestyle="--", linewidth=1)
    figure.suptitle(
        "Distance from real test portraits, with 95 % intervals\n"
        f"{settings.caption}",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    return figure


def draw_fidelity(
    records: Sequence[Record], settings: GenerationSettings
) -> Figure:
    """Draws the fidelity of each cell."""
    shown = [
        record
        for record in find(records, metric="cell_fidelity")
        if record.value is not None
    ]
    figure = new_figure(8.0, 0.27 * len(shown) + 1.2)
    panel = figure.subplots()
    for row, record in enumerate(shown):
        _draw_mark(panel, record, row, highlight=False)
    panel.set_yticks(
        range(len(shown)),
        [
            f"{record.task} of {record.class_name}"
            + ("" if record.group == ALL else f", {record.group}")
            for record in shown
        ],
        fontsize=8,
    )
    panel.set_ylim(max(len(shown), 1) - 0.5, -0.5)
    panel.axvline(1, color="0.6", linestyle="--", linewidth=1)
    panel.set_xlim(left=0)
    panel.grid(axis="x", color="0.9")
    panel.set_xlabel("judge's accuracy on generated, divided by that on real")
    figure.suptitle(
        f"Fidelity of each cell, with 95 % intervals\n{settings.caption}",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    return figure


def _draw_mark(panel, record, row, highlight):
    if record.value is None:
        return
    color = _COLOR if highlight else _OTHER_COLOR
    if record.low is not None:
        panel.hlines(row, record.low, record.high, color=color, linewidth=2)
    panel.plot(record.value, row, marker="o", markersize=6, color=color)
