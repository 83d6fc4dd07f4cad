"""The records of an evaluation as tables, and with plots as a report."""

import dataclasses
from collections.abc import Iterator
from collections.abc import Sequence

import pandas as pd

from tp_keras.evaluation import plots
from tp_keras.evaluation.plots import cell_count
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.record import ALL
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

# Figures of a whole task: metric -> what texts call it.
TITLES = {
    _COUNT: "n",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "mean_class_error": "mean class error",
    "expected_calibration_error": "calibration error",
    "calibrated_error": "calibration error, calibrated",
    "temperature": "temperature",
    "sure": "sure",
    "sure_accuracy": "right of the sure",
    "accuracy_of_surest": "right of the surest",
    "mae": "mean absolute error",
    "within_tolerance": "within the tolerance",
    "r2": "R²",
    "spearman": "Spearman's correlation",
    "mean_error": "mean error",
    "auc": "area under the ROC curve",
    "average_precision": "average precision",
}

# What is drawn of each class, range or flag, and the question that it answers.
_RECALL = "recall", "How many of each class are found?"
_GROUP_PLOTS = {
    REGRESSION: ("mae", "How far off is it?"),
    MULTI_LABEL: (
        "auc",
        "How often is a portrait with the flag given more of it than one "
        "without?",
    ),
}

LEGEND = """\
Brackets hold 95 % intervals: Wilson's for shares, one made of Wilson's for
balanced accuracy, the bootstrap stratified by label for F1 and class errors,
Bonett and Wright's for Spearman's correlation, the bootstrap of the rows for
the rest. Where there are few rows, those of the bootstrap are too narrow.
Calibrated are probabilities after the temperature that the validation split
asks for; sure are answers of which there two of three were right (numbers
whose like lie, two of three, within two tolerances).
Balanced accuracy and macro-F1 are means over the classes that have labelled
rows in the group, figures of flags over the flags. Calibration error: 15 bins
of equal width, 0 is best. n is the number of labelled rows; - means not
defined."""


def headline_table(records: Sequence[Record]) -> pd.DataFrame:
    """Returns the figures of each task, a column for each group."""
    shown = []
    for record in records:
        if record.class_name is None and record.metric in TITLES:
            if record.metric in ("accuracy", "mae"):
                count = {"metric": _COUNT, "variant": None}
                shown.append(dataclasses.replace(record, **count))
            shown.append(record)

    def title(record):
        unit = f" ({record.variant})" if record.variant else ""
        return TITLES[record.metric] + unit

    def cell(record):
        counts = record.metric == _COUNT
        return format_count(record) if counts else format_figure(record)

    return figure_table(shown, {"task": "task", "figure": title}, form=cell)


def group_metric(task: Task) -> str:
    """Returns the metric that tells classes, ranges or flags in groups."""
    return _GROUP_PLOTS.get(task.kind, _RECALL)[0]


def task_tables(records: Sequence[Record], task: Task) -> list[Table]:
    """Returns the figures of each class, range or flag of a task."""
    own = find(records, task=task.name)
    details = [
        record
        for record in own
        if record.metric != "confusion" and record.class_name is not None
    ]
    names = {REGRESSION: "range", MULTI_LABEL: "flag"}
    what = names.get(task.kind, "class")
    rows = {what: "class_name", "figure": "metric"}
    frame = figure_table(details, rows, form=format_with_count)
    tables = [Table(f"Each {what}", "", frame)]
    confusion = find(own, metric="confusion")
    if confusion:
        frame = figure_table(
            confusion,
            {"group": "group", "labelled": "class_name"},
            "predicted_class",
            form=lambda record: str(cell_count(record)),
        )
        note = "Rows are labels, columns predictions, cells numbers of rows."
        tables.append(Table("Confusion matrices", note, frame))
    return tables


def evaluation_report(records: Sequence[Record], schema: Schema) -> Report:
    """Returns the report of an evaluation: a section for each task."""
    headline = Table("Figures", LEGEND, headline_table(records))
    sections = [Section("Figures", summary=headline)]
    for task in schema.tasks:
        if find(records, task=task.name):
            drawn = list(_plots(records, task, schema))
            tables = task_tables(records, task)
            sections.append(Section(task.name, plots=drawn, tables=tables))
    # No picture of it shows a portrait.
    return Report("Evaluation", sections, shows_people=False)


def _plots(records, task, schema) -> Iterator[Plot]:
    # Each class of the protected task is in one group alone.
    groups = () if task.name == schema.protected else schema.groups
    every = (ALL, *groups)
    metric, question = _GROUP_PLOTS.get(task.kind, _RECALL)
    yield Plot(
        f"{metric}_{task.name}.png",
        question,
        "A mark for each group. The wider the shade behind the marks, the more "
        "the groups differ; hollow marks rest on few portraits.",
        plots.group_plot(records, task, metric, groups or (ALL,)),
    )
    if task.kind != MULTI_LABEL:
        small = task.has_classes and task.num_classes <= plots.SMALL
        yield Plot(
            f"confusion_{task.name}.png",
            "What is taken for what?",
            "Each row is a label, each column a prediction. What is right lies "
            "on the diagonal; shares are of the row.",
            plots.confusion_plot(records, task, every if small else (ALL,)),
        )
    if task.has_classes:
        yield Plot(
            f"reliability_{task.name}.png",
            "Do the probabilities mean what they say?",
            "On the dashed line confidence and accuracy agree. The gray lines "
            "are 95 % intervals, the bars below numbers of portraits; hollow "
            "marks rest on few.",
            plots.reliability_plot(records, task, every),
        )
