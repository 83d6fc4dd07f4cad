"""Figures that add up: tables of counts of some portraits, and of all.

The tables of two parts of a data set added to each other are those of both.
Every table begins with the axes split and group; the last group holds the
portraits whose protected label is missing.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from tp_keras.audit.label_columns import label_columns
from tp_keras.audit.looks import brightness_of
from tp_keras.data.portraits import Portraits
from tp_keras.evaluation.contingency import count_table
from tp_keras.records.record import ALL
from tp_keras.tasks import MISSING_NAME
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema

# Of which the mean grey value of a portrait, 0 to 1, is in one.
BRIGHTNESS_BINS = 64

_COUNTS, _CONFUSION, _BRIGHTNESS = "labels", "confusion", "brightness"
Tables = dict[tuple[str, str], np.ndarray]


def count_part(
    portraits: Portraits,
    answers: Mapping[str, np.ndarray],
    split: int,
    num_splits: int,
) -> Tables:
    """Counts labels, answers against labels, and brightness of portraits.

    Args:
        portraits: All of one split.
        answers: As of `PortraitClassifier.predict_answers`.
        split: The number of the split.
        num_splits: How many there are.

    Returns:
        Dict of int64 arrays: `("labels", column) -> [splits, groups + 1,
        classes + 1]`, whose last class is "missing"; `("confusion", column) ->
        [splits, groups + 1, classes, classes]` of what is labelled, by label
        and answer; `("brightness", "") -> [splits, groups + 1, bins]`. A
        column is a task, or a flag of one; of a number its classes are ranges.

    Example:
        >>> tables = count_part(portraits, answers, 0, 1)
        >>> tables["labels", "mood"].shape
        (1, 3, 5)
    """
    schema = portraits.schema
    num_groups = len(schema.groups)
    groups = np.where(portraits.groups < 0, num_groups, portraits.groups)

    def of_groups(values, size):
        counts = count_table(groups, values, (num_groups + 1, size))
        table = np.zeros((num_splits, *counts.shape), np.int64)
        table[split] = counts
        return table

    bins = brightness_of(portraits.images) * BRIGHTNESS_BINS
    bins = np.minimum(bins.astype(np.int64), BRIGHTNESS_BINS - 1)
    tables = {(_BRIGHTNESS, ""): of_groups(bins, BRIGHTNESS_BINS)}
    answered = _answered(schema, answers)
    for column in label_columns(schema, portraits.labels):
        name, size = column.name, len(column.classes)
        values = np.where(column.values < 0, size, column.values)
        tables[_COUNTS, name] = of_groups(values, size + 1)
        if name in answered:
            both = np.where(
                column.values < 0, -1, column.values * size + answered[name]
            )
            table = of_groups(both, size * size)
            tables[_CONFUSION, name] = table.reshape(
                *table.shape[:2], size, size
            )
    return tables


def _answered(schema, answers):
    """Returns the class that each column is answered with, int64 `[count]`."""
    known = [task for task in schema.tasks if task.name in answers]
    labels = {}
    for task in known:
        values = answers[task.name]
        if task.has_classes:
            labels[task.name] = task.predicted(values)
        elif task.kind == REGRESSION:
            labels[task.name] = values
        else:
            labels[task.name] = (values >= 0.5).astype(np.int32)
    part = schema.restricted_to(labels)
    columns = label_columns(part, labels)
    return {column.name: column.values.astype(np.int64) for column in columns}


def add_tables(tables: Tables, others: Tables) -> Tables:
    """Returns the sums; of nothing and tables these."""
    if not tables:
        return others
    return {name: tables[name] + others[name] for name in others}


def frames(
    tables: Tables, schema: Schema, splits: list[str]
) -> dict[str, pd.DataFrame]:
    """Returns the tables as they are written, a row for each cell.

    Args:
        tables: Of all portraits.
        schema: What was counted.
        splits: The names of the splits.

    Returns:
        Name -> columns split, group (`"all"` besides each), what it is of, and
        `count`.
    """
    columns = label_columns(
        schema, {task.name: _no_labels(task) for task in schema.tasks}
    )
    classes = {column.name: column.classes for column in columns}
    edges = np.arange(BRIGHTNESS_BINS + 1) / BRIGHTNESS_BINS
    groups = [ALL, *schema.groups, MISSING_NAME]
    rows: dict[str, list[dict]] = {_COUNTS: [], _CONFUSION: [], _BRIGHTNESS: []}
    for (kind, name), table in tables.items():
        table = np.concatenate([table.sum(1, keepdims=True), table], axis=1)
        for place in np.ndindex(table.shape):
            split, group, *cell = place
            row = {"split": splits[split], "group": groups[group]}
            if kind == _BRIGHTNESS:
                row |= {"from": edges[cell[0]], "to": edges[cell[0] + 1]}
            else:
                names = (*classes[name], MISSING_NAME)
                row |= {"task": name, "class_name": names[cell[0]]}
            if kind == _CONFUSION:
                row["predicted_class"] = names[cell[1]]
            rows[kind].append(row | {"count": int(table[place])})
    return {kind: pd.DataFrame(found) for kind, found in rows.items()}


def _no_labels(task):
    """Returns labels of no portrait, whose columns tell the classes."""
    if task.kind == REGRESSION:
        return np.empty(0, np.float32)
    if task.has_classes:
        return np.empty(0, np.int32)
    return np.empty((0, task.num_classes), np.int32)
