"""Losses on other portraits in plain sentences, made from records alone."""

import math
from collections.abc import Iterator
from collections.abc import Sequence

from tp_keras.evaluation.generalisation import losses
from tp_keras.evaluation.generalisation.likeness import AS_IS
from tp_keras.evaluation.generalisation.likeness import FRAMED
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.table import UNDEFINED
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

# Mean faces less alike than that hardly show the same.
_ALIKE = 0.5

_MIDDLE_GRAY = 127.5


def short(dataset: str) -> str:
    """Returns the name of a data set without its version."""
    return dataset.rpartition("/")[0] or dataset


def number(value: float | None, task: Task) -> str:
    """Returns a figure as it is written: `93.1 %`, or `5.2 years`."""
    if value is None:
        return UNDEFINED
    if task.kind == REGRESSION:
        return f"{value:.1f} {task.unit}".strip()
    return f"{100 * value:.1f} %"


def loss_text(record: Record, task: Task, interval: bool = True) -> str:
    """Returns a loss in points, or the unit of a number: `6.0 [4.1, 8.2]`."""
    factor = 1 if task.kind == REGRESSION else 100
    value, low, high = (
        None if part is None else f"{round(factor * part, 1) + 0.0:.1f}"
        for part in (record.value, record.low, record.high)
    )
    if value is None or low is None or not interval:
        return value or UNDEFINED
    return f"{value} [{low}, {high}]"


def headline(records: Sequence[Record], task: Task, metric) -> list[Record]:
    """Returns a metric of pictures as they are, the run's own ones first.

    `records` are all that was measured, the run's own portraits first.
    """
    own = records[0].dataset
    return [
        record
        for record in find(records, task=task.name, metric=metric)
        if record.variant == (losses.OWN if record.dataset == own else AS_IS)
    ]


def shared_tasks(records: Sequence[Record], schema: Schema) -> list[Task]:
    """Returns the tasks that other portraits have, too."""
    shared = {record.task for record in find(records, metric=losses.LOSS)}
    return [task for task in schema.tasks if task.name in shared]


def say_all(records: Sequence[Record], schema: Schema) -> list[str]:
    """Returns a sentence on each shared task of each data set."""
    sentences = []
    for dataset in dict.fromkeys(record.dataset for record in records):
        own = find(records, dataset=dataset)
        for task in shared_tasks(own, schema):
            sentences += say_losses(own, task, schema.groups)
    return sentences


def say_losses(
    records: Sequence[Record], task: Task, groups: Sequence[str]
) -> Iterator[str]:
    """Says what a data set, whose records are given, costs in a task."""
    own = find(records, task=task.name)
    metric = losses.metric_names(task)[1]
    parts = {r.variant: r for r in find(own, metric=losses.LOSS, group=ALL)}
    total, name = parts[losses.TOTAL], short(own[0].dataset)
    if total.value is None:
        yield (
            f"{name}: no class of {task.name} has {losses.MIN_COUNT} portraits "
            "here and among the run's own, so nothing can be said."
        )
        return
    there, here = (
        find_one(own, metric=metric, group=ALL, variant=variant)
        for variant in (AS_IS, losses.OWN)
    )
    said = f"{name}: {task.name} is "
    is_number = task.kind == REGRESSION
    said += "off by" if is_number else "right for"
    said += f" {number(there.value, task)}"
    by_group = [
        f"{record.group} {number(record.value, task)}"
        for group in groups
        for record in find(own, metric=metric, group=group, variant=AS_IS)
        if record.value is not None
    ]
    said += f" ({', '.join(by_group)})" if by_group else ""
    said += f"; of the run's own portraits it is {number(here.value, task)}."
    unit = task.unit if is_number else "points"
    size = f"{loss_text(total, task)} {unit}".strip()
    if total.low is None or total.low <= 0:
        yield f"{said} No more than chance could make is lost: {size}."
        return
    framing, colour, left = (
        loss_text(parts[part], task, interval=False)
        for part in (losses.FRAMING, losses.COLOUR, losses.LEFT)
    )
    yield (
        f"{said} Of the {size} lost, framing takes {framing}, colour and light "
        f"{colour}, and {left} are left."
    )


def say_pictures(records: Sequence[Record]) -> Iterator[str]:
    """Says how pictures of a data set are framed, lit and coloured."""

    def value(metric, variant=None):
        return find_one(records, metric=metric, variant=variant).value

    before, after = (value("face_correlation", v) for v in (AS_IS, FRAMED))
    scale, down = value("view_scale"), value("view_down")
    moved = value("view_right"), down
    if before is None:
        yield "The mean picture is plain, so its framing stays as it is."
    elif (scale, *moved) == (1, 0, 0):
        yield (
            "Its pictures are framed like those of the training: the mean "
            f"faces correlate with {before:.2f}."
        )
    else:
        yield (
            f"Its faces are {scale:.2f} times as large as in the training: "
            f"seen in that size and moved by {math.hypot(*moved):.0%} of the "
            f"view the mean faces correlate with {after:.2f}, as they are with "
            f"{before:.2f}."
        )
        if after < _ALIKE:
            yield (
                "Even so they are hardly alike: what is said of framing can't "
                "be trusted."
            )
        yield (
            f"{value('view_inside'):.0%} of that view lies inside of the "
            "pictures; the rest was cut off."
        )
    gains, offsets = (
        [record.value for record in find(records, metric=f"colour_{name}")]
        for name in ("gain", "offset")
    )
    gain = sum(gains) / len(gains)
    lift = (gain - 1) * _MIDDLE_GRAY + sum(offsets) / len(offsets)
    yield (
        "Where the faces lie on each other its pictures are "
        f"{abs(lift):.0f} levels of 255 {'darker' if lift > 0 else 'brighter'} "
        f"than those of the training, and of {1 / gain:.2f} times the contrast."
    )
