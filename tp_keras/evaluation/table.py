"""The records of an evaluation as tables."""

import dataclasses
from collections.abc import Sequence

import pandas as pd

from tp_keras.records.page_parts import Table
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_count
from tp_keras.records.table import format_figure
from tp_keras.records.table import format_with_count
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

_COUNT = "n"
_CLASS_TITLES = {
    _COUNT: "n",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "mean_class_error": "mean class error",
    "expected_calibration_error": "calibration error",
}
_NUMBER_TITLES = {
    _COUNT: "n",
    "mae": "mean absolute error",
    "within_tolerance": "within",
    "r2": "R²",
    "spearman": "Spearman's correlation",
    "mean_error": "mean error",
}
_FLAG_TITLES = {
    _COUNT: "n",
    "auc": "mean AUC",
    "average_precision": "mean average precision",
    "accuracy": "mean accuracy",
}
_IN_UNITS = ("mae", "mean_error")

# What is told of each class, range or flag.
_CLASS_DETAILS = ("precision", "recall", "f1", "mae", "auc")
_CLASS_DETAILS += ("average_precision", "accuracy")

LEGEND = """\
Brackets hold 95 % intervals: Wilson's for accuracy, precision, recall and what
is within the tolerance, one made of Wilson's for balanced accuracy, the
bootstrap stratified by label for F1 and class errors, Bonett and Wright's for
Spearman's correlation, the bootstrap of the rows for the rest. Where a class
has few rows, intervals of F1 and AUC are too narrow. Balanced accuracy and
macro-F1 are means over the classes that have labelled rows in the group,
figures of flags over the flags. Calibration error: 15 bins of equal width, 0 is
best. n is the number of labelled rows; - means not defined."""


def headline_table(records: Sequence[Record], schema: Schema) -> pd.DataFrame:
    """Returns the figures of each task, a column for each group.

    Args:
        records: What `evaluate_predictions` returned.
        schema: `Schema` of the tasks.
    """
    shown = []
    for record in records:
        titles = _titles(schema.task(record.task))
        if record.class_name is None and record.metric in titles:
            if record.metric in ("accuracy", "mae"):
                shown.append(dataclasses.replace(record, metric=_COUNT))
            shown.append(record)

    def title(record):
        task = schema.task(record.task)
        text = " ".join(
            filter(None, (_titles(task)[record.metric], record.variant))
        )
        in_units = record.metric in _IN_UNITS and task.unit
        return f"{text} ({task.unit})" if in_units else text

    return figure_table(
        shown,
        {"task": "task", "figure": title},
        form=lambda record: (
            format_count(record)
            if record.metric == _COUNT
            else format_figure(record)
        ),
    )


def task_tables(records: Sequence[Record], task: Task) -> list[Table]:
    """Returns the figures of each class, range or flag of a task.

    Args:
        records: What `evaluate_predictions` returned.
        task: `Task` among those evaluated.
    """
    details = [
        record
        for record in find(records, task=task.name)
        if record.metric in _CLASS_DETAILS and record.class_name is not None
    ]
    names = {REGRESSION: "range", MULTI_LABEL: "flag"}
    what = names.get(task.kind, "class")
    tables = [
        Table(
            f"Each {what}",
            "",
            figure_table(
                sorted(details, key=lambda record: record.metric == "recall"),
                {what: "class_name", "figure": "metric"},
                form=format_with_count,
            ),
        )
    ]
    confusion = find(records, metric="confusion", task=task.name)
    if confusion:
        tables.append(
            Table(
                "Confusion matrices",
                "Rows are labels, columns predictions, cells numbers of "
                "portraits.",
                figure_table(
                    confusion,
                    {"group": "group", "labelled": "class_name"},
                    "predicted_class",
                    form=lambda record: str(cell_count(record)),
                ),
            )
        )
    return tables


def cell_count(record: Record) -> int:
    """Returns the number in a cell of a confusion matrix."""
    return round(record.value * record.count) if record.count else 0


def _titles(task):
    kinds = {REGRESSION: _NUMBER_TITLES, MULTI_LABEL: _FLAG_TITLES}
    return kinds.get(task.kind, _CLASS_TITLES)
