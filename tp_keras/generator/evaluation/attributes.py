"""Do generated portraits show what was asked for?

A judge, a classifier that had no part in the training of the generator, names
the attributes of generated portraits. Its accuracy there is divided by its
accuracy on real portraits: the fidelity, 1 where the generated are as readable
as the real ones.
"""

import dataclasses
import math
from collections.abc import Iterator

import numpy as np

from tp_keras import tasks
from tp_keras.evaluation import figures
from tp_keras.generator.evaluation.ratio_interval import ratio_interval
from tp_keras.records.record import ALL

GENERATED = "generated"
REAL = "real"

# What is judged of portraits in a cell: the attributes that make the cell.
_JUDGED = {
    tasks.HAIR_COLOR.name: (tasks.GENDER, tasks.HAIR_COLOR),
    tasks.HAIR_TYPE.name: (tasks.HAIR_TYPE,),
}


@dataclasses.dataclass(frozen=True)
class Cell:
    """Portraits of one class, and where it is named of one gender.

    Attributes:
        task: Hair task whose class it is.
        class_index: Label of the class.
        gender: Label of the gender, or None for both.
    """

    task: tasks.Task
    class_index: int
    gender: int | None = None

    @property
    def class_name(self) -> str:
        """The class."""
        return self.task.classes[self.class_index]

    @property
    def group(self) -> str:
        """The gender, or `"all"`."""
        return ALL if self.gender is None else tasks.GENDER.classes[self.gender]

    def rows(self, labels) -> np.ndarray:
        """Returns the rows of `labels` that belong to the cell."""
        inside = np.asarray(labels[self.task.name]) == self.class_index
        if self.gender is not None:
            inside &= np.asarray(labels[tasks.GENDER.name]) == self.gender
        return np.flatnonzero(inside)


def all_cells() -> tuple[Cell, ...]:
    """Returns gender x hair colour, and then the hair types."""
    return tuple(
        Cell(tasks.HAIR_COLOR, color, gender)
        for gender in range(tasks.GENDER.num_classes)
        for color in range(tasks.HAIR_COLOR.num_classes)
    ) + tuple(
        Cell(tasks.HAIR_TYPE, hair_type)
        for hair_type in range(tasks.HAIR_TYPE.num_classes)
    )


def draw_cell_labels(
    cell: Cell,
    labels: dict[str, np.ndarray],
    count: int,
    generator: np.random.Generator,
) -> dict[str, np.ndarray]:
    """Draws conditions for portraits of a cell.

    Whatever the cell leaves open is as it is in portraits of the cell, so that
    nothing is asked for that hardly exists; without any such portrait it is
    left unknown.

    Args:
        cell: The cell.
        labels: Dict: task name -> integer array [N], of training portraits.
        count: How many.
        generator: Source of chance.

    Returns:
        Dict: task name -> int32 [count].
    """
    rows = cell.rows(labels)
    if len(rows):
        rows = generator.choice(rows, count)
        return {
            task.name: np.asarray(labels[task.name])[rows].astype(np.int32)
            for task in tasks.TASKS
        }
    drawn = {
        task.name: np.full(count, tasks.MISSING, np.int32)
        for task in tasks.TASKS
    }
    drawn[cell.task.name][:] = cell.class_index
    if cell.gender is not None:
        drawn[tasks.GENDER.name][:] = cell.gender
    return drawn


def measure_fidelity(
    labels: dict[str, np.ndarray],
    predictions: dict[str, np.ndarray],
    real_labels: dict[str, np.ndarray],
    real_predictions: dict[str, np.ndarray],
    candidate: str = GENERATED,
) -> Iterator[dict]:
    """Yields the judge's accuracy on a candidate, and its ratio to real.

    Args:
        labels: What was asked for: task name -> integer array [N], -1 where
            nothing was.
        predictions: What the judge says: task name -> integer array [N].
        real_labels: The labels of real portraits.
        real_predictions: What the judge says of them.
        candidate: Whose portraits are judged, the `variant` of the records.

    Yields:
        Fields of records `judge_accuracy` and `fidelity` for each task, then
        one `mean_fidelity` of gender and hair colour.
    """
    ratios = {}
    for task in tasks.TASKS:
        hits, count = _right(labels, predictions, task)
        base_hits, base_count = _right(real_labels, real_predictions, task)
        fields = {"task": task.name, "group": ALL, "variant": candidate}
        yield figures.share("judge_accuracy", hits, count, **fields)
        ratio = _ratio("fidelity", hits, count, base_hits, base_count, **fields)
        ratios[task.name] = ratio
        yield ratio
    means = [ratios[task.name] for task in (tasks.GENDER, tasks.HAIR_COLOR)]
    if all(ratio["value"] is not None for ratio in means):
        yield figures.figure(
            "mean_fidelity",
            np.mean([ratio["value"] for ratio in means]),
            min(ratio["count"] for ratio in means),
            task=ALL,
            group=ALL,
            variant=candidate,
        )


def measure_cells(
    answers: dict[Cell, dict[str, np.ndarray]],
    real_labels: dict[str, np.ndarray],
    real_predictions: dict[str, np.ndarray],
    min_count: int,
) -> Iterator[dict]:
    """Yields accuracy and fidelity of each cell, and the worst of them.

    Args:
        answers: What the judge says of portraits generated for a cell: task
            name -> integer array [N].
        real_labels: The labels of real portraits: integer arrays [M].
        real_predictions: What the judge says of them.
        min_count: Real portraits that a cell needs for its fidelity to be
            defined, and to be the worst.

    Yields:
        Fields of records `cell_accuracy` (`variant` tells of generated and
        real), `cell_fidelity` and `worst_cell_fidelity`: `task` is what was
        judged, `group` and `class_name` are the cell.
    """
    supported = []
    for cell, predictions in answers.items():
        rows = cell.rows(real_labels)
        for task in _JUDGED[cell.task.name]:
            asked = cell.gender if task is tasks.GENDER else cell.class_index
            found = np.asarray(predictions[task.name])
            real = np.asarray(real_predictions[task.name])[rows]
            hits, count = int((found == asked).sum()), len(found)
            real_hits, real_count = int((real == asked).sum()), len(real)
            fields = {
                "task": task.name,
                "group": cell.group,
                "class_name": cell.class_name,
            }
            yield figures.share(
                "cell_accuracy", hits, count, variant=GENERATED, **fields
            )
            yield figures.share(
                "cell_accuracy", real_hits, real_count, variant=REAL, **fields
            )
            enough = real_count >= min_count
            ratio = _ratio(
                "cell_fidelity",
                hits,
                count,
                real_hits if enough else 0,
                real_count,
                variant=GENERATED,
                **fields,
            )
            yield ratio
            if ratio["value"] is not None:
                supported.append(ratio)
    if supported:
        worst = min(supported, key=lambda ratio: ratio["value"])
        yield {**worst, "metric": "worst_cell_fidelity"}


def _right(labels, predictions, task):
    """Returns how many answers are right, of how many that were asked for."""
    asked = np.asarray(labels[task.name])
    known = asked != tasks.MISSING
    hits = asked[known] == np.asarray(predictions[task.name])[known]
    return int(hits.sum()), int(known.sum())


def _ratio(metric, hits, count, base_hits, base_count, **fields):
    """Makes the fields of a ratio, without a value where it isn't defined."""
    if not count or not base_hits:
        return figures.figure(metric, None, count, **fields)
    low, high = ratio_interval(hits, count, base_hits, base_count)
    return figures.figure(
        metric,
        (hits / count) / (base_hits / base_count),
        count,
        (low, high) if math.isfinite(high) else (None, None),
        **fields,
    )
