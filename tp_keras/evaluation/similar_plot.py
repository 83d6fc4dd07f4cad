"""The answer to a search for similar portraits as a picture."""

import math
import os

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tp_keras import files
from tp_keras.evaluation.similar import SimilarPortraits

# More would be a picture that nobody looks at.
MAX_SHOWN = 200

_COLUMNS = 10
_PIXELS_PER_INCH = 100

# In pixels: between portraits, for a line below each, above all of them, and
# the least width, for the title.
_GAP, _LINE, _TITLE, _LEAST_WIDTH = 16, 12, 44, 360

# The least room for the labels below a portrait.
_NARROWEST = 85


def write_picture(path: str | os.PathLike, found: SimilarPortraits) -> None:
    """Draws the query on the left and what was found on the right, as PNG.

    Below each portrait stand rank, similarity and labels. The file appears
    whole or not at all.

    Args:
        path: File to write; its folder is made.
        found: What `find_similar` returned; the first `MAX_SHOWN` are drawn.
    """
    with files.replaced(path) as aside:
        FigureCanvasAgg(draw_picture(found)).print_png(aside)


def draw_picture(found: SimilarPortraits) -> Figure:
    """Draws what `write_picture` writes."""
    portraits = found.portraits
    schema = portraits.schema
    shown = [*filter(None, [schema.protected]), *schema.guarded]
    count = min(len(portraits), MAX_SHOWN)
    # Half as many rows as columns, if there is enough to fill them.
    columns = min(_COLUMNS, math.ceil(math.sqrt(2 * count)))
    rows = math.ceil(count / columns)
    height, width, _ = found.query.shape
    # A line of its own for each label: names may be long.
    cell = height + _LINE * (len(shown) + 2), max(width, _NARROWEST) + _GAP
    size = (
        max((columns + 1) * cell[1] + 2 * _GAP, _LEAST_WIDTH),
        rows * cell[0] + _TITLE,
    )
    figure = Figure(
        [side / _PIXELS_PER_INCH for side in size], dpi=_PIXELS_PER_INCH
    )

    def draw(image, row, column, text, **style):
        left = _GAP + column * cell[1] + (_GAP if column else 0)
        bottom = size[1] - _TITLE - row * cell[0] - height
        figure.figimage(image, left, bottom, origin="upper")
        figure.text(
            (left + width / 2) / size[0],
            (bottom - 3) / size[1],
            text,
            ha="center",
            va="top",
            fontsize=6.5,
            **style,
        )

    draw(found.query, 0, 0, "query", weight="bold")
    for rank in range(count):
        row, column = divmod(rank, columns)
        labels = found.describe(rank)
        lines = [f"{rank + 1}: {found.similarities[rank]:.3f}"]
        lines += [labels[name] for name in shown]
        draw(portraits.images[rank], row, column + 1, "\n".join(lines))
    figure.text(
        _GAP / size[0],
        1 - 0.5 * _TITLE / size[1],
        f"Most similar by {' and '.join(found.compared)}\n"
        f"{portraits.dataset}, {portraits.split}",
        va="center",
        fontsize=8,
    )
    return figure
