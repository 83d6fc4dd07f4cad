"""Which labels generated portraits shall have."""

import collections
from collections.abc import Sequence

import numpy as np

from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.tasks import UNKNOWN
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

CELLS = ("natural", "balanced", "level")


def parse_labels(pairs: Sequence[str], schema: Schema) -> dict[str, str]:
    """Returns the labels of texts such as `"weather=snow"`: task -> class name.

    Raises:
        UserError: If a text is no such pair of a condition and its class.
    """
    labels = dict(pair.partition("=")[::2] for pair in pairs)
    if len(labels) < len(pairs) or not all(labels.values()):
        names = [task.name for task in schema.condition_tasks]
        raise UserError(
            "Expected labels as NAME=CLASS, each name once, with names out of "
            f"{', '.join(names)}. Received: {' '.join(pairs)}"
        )
    complete = schema.complete_labels(labels)
    return {name: complete[name] for name in labels}


def choose_labels(
    labels: dict[str, str],
    count: int,
    cells: str | None,
    label_counts: list[dict] | None,
    seed: int = 0,
) -> dict[str, list[str]]:
    """Shares out rows among the combinations of labels, the cells.

    Only cells that the model learned from are asked for. `"natural"` keeps
    their shares, with the labels that are missing. Without missing ones
    `"balanced"` gives each the same number, and `"level"` fills up the rarest,
    so that training portraits and these rows together are as even as can be.

    Args:
        labels: Class name of each task, from `Schema.complete_labels`; what is
            not `"unknown"` restricts the cells.
        count: Int. Number of rows.
        cells: One of `CELLS`; None gives all rows the same labels.
        label_counts: `count_labels` of the training; None if it is not known.
        seed: Int. Settles the order of the rows.

    Returns:
        Dict: task name -> class names, one a row, in mixed order.
    """
    if cells is None:
        return {name: [label] * count for name, label in labels.items()}
    if cells not in CELLS:
        raise UserError(
            f"Expected cells out of {', '.join(CELLS)}. Received: cells={cells}"
        )
    if not label_counts:
        raise UserError(
            "How many portraits of each kind the model learned from is not "
            "known, as its data is gone; "
            f"`{command_line('training.build_dataset')}` makes it again. "
            "Without --cells all portraits get the labels that are given. "
            f"Received: cells={cells}"
        )
    table = [
        cell
        for cell in matching_cells(labels, label_counts)
        if cells == "natural" or UNKNOWN not in cell.values()
    ]
    if not table:
        given = {n: c for n, c in labels.items() if c != UNKNOWN}
        raise UserError(
            "None of the portraits that the model learned from has these "
            f"labels, so it can't be asked for them. Received: {given}"
        )
    present = np.array([cell["count"] for cell in table])
    if cells == "natural":
        shares = _largest_remainders(present * (count / present.sum()), count)
    else:
        if cells == "balanced":
            present = np.zeros_like(present)
        shares = _fill_up(present, count)
    rows = np.repeat(np.arange(len(table)), shares)
    rows = np.random.default_rng(seed).permutation(rows)
    return {name: [table[row][name] for row in rows] for name in labels}


def matching_cells(labels: dict[str, str], label_counts) -> list[dict]:
    """Returns the cells of the training that have all labels that are given."""
    return [
        cell
        for cell in label_counts
        if all(label in (UNKNOWN, cell[n]) for n, label in labels.items())
    ]


def describe_labels(labels: dict) -> str:
    """Returns class names, some of them `"unknown"`, as text."""
    names = dict.fromkeys(name for name in labels.values() if name != UNKNOWN)
    return ", ".join(names) or "any attributes"


def shared_classes(tasks: Sequence[Task]) -> set[str]:
    """Returns the classes that come in several tasks at once or in none.

    A class that tasks share says one thing: what is bare has neither a colour
    nor a shape. Not so where tasks have hardly any others, such as no and yes.
    """
    counts = collections.Counter(
        name for task in tasks for name in task.classes
    )
    shared = {name for name, count in counts.items() if count > 1}
    for task in tasks:
        if len(set(task.classes) - shared) < 2:
            shared -= set(task.classes)
    return shared


def free_classes(tasks: Sequence[Task]) -> dict[Task, list[int]]:
    """Returns the labels of each task that are of no shared class."""
    shared = shared_classes(tasks)
    return {
        task: [i for i, name in enumerate(task.classes) if name not in shared]
        for task in tasks
    }


def _largest_remainders(wanted, total) -> np.ndarray:
    shares = np.floor(wanted).astype(int)
    # Stable, so that equal remainders are settled by the order of the cells.
    order = np.argsort(shares - wanted, kind="stable")
    shares[order[: total - shares.sum()]] += 1
    return shares


def _fill_up(present, total) -> np.ndarray:
    """Returns what each gets when `total` is poured onto the lowest."""
    order = np.argsort(present, kind="stable")
    heights = present[order]
    # How much it takes to raise the first ones to the height of the next.
    cost = heights * (1 + np.arange(len(heights))) - np.cumsum(heights)
    reached = np.searchsorted(cost, total, side="right")
    level, rest = divmod(total + heights[:reached].sum(), reached)
    shares = np.zeros_like(present)
    shares[order[:reached]] = level - heights[:reached]
    shares[order[:rest]] += 1
    return shares
