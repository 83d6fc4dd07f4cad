"""Records as Markdown tables that also read well as plain text."""

from collections.abc import Sequence

from tp_keras import tasks
from tp_keras.evaluation.evaluator import GROUPS
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.table import describe
from tp_keras.records.table import format_figure
from tp_keras.records.table import markdown_table

HEADLINE_METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "expected_calibration_error": "calibration error",
}


def full_report(records: Sequence[Record]) -> str:
    """Returns every table: headline, per class, confusion matrices."""
    return "\n".join(
        [
            "# Evaluation",
            "",
            describe(records),
            "",
            "## Figures",
            "",
            headline_table(records),
            "## Classes",
            "",
            class_table(records),
            "## Confusion matrices",
            "",
            "Rows are labels, columns predictions, cells numbers of portraits.",
            "",
            confusion_tables(records),
            _LEGEND,
        ]
    )


_LEGEND = """\
Brackets hold 95 % intervals: Wilson's for accuracy, precision and recall, one
made of Wilson's for balanced accuracy, the bootstrap stratified by label for
F1, the bootstrap of the rows for the calibration error (15 bins of equal
width; 0 is best). Where a class has few rows, intervals of F1 are too narrow.
Balanced accuracy and macro-F1 are means over the classes that have labelled
rows in the group. n is the number of labelled rows; - means not defined.
"""


def headline_table(records: Sequence[Record]) -> str:
    """Returns the figures of each task, a column for each group."""
    rows = []
    for task in evaluated_tasks(records):
        counts = [
            find_one(
                records, metric="accuracy", task=task.name, group=group
            ).count
            for group in GROUPS
        ]
        rows.append([task.name, "n", *(str(count) for count in counts)])
        for metric, title in HEADLINE_METRICS.items():
            cells = [
                format_figure(
                    find_one(
                        records, metric=metric, task=task.name, group=group
                    )
                )
                for group in GROUPS
            ]
            rows.append(["", title, *cells])
    return markdown_table(["task", "figure", *GROUPS], rows)


def class_table(records: Sequence[Record]) -> str:
    """Returns precision, recall and F1 of each class in each group."""
    rows = []
    for task in evaluated_tasks(records):
        for class_name in task.classes:
            for group in GROUPS:
                figures = [
                    find_one(
                        records,
                        metric=metric,
                        task=task.name,
                        group=group,
                        class_name=class_name,
                    )
                    for metric in ("precision", "recall", "f1")
                ]
                first = group == ALL
                rows.append(
                    [
                        task.name if first else "",
                        class_name if first else "",
                        group,
                        str(figures[1].count),
                        *(format_figure(figure) for figure in figures),
                    ]
                )
    header = ["task", "class", "group", "n", "precision", "recall", "F1"]
    return markdown_table(header, rows)


def confusion_tables(records: Sequence[Record]) -> str:
    """Returns a confusion matrix for each task and group."""
    parts = []
    for task in evaluated_tasks(records):
        for group in GROUPS:
            counts = confusion_counts(records, task, group)
            rows = [
                [name, *(str(cell) for cell in row), str(sum(row))]
                for name, row in zip(task.classes, counts, strict=True)
            ]
            header = [f"{task.name}, {group}", *task.classes, "n"]
            parts.append(markdown_table(header, rows))
    return "\n".join(parts)


def evaluated_tasks(records: Sequence[Record]) -> tuple[tasks.Task, ...]:
    """Returns the tasks that the records speak of."""
    return tasks.get_tasks({record.task for record in records})


def confusion_counts(
    records: Sequence[Record], task: tasks.Task, group: str
) -> list[list[int]]:
    """Returns the cells of a confusion matrix, labels along the rows."""
    cells = {
        (record.class_name, record.predicted_class): record
        for record in find(
            records, metric="confusion", task=task.name, group=group
        )
    }

    def number(label, prediction):
        cell = cells[label, prediction]
        # A cell holds the share of its row; see `evaluate_predictions`.
        return round(cell.value * cell.count) if cell.count else 0

    return [
        [number(label, prediction) for prediction in task.classes]
        for label in task.classes
    ]
