"""Pictures in rows and columns with titles, as a plot."""

import textwrap

import numpy as np
from matplotlib.figure import Figure

_GAP = 4
_PIXELS_PER_INCH = 100
_LETTERS_PER_INCH = 12


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
