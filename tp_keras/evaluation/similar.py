"""Finds the portraits of a data set most similar to one, and draws them."""

import dataclasses
import math
import os
from collections.abc import Callable
from collections.abc import Sequence

import numpy as np
import tqdm
from PIL import Image

from tp_keras import files
from tp_keras import tasks
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.evaluation.label_table import format_labels
from tp_keras.evaluation.label_table import label_table
from tp_keras.evaluation.neighbors import find_neighbors
from tp_keras.evaluation.neighbors import unit_rows
from tp_keras.pixels import check_pixels
from tp_keras.records.sheet import draw_sheet

EVERY = "all"

_BATCH_SIZE = 256

# More would be a picture that nobody looks at.
MAX_SHOWN = 200

_COLUMNS = 10


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
    frame = label_table(found.portraits)
    frame.insert(0, "rank", range(1, len(frame) + 1))
    frame.insert(1, "similarity", [f"{s:.3f}" for s in found.similarities])
    return format_labels(frame, found.portraits.schema)


def write_picture(path: str | os.PathLike, found: SimilarPortraits) -> None:
    """Draws the query on the left and what was found on the right, as PNG."""
    with files.replaced(path) as aside:
        draw_picture(found).save(aside, "PNG")


def draw_picture(found: SimilarPortraits) -> Image.Image:
    """Draws what `write_picture` writes: the first `MAX_SHOWN` portraits.

    Below each stand rank, similarity and labels.
    """
    schema = found.portraits.schema
    shown = [*filter(None, [schema.protected]), *schema.guarded]
    table = label_table(found.portraits)[shown]
    count = min(len(table), MAX_SHOWN)
    # Half as many rows as columns, if there is enough to fill them.
    columns = min(_COLUMNS, math.ceil(math.sqrt(2 * count)))
    images, captions = [], []
    for rank in range(count):
        if rank % columns == 0:
            # The query leads the first row, and nothing the others.
            images.append(
                np.full_like(found.query, 255) if rank else found.query
            )
            captions.append("" if rank else "query")
        images.append(found.portraits.images[rank])
        lines = [f"{rank + 1}: {found.similarities[rank]:.3f}"]
        captions.append("\n".join([*lines, *table.iloc[rank]]))
    title = f"Most similar by {' and '.join(found.compared)}: "
    title += f"{found.portraits.dataset}, {found.portraits.split}"
    return draw_sheet(images, title, captions, columns + 1)
