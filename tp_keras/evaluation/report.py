"""What a reader gets to see of an evaluation."""

from collections.abc import Iterator
from collections.abc import Sequence

from tp_keras.evaluation import plots
from tp_keras.evaluation import table
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Schema
from tp_keras.tasks import Task


def evaluation_report(records: Sequence[Record], schema: Schema) -> Report:
    """Returns the report of an evaluation: a section for each task.

    Args:
        records: What `evaluate_predictions` returned.
        schema: `Schema` of the tasks.
    """
    headline = Table(
        "Figures", table.LEGEND, table.headline_table(records, schema)
    )
    sections = [Section("Figures", summary=headline)]
    for task in schema.tasks:
        if find(records, task=task.name):
            sections.append(
                Section(
                    task.name,
                    plots=list(_plots(records, task, schema)),
                    tables=table.task_tables(records, task),
                )
            )
    # No picture of it shows a portrait.
    return Report("Evaluation", sections, shows_people=False)


def _plots(
    records: Sequence[Record], task: Task, schema: Schema
) -> Iterator[Plot]:
    """Yields the plots of a task."""
    # Each class of the protected task is in one group alone.
    groups = () if task.name == schema.protected else schema.groups
    every = (ALL, *groups)
    groups = groups or (ALL,)
    if task.kind == MULTI_LABEL:
        yield Plot(
            f"auc_{task.name}.png",
            "How well is each flag told?",
            "The area under the ROC curve: how often a portrait with the flag "
            "is given more of it than one without. 50 % is guessing.",
            plots.group_plot(records, task, "auc", groups),
        )
        return
    small = task.has_classes and task.num_classes <= plots.SMALL
    yield Plot(
        f"confusion_{task.name}.png",
        "What is taken for what?",
        "Each row is a label, each column a prediction. What is right lies on "
        "the diagonal; shares are of the row.",
        plots.confusion_plot(records, task, every if small else (ALL,)),
    )
    if task.kind == REGRESSION:
        yield Plot(
            f"error_{task.name}.png",
            "How far off is it?",
            "A row for each range of labels, a mark for each group. The wider "
            "the shade behind the marks, the more the groups differ; hollow "
            "marks rest on few portraits.",
            plots.group_plot(records, task, "mae", groups),
        )
        return
    yield Plot(
        f"recall_{task.name}.png",
        "How many of each class are found?",
        "A row for each class, a mark for each group. The wider the shade "
        "behind the marks, the more the groups differ; hollow marks rest on "
        "few portraits.",
        plots.group_plot(records, task, "recall", groups),
    )
    yield Plot(
        f"reliability_{task.name}.png",
        "Do the probabilities mean what they say?",
        "On the dashed line confidence and accuracy agree. The gray lines are "
        "95 % intervals, the bars below numbers of portraits; hollow marks "
        "rest on few.",
        plots.reliability_plot(records, task, every),
    )
