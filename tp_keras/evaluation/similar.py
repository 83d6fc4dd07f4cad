"""Finds the portraits of a data set with the most similar hair."""

import collections
import dataclasses
from collections.abc import Callable
from collections.abc import Iterable

import numpy as np
import tqdm

from tp_keras import tasks
from tp_keras.command_line import command_line
from tp_keras.data.portraits import Portraits
from tp_keras.errors import UserError
from tp_keras.evaluation import neighbors
from tp_keras.pixels import check_pixels

BOTH = "both"

_HAIR_NAMES = tuple(task.name for task in tasks.HAIR_TASKS)
_BATCH_SIZE = 256


@dataclasses.dataclass(frozen=True)
class SimilarHair:
    """The answer to a search.

    Attributes:
        query: uint8 `[108, 84, 3]`, the portrait that was searched for.
        images: uint8 `[k, 108, 84, 3]`, the most similar first.
        similarities: Float32 `[k]`, cosines of the embeddings.
        labels: Dict: task name -> integers `[k]`, -1 where missing.
        indices: Int64 `[k]`, the image indices.
        dataset: Name of the data set.
        split: Name of its split.
        by: What was compared: `"hair_color"`, `"hair_type"` or `"both"`.
    """

    query: np.ndarray
    images: np.ndarray
    similarities: np.ndarray
    labels: dict[str, np.ndarray]
    indices: np.ndarray
    dataset: str
    split: str
    by: str

    def describe(self, rank: int) -> dict[str, str]:
        """Returns task name -> class name, or `"missing"`."""
        return {
            task.name: task.label_name(self.labels[task.name][rank])
            for task in tasks.TASKS
        }


def find_similar_hair(
    query: np.ndarray,
    portraits: Portraits,
    embed: Callable[[np.ndarray], np.ndarray],
    task_names: Iterable[str],
    count: int,
    by: str = tasks.HAIR_COLOR.name,
) -> SimilarHair:
    """Finds the portraits with the hair most similar to that of a query.

    Similar is what the embedding says, or the part of it that the asked task
    reads: the labels are shown, not used.

    Args:
        query: uint8 `[108, 84, 3]`.
        portraits: Where to look.
        embed: Function from uint8 `[batch, 108, 84, 3]` to hair embeddings
            `[batch, d]`, of a run or of a bundle.
        task_names: The tasks of the model.
        count: How many portraits to find.
        by: `"hair_color"`, `"hair_type"`, or `"both"` for the mean of the two
            similarities.

    Returns:
        `SimilarHair`.

    Raises:
        UserError: If the model has no such task, or the data set fewer
            portraits.

    Example:
        >>> predictor = serving.Predictor("exported_models/portrait_attributes")
        >>> found = find_similar_hair(
        ...     query, portraits, predictor.embed, predictor.classes, count=20
        ... )
        >>> found.describe(0)
        {'gender': 'male', 'hair_color': 'blond', 'hair_type': '-'}
    """
    names = compared_tasks(task_names, by)
    if not 1 <= count <= len(portraits):
        raise UserError(
            f"Expected a number of portraits from 1 to {len(portraits)}, as "
            f"many as there are in {portraits.dataset}, split "
            f"{portraits.split}. Received: k={count}"
        )
    hair_tasks = [task for task in task_names if task in _HAIR_NAMES]
    own = _vectors(embed(query[np.newaxis]), hair_tasks, names)
    starts = range(0, len(portraits), _BATCH_SIZE)
    batches = [
        # An array of its own: the images may be mapped from a file.
        embed(np.array(portraits.images[start : start + _BATCH_SIZE]))
        for start in tqdm.tqdm(starts, "embed portraits", delay=2, leave=False)
    ]
    vectors = _vectors(np.concatenate(batches), hair_tasks, names)
    (rows,), (similarities,) = neighbors.find_neighbors(own, vectors, count)
    return SimilarHair(
        query=query,
        images=np.stack([portraits.images[row] for row in rows]),
        similarities=similarities,
        labels={
            name: portraits.labels[name][rows] for name in tasks.TASK_NAMES
        },
        indices=portraits.indices[rows],
        dataset=portraits.dataset,
        split=portraits.split,
        by=by,
    )


def model_embedder(classifier) -> Callable[[np.ndarray], np.ndarray]:
    """Returns the function of a classifier that `find_similar_hair` takes.

    Args:
        classifier: A `PortraitClassifier` with a hair task.
    """
    model = classifier.inference_model()

    def embed(images):
        check_pixels(images)
        return np.asarray(model.predict_on_batch(images)[tasks.HAIR_EMBEDDING])

    return embed


def compared_tasks(task_names: Iterable[str], by: str) -> list[str]:
    """Returns the hair tasks that a search compares.

    Args:
        task_names: The tasks of the model.
        by: As in `find_similar_hair`.

    Raises:
        UserError: If the model has none of them, or not the asked one.
    """
    task_names = list(task_names)
    own = [name for name in _HAIR_NAMES if name in task_names]
    if not own:
        raise UserError(
            "The model was trained without a hair task and has no hair "
            "embedding. Expected one with hair_color or hair_type, as "
            f"`{command_line('training.train', 'demo', run_dir='FOLDER')}` "
            f"makes it. Received: tasks={task_names}"
        )
    wanted = _HAIR_NAMES if by == BOTH else [by]
    if not set(wanted) <= set(own):
        raise UserError(
            f"Expected to search by one of {', '.join(own)}, the hair tasks "
            f"of the model{_both_or_not(own)}. Received: by={by!r}"
        )
    return list(wanted)


def format_table(found: SimilarHair) -> str:
    """Returns a line for each portrait: rank, similarity, index and labels.

    A last line counts the labels.
    """
    rows = [["rank", "similarity", "image_index", *tasks.TASK_NAMES]]
    counts = {name: collections.Counter() for name in tasks.TASK_NAMES}
    for rank, similarity in enumerate(found.similarities):
        labels = found.describe(rank)
        rows.append(
            [
                str(rank + 1),
                f"{similarity:.3f}",
                str(found.indices[rank]),
                *labels.values(),
            ]
        )
        for name, label in labels.items():
            counts[name][label] += 1
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]
    summary = "; ".join(
        f"{name}: "
        + ", ".join(f"{label} {count}" for label, count in found.most_common())
        for name, found in counts.items()
    )
    return "\n".join([*lines, "", summary])


def _vectors(embedding, hair_tasks, names) -> np.ndarray:
    """Returns unit rows of the parts that are compared, each as heavy.

    Each hair task reads an equal part of the embedding, in their order.
    """
    parts = np.split(np.asarray(embedding), len(hair_tasks), axis=1)
    parts = dict(zip(hair_tasks, parts, strict=True))
    return neighbors.unit_rows(
        np.concatenate(
            [neighbors.unit_rows(parts[name]) for name in names], axis=1
        )
    )


def _both_or_not(own) -> str:
    return f", or {BOTH}" if len(own) == len(_HAIR_NAMES) else ""
