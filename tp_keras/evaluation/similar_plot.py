"""The answer to a search for similar hair as a picture."""

import math
import os
import pathlib

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tp_keras import tasks
from tp_keras.evaluation.similar import BOTH
from tp_keras.evaluation.similar import SimilarHair

# More would be a picture that nobody looks at.
MAX_SHOWN = 200

_COLUMNS = 10

# In pixels of the portraits.
_GAP = 12
_CAPTION = 46
_QUERY_GAP = 40
# For the title.
_MIN_WIDTH = 320

_PIXELS_PER_INCH = 100


def write_picture(path: str | os.PathLike, found: SimilarHair) -> None:
    """Draws the query on the left and what was found on the right, as PNG.

    Below each portrait stand rank, similarity and labels. The file appears
    whole or not at all.

    Args:
        path: File to write; its folder is made.
        found: What `find_similar_hair` returned; the first `MAX_SHOWN` are
            drawn.
    """
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        FigureCanvasAgg(draw_picture(found)).print_png(aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def draw_picture(found: SimilarHair) -> Figure:
    """Draws what `write_picture` writes."""
    count = min(len(found.images), MAX_SHOWN)
    # Half as many rows as columns, if there is enough to fill them.
    columns = min(_COLUMNS, max(math.ceil(math.sqrt(2 * count)), 1))
    rows = math.ceil(count / columns)
    height, width, _ = found.query.shape
    cell = height + _CAPTION, width + _GAP
    left = width + _QUERY_GAP
    canvas = np.full(
        (rows * cell[0], max(left + columns * cell[1], _MIN_WIDTH), 3),
        255,
        np.uint8,
    )
    canvas[:height, :width] = found.query
    texts = [(width / 2, height, "query", "bold")]
    for rank in range(count):
        row, column = divmod(rank, columns)
        top, start = row * cell[0], left + column * cell[1]
        canvas[top : top + height, start : start + width] = found.images[rank]
        labels = found.describe(rank)
        hair = [labels[task.name] for task in tasks.HAIR_TASKS]
        texts.append(
            (
                start + width / 2,
                top + height,
                f"{rank + 1}: {found.similarities[rank]:.3f}\n"
                f"{labels[tasks.GENDER.name]}\n{', '.join(hair)}",
                "normal",
            )
        )
    # One dot a pixel; two lines above for the title.
    title = 44
    size = canvas.shape[1] + 2 * _GAP, canvas.shape[0] + title
    figure = Figure(
        [side / _PIXELS_PER_INCH for side in size], dpi=_PIXELS_PER_INCH
    )
    panel = figure.add_axes(
        (
            _GAP / size[0],
            0,
            canvas.shape[1] / size[0],
            canvas.shape[0] / size[1],
        )
    )
    panel.imshow(canvas, interpolation="nearest", aspect="auto")
    panel.axis("off")
    for x, y, text, weight in texts:
        panel.text(
            x, y + 3, text, ha="center", va="top", fontsize=6.5, weight=weight
        )
    figure.text(
        _GAP / size[0],
        1 - 0.5 * title / size[1],
        f"Most similar by {_compared(found.by)}\n"
        f"{found.dataset}, {found.split}",
        va="center",
        fontsize=8,
    )
    return figure


def _compared(by) -> str:
    names = [task.name for task in tasks.HAIR_TASKS]
    return " and ".join(names) if by == BOTH else by
