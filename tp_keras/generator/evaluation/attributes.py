"""Do generated portraits show what was asked for?

A judge, a classifier that had no part in the training of the generator, names
their attributes. Its accuracy there, divided by that on real portraits, is the
fidelity: 1 where the generated are as readable as the real ones. And does an
edit change what it should, and nothing else?
"""

import dataclasses
import itertools
import math
from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from tp_keras.data.portraits import Portraits
from tp_keras.evaluation import figures
from tp_keras.generator.drawing.labels import free_classes
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.candidates import REAL
from tp_keras.records import intervals
from tp_keras.records.record import ALL
from tp_keras.tasks import MISSING
from tp_keras.tasks import Task


@dataclasses.dataclass(frozen=True)
class Cell:
    """Portraits of one combination of classes: pairs of a task and a label."""

    classes: tuple[tuple[Task, int], ...]

    @property
    def name(self) -> str:
        """The classes, such as `"young, calm"`."""
        return ", ".join(task.classes[label] for task, label in self.classes)

    def labels(self, count: int) -> dict[str, np.ndarray]:
        """Returns the labels of so many portraits: task name -> int32."""
        return {
            task.name: np.full(count, label, np.int32)
            for task, label in self.classes
        }

    def rows(self, labels) -> np.ndarray:
        """Returns the rows of `labels` that belong to the cell."""
        inside = [labels[task.name] == label for task, label in self.classes]
        return np.flatnonzero(np.all(inside, axis=0))


def all_cells(tasks: Sequence[Task]) -> tuple[Cell, ...]:
    """Returns every combination of the classes of tasks."""
    choices = (range(task.num_classes) for task in tasks)
    return tuple(
        Cell(tuple(zip(tasks, labels, strict=True)))
        for labels in itertools.product(*choices)
    )


def measure_fidelity(
    tasks: Sequence[Task],
    labels: dict[str, np.ndarray],
    predictions: dict[str, np.ndarray],
    real_labels: dict[str, np.ndarray],
    real_predictions: dict[str, np.ndarray],
    candidate: str = GENERATED,
) -> Iterator[dict]:
    """Yields the judge's accuracy on a candidate, and its ratio to real.

    Labels are what was asked for, task name -> integers [N], -1 where nothing
    was; predictions are what the judge says. Yields the fields of records
    `judge_accuracy` and `fidelity` for each task, `variant` is the candidate.
    """
    for task in tasks:
        hits, count = _right(labels, predictions, task)
        base = _right(real_labels, real_predictions, task)
        fields = {"task": task.name, "group": ALL, "variant": candidate}
        yield figures.share("judge_accuracy", hits, count, **fields)
        yield _ratio("fidelity", hits, count, *base, **fields)


def measure_cells(
    answers: dict[Cell, dict[str, np.ndarray]],
    real_labels: dict[str, np.ndarray],
    real_predictions: dict[str, np.ndarray],
) -> Iterator[dict]:
    """Yields accuracy and fidelity of each cell, and the worst of them.

    `answers` are what the judge says of portraits generated for each cell; for
    real ones see `measure_fidelity`. The fields are those of records
    `cell_accuracy` (of both `variant`s), `cell_fidelity` and
    `worst_cell_fidelity`: `class_name` is the cell.
    """
    ratios = []
    for cell, predictions in answers.items():
        rows = cell.rows(real_labels)
        for task, asked in cell.classes:
            found = predictions[task.name] == asked
            real = real_predictions[task.name][rows] == asked
            fields = {"task": task.name, "group": ALL, "class_name": cell.name}
            for variant, hits in ((GENERATED, found), (REAL, real)):
                yield figures.share(
                    "cell_accuracy",
                    hits.sum(),
                    len(hits),
                    variant=variant,
                    **fields,
                )
            counts = found.sum(), len(found), real.sum(), len(real)
            fields["variant"] = GENERATED
            ratio = _ratio("cell_fidelity", *counts, **fields)
            yield ratio
            if ratio["value"] is not None:
                ratios.append(ratio)
    if ratios:
        worst = min(ratios, key=lambda ratio: ratio["value"])
        yield {**worst, "metric": "worst_cell_fidelity"}


def measure_edits(
    sampler, judge, portraits: Portraits, before: dict, seed: int
) -> Iterator[dict]:
    """Yields how often an edit with another class succeeds.

    Measured are portraits that the judge reads rightly in all labels before
    the edit; `before` is what it says of them. One attribute then gets another
    class, drawn by chance, out of the `free_classes`.

    Yields:
        Fields of records, `task` being what was edited: `edit_success`, how
        often the judge sees the new class; `edit_kept`, how often its other
        answers stay (one of them with a `variant`, else all); `unedited_kept`,
        the same if the portrait is only reconstructed: more can't be kept.
    """
    tasks = portraits.schema.condition_tasks
    free = free_classes(tasks)
    good = [
        np.isin(portraits.labels[task.name], classes)
        & (portraits.labels[task.name] == before[task.name])
        for task, classes in free.items()
    ]
    rows = np.flatnonzero(np.all(good, axis=0))
    images = portraits.images[rows]
    labels = {task.name: portraits.labels[task.name][rows] for task in tasks}

    def answers_to(new_labels):
        if not len(rows):
            return labels
        return judge.predict(sampler.edit(images, labels, new_labels))

    def kept(answers, others):
        stayed = [answers[o.name] == labels[o.name] for o in others]
        return np.all(stayed, axis=0) if stayed else np.ones(len(rows), bool)

    def share(metric, hits, task=ALL, **fields):
        fields = {"task": task, "group": ALL, **fields}
        return figures.share(metric, hits.sum(), len(rows), **fields)

    generator = np.random.default_rng(seed)
    yield share("unedited_kept", kept(answers_to(labels), tasks))
    for task in tasks:
        own, classes = labels[task.name], np.array(free[task], np.int32)
        # Another class for each, by as many places further on.
        steps = generator.integers(1, len(classes), len(rows))
        places = np.searchsorted(classes, own) + steps
        asked = classes[places % len(classes)]
        answers = answers_to({**labels, task.name: asked})
        yield share("edit_success", answers[task.name] == asked, task.name)
        others = [other for other in tasks if other is not task]
        parts = {None: others, **{other.name: [other] for other in others}}
        for variant, part in parts.items():
            hits = kept(answers, part)
            yield share("edit_kept", hits, task.name, variant=variant)


def ratio_interval(
    hits: int, count: int, base_hits: int, base_count: int
) -> tuple[float, float]:
    """Returns an interval of `(hits / count) / (base_hits / base_count)`.

    It is put together from Wilson's intervals of the two shares, neither of
    no rows and the second of one hit or more, and so stays honest where one
    of them is at its end. Source: Donner and Zou, Closed-form confidence
    intervals for functions of the normal mean and standard deviation, 2012.
    """
    share, base = hits / count, base_hits / base_count
    low, high = intervals.wilson_interval(hits, count)
    base_low, base_high = intervals.wilson_interval(base_hits, base_count)
    return (
        _end(share, low, base, base_high, -1),
        _end(share, high, base, base_low, 1),
    )


def _end(share, end, base, base_end, sign):
    """Solves for one end: the ratio that both ends together just allow."""
    product = share * base
    below = base_end * (2 * base - base_end)
    if below <= 0:  # Of the lower end alone.
        return 0.0
    inside = product**2 - end * (2 * share - end) * below
    root = math.sqrt(max(inside, 0.0))
    return max((product + sign * root) / below, 0.0)


def _right(labels, predictions, task):
    """Returns how many answers are right, of how many that were asked for."""
    asked = labels[task.name]
    known = asked != MISSING
    hits = asked[known] == predictions[task.name][known]
    return int(hits.sum()), int(known.sum())


def _ratio(metric, hits, count, base_hits, base_count, **fields):
    """Makes the fields of a ratio, without a value where it isn't defined."""
    if not count or not base_hits:
        return figures.figure(metric, None, count, **fields)
    counts = map(int, (hits, count, base_hits, base_count))
    ratio = (hits / count) / (base_hits / base_count)
    interval = ratio_interval(*counts)
    return figures.figure(metric, ratio, count, interval, **fields)
