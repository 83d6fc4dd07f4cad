"""Sheets of portraits with a few words below each."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

_PIXELS_PER_INCH = 100

# In pixels: between portraits, and for a line of words.
_GAP, _LINE = 10, 13

# The least widths, of a portrait with its words and of a sheet of one row.
_NARROWEST, _SHEET_WIDTH = 110, 1080

# How many letters fit into a hundred pixels.
_LETTERS = 17


def draw_sheet(images: Sequence[np.ndarray], texts: Sequence[str]) -> Figure:
    """Draws portraits side by side, pixel by pixel, with words below each.

    Args:
        images: uint8 `[height, width, 3]` each, all of one size.
        texts: What stands below each; lines are broken where they must.
    """
    height, width, _ = images[0].shape
    zoom = max(round(80 / height), 1)
    height, width = height * zoom, width * zoom
    cell = max(width, _NARROWEST) + _GAP
    columns = max(min(_SHEET_WIDTH // cell, len(images)), 1)
    broken = [_break(text, int(_LETTERS * cell / 100)) for text in texts]
    lines = max(text.count("\n") + 1 for text in broken)
    row_height = height + _LINE * lines + _GAP
    rows = math.ceil(len(images) / columns)
    size = columns * cell + _GAP, rows * row_height + _GAP
    inches = [side / _PIXELS_PER_INCH for side in size]
    figure = Figure(inches, dpi=_PIXELS_PER_INCH)
    for number, (image, text) in enumerate(zip(images, broken, strict=True)):
        row, column = divmod(number, columns)
        left = _GAP + column * cell
        bottom = size[1] - _GAP - row * row_height - height
        shown = np.repeat(np.repeat(image, zoom, axis=0), zoom, axis=1)
        figure.figimage(shown, left, bottom, origin="upper")
        place = left / size[0], (bottom - 3) / size[1]
        figure.text(*place, text, ha="left", va="top", fontsize=6.5)
    return figure


def _break(text, most):
    """Returns a text broken at blanks, into lines of so many letters."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= most or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)
