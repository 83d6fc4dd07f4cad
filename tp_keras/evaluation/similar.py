"""Finds the portraits of a data set most similar to one, and draws them."""

import dataclasses
import math
import os
from collections.abc import Callable
from collections.abc import Sequence

import numpy as np
import pandas as pd
import tqdm
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tp_keras import files
from tp_keras import tasks
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.evaluation.neighbors import find_neighbors
from tp_keras.evaluation.neighbors import unit_rows
from tp_keras.pixels import check_pixels
from tp_keras.records.table import markdown_table
from tp_keras.tasks import Task

EVERY = "all"

_BATCH_SIZE = 256

# More would be a picture that nobody looks at.
MAX_SHOWN = 200

_COLUMNS = 10
_PIXELS_PER_INCH = 100
# In pixels: between portraits, for a line below each, above all of them, and
# the least widths, for the title and for the labels below a portrait.
_GAP, _LINE, _TITLE, _LEAST_WIDTH, _NARROWEST = 16, 12, 44, 360, 85


@dataclasses.dataclass(frozen=True)
class SimilarPortraits:
    """The portraits that were found, the most similar first.

    Attributes:
        query: uint8 `[height, width, 3]`, the portrait that was searched for.
        similarities: Float32 `[count]`, cosines of the embeddings.
        compared: Names of the guarded tasks whose parts were compared.
    """

    query: np.ndarray
    portraits: Portraits
    similarities: np.ndarray
    compared: Sequence[str]

    def describe(self, rank: int) -> dict[str, str]:
        """Returns task name -> what the label says, or `"missing"`."""
        return {
            task.name: _label_text(task, self.portraits.labels[task.name][rank])
            for task in self.portraits.schema.tasks
        }


def find_similar(
    query: np.ndarray,
    portraits: Portraits,
    embed: Callable[[np.ndarray], np.ndarray],
    guarded: Sequence[str],
    count: int,
    by: str = EVERY,
) -> SimilarPortraits:
    """Finds the portraits whose embedding is most similar to that of a query.

    Labels are shown, not used.

    Args:
        query: uint8 `[height, width, 3]`.
        portraits: Where to look.
        embed: Function from uint8 `[batch, height, width, 3]` to embeddings
            `[batch, size]`, of a run or of a bundle.
        guarded: Names of the guarded tasks of the model, in its order; each
            reads an equal part of the embedding.
        count: How many portraits to find.
        by: Name of the task whose part is compared; `"all"`: each, equally.

    Raises:
        UserError: If the model has no such task, or the data set fewer
            portraits, or of another size.
    """
    names = compared_tasks(guarded, by)
    if query.shape != portraits.schema.image_shape:
        raise UserError(
            f"Expected portraits of {query.shape}, the size that the model "
            f"takes. Received: {portraits.schema.image_shape} of "
            f"{portraits.dataset}"
        )
    if not 1 <= count <= len(portraits):
        raise UserError(
            f"Expected a number of portraits from 1 to {len(portraits)}, as "
            f"many as there are in {portraits.dataset}, split "
            f"{portraits.split}. Received: k={count}"
        )

    def vectors(images):
        parts = np.split(np.asarray(embed(images)), len(guarded), axis=1)
        chosen = [parts[guarded.index(name)] for name in names]
        return unit_rows(np.concatenate([*map(unit_rows, chosen)], axis=1))

    starts = range(0, len(portraits), _BATCH_SIZE)
    batches = [
        # An array of its own: the images may be mapped from a file.
        vectors(np.array(portraits.images[start : start + _BATCH_SIZE]))
        for start in tqdm.tqdm(starts, "embed portraits", delay=2, leave=False)
    ]
    (rows,), (similarities,) = find_neighbors(
        vectors(query[np.newaxis]), np.concatenate(batches), count
    )
    return SimilarPortraits(query, portraits.take(rows), similarities, names)


def compared_tasks(guarded: Sequence[str], by: str) -> list[str]:
    """Returns the tasks that a search compares, as `find_similar` does."""
    if not guarded or by not in (EVERY, *guarded):
        known = ", ".join(guarded) or "none, and so no embedding"
        raise UserError(
            f"Expected to search by {EVERY} or one of the guarded tasks of the "
            f"model, which are: {known}. Received: by={by}"
        )
    return list(guarded) if by == EVERY else [by]


def model_embedder(classifier) -> Callable[[np.ndarray], np.ndarray]:
    """Returns the function of a classifier that `find_similar` takes."""
    model = classifier.inference_model()

    def embed(images):
        check_pixels(images)
        return np.asarray(model.predict_on_batch(images)[tasks.EMBEDDING])

    return embed


def format_table(found: SimilarPortraits) -> str:
    """Returns a row for each portrait, and a line that counts the classes."""
    frame = pd.DataFrame(
        {
            "rank": rank + 1,
            "similarity": f"{similarity:.3f}",
            "image_index": found.portraits.indices[rank],
            **found.describe(rank),
        }
        for rank, similarity in enumerate(found.similarities)
    )
    lines = []
    for task in found.portraits.schema.tasks:
        if task.has_classes:
            counts = frame[task.name].value_counts().items()
            texts = ", ".join(f"{text} {count}" for text, count in counts)
            lines.append(f"{task.name}: {texts}")
    return f"{markdown_table(frame)}\n{'; '.join(lines)}"


def _label_text(task: Task, label) -> str:
    if task.kind == tasks.REGRESSION:
        return f"{label:g}" if np.isfinite(label) else tasks.MISSING_NAME
    if task.kind != tasks.MULTI_LABEL:
        return task.label_name(label)
    if (label < 0).all():
        return tasks.MISSING_NAME
    flags = zip(task.classes, label, strict=True)
    return ", ".join(name for name, flag in flags if flag == 1) or "none"


def write_picture(path: str | os.PathLike, found: SimilarPortraits) -> None:
    """Draws the query on the left and what was found on the right, as PNG."""
    with files.replaced(path) as aside:
        FigureCanvasAgg(draw_picture(found)).print_png(aside)


def draw_picture(found: SimilarPortraits) -> Figure:
    """Draws what `write_picture` writes: the first `MAX_SHOWN` portraits.

    Below each stand rank, similarity and labels.
    """
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
    wide, high = (columns + 1) * cell[1] + 2 * _GAP, rows * cell[0] + _TITLE
    size = max(wide, _LEAST_WIDTH), high
    inches = [side / _PIXELS_PER_INCH for side in size]
    figure = Figure(inches, dpi=_PIXELS_PER_INCH)

    def draw(image, row, column, text, **style):
        left = _GAP + column * cell[1] + (_GAP if column else 0)
        bottom = size[1] - _TITLE - row * cell[0] - height
        figure.figimage(image, left, bottom, origin="upper")
        place = (left + width / 2) / size[0], (bottom - 3) / size[1]
        style |= {"ha": "center", "va": "top", "fontsize": 6.5}
        figure.text(*place, text, **style)

    draw(found.query, 0, 0, "query", weight="bold")
    for rank in range(count):
        row, column = divmod(rank, columns)
        labels = found.describe(rank)
        lines = [f"{rank + 1}: {found.similarities[rank]:.3f}"]
        lines += [labels[name] for name in shown]
        draw(portraits.images[rank], row, column + 1, "\n".join(lines))
    title = f"Most similar by {' and '.join(found.compared)}\n"
    title += f"{portraits.dataset}, {portraits.split}"
    place = _GAP / size[0], 1 - 0.5 * _TITLE / size[1]
    figure.text(*place, title, va="center", fontsize=8)
    return figure
