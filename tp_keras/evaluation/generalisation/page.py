"""What a run makes of other portraits: sentences, tables and plots."""

from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tp_keras.evaluation.generalisation import losses
from tp_keras.evaluation.generalisation import plots
from tp_keras.evaluation.generalisation import summary
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_figure
from tp_keras.records.table import format_with_count
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

# What the figures of pictures alone have in place of a task.
PICTURES = "pictures"

_ASKED = """\
<p>The run learned from portraits of one origin. What is it worth on others, and
what does it lack there? Each class weighs the same in these figures, of a number
each range of it, so that a data set is not called easy or hard for having more
of one class. Brackets hold 95 % intervals.</p>"""

_MADE = f"""\
<ul>
<li><b>Framing.</b> The mean picture of a data set is made smaller or larger and
moved until it is most like the mean picture of the training. All its pictures
are framed so, and the model is asked again. What lies beyond a picture repeats
its border. No label is looked at.</li>
<li><b>Colour and light.</b> A straight line for each channel gives the pictures
of the data set the mean and the contrast that those of the training have, where
both show the same part of a face. It is one line for the whole set: one for
each picture would also take away light hair or dark skin.</li>
<li><b>What is left</b> is lost even when both are as in the training: other
people, ages and cameras, labels made by others, and what was cut off.</li>
</ul>
<p>What framing takes depends on whether colours are made alike before or after
it, and the other way round: the figure is the mean of both orders (Shapley's
value). So the parts add up to the loss; one below 0 is a gain. A class counts
of which both data sets have {losses.MIN_COUNT} portraits or more; n is the number
of portraits. Intervals: Wilson's, of numbers and losses the bootstrap of the
portraits, in which all treatments of a picture are drawn together.</p>"""

_LIMITS = """\
<ul>
<li>Framing is one scale and one shift for a whole data set. Where each picture
is framed in its own way, or heads are turned, that part of the loss counts as
left.</li>
<li>Where a data set shows other people, its mean colours differ for that reason,
too, and are made alike all the same.</li>
<li>Labels are what somebody saw. Where two data sets understand a class in two
ways, the difference counts as left.</li>
</ul>"""


def make_report(
    records: Sequence[Record],
    schema: Schema,
    faces: Mapping[str, np.ndarray],
    shows_people: bool,
) -> Report:
    """Makes the report of a run on other portraits.

    Args:
        records: What was measured, the run's own portraits first.
        schema: `Schema` of the run.
        faces: Data set -> mean pictures, as of `Likeness`.
        shows_people: Whether any of them shows people.
    """
    tasks = shared_tasks(records, schema)
    parts = []
    for number, (dataset, own_faces) in enumerate(faces.items(), 1):
        own = find(records, dataset=dataset)
        measured = shared_tasks(own, schema)
        parts.append(_section(own, measured, own_faces, number))
    overview = Section(
        "Does it generalise?",
        _ASKED,
        say_all(records, schema),
        Table("Figures", "", overview_table(records, tasks)),
        [
            Plot(
                f"figures_{task.name}.png",
                f"{task.name} on each data set",
                "The run's own portraits come first. A mark for each group; "
                "the wider the shade behind them, the more they differ.",
                plots.draw_figures(records, task, schema.groups),
            )
            for task in tasks
        ],
    )
    ends = Section("How it is measured", _MADE), Section("Limits", _LIMITS)
    sections = [overview, *parts, *ends]
    return Report("On other portraits", sections, shows_people)


def shared_tasks(records: Sequence[Record], schema: Schema) -> list[Task]:
    """Returns the tasks that other portraits have labels of."""
    shared = {record.task for record in find(records, metric="loss")}
    return [task for task in schema.tasks if task.name in shared]


def say_all(records: Sequence[Record], schema: Schema) -> list[str]:
    """Returns the sentences on each task of each data set."""
    sentences = []
    for dataset in dict.fromkeys(record.dataset for record in records):
        own = find(records, dataset=dataset)
        for task in shared_tasks(own, schema):
            sentences += summary.say_losses(own, task, schema.groups)
    return sentences


def overview_table(
    records: Sequence[Record], tasks: Sequence[Task]
) -> pd.DataFrame:
    """Returns the figures of each task and data set as they are, by group."""
    shown = [
        record
        for task in tasks
        for metric in losses.metric_names(task)
        for record in losses.headline(records, task, metric)
    ]
    rows = {"task": "task", "figure": lambda item: _plain(item.metric)}
    rows["portraits of"] = lambda record: summary.short(record.dataset)
    return figure_table(shown, rows, form=format_with_count)


def _section(records, tasks, faces, number):
    """Makes the section of one data set."""
    dataset, pictures = records[0].dataset, find(records, task=PICTURES)
    shown = [
        task
        for task in tasks
        if find_one(
            records,
            task=task.name,
            metric="loss",
            group=ALL,
            variant=losses.TOTAL,
        ).value
        is not None
    ]
    drawn = [
        Plot(
            f"faces_{number}.png",
            "Mean faces",
            "Means of all pictures. Like the training's, the second would show "
            "eyes and mouth in the same places, the third the same colours.",
            plots.draw_faces(faces),
        )
    ]
    if shown:
        drawn.append(
            Plot(
                f"losses_{number}.png",
                "From the own figure to that of the data set",
                "Each step is a part of the loss, with its 95 % interval: "
                "orange where something is lost, green where it is gained.",
                plots.draw_losses(records, shown),
            )
        )
    by_name = {task.name: task for task in tasks}

    def cell(record):
        return summary.loss_text(record, by_name[record.task])

    found = find(records, metric="loss")
    rows = {"task": "task", "part": lambda record: _plain(record.variant)}
    note = "Points, or the unit of a number; below 0 is a gain."
    tables = [
        Table(
            "Parts of the loss, by group",
            note,
            figure_table(found, rows, form=cell),
        )
    ]
    found = [
        record
        for task in tasks
        for record in find(
            records, task=task.name, metric=losses.metric_names(task)[1]
        )
    ]
    rows = {"task": "task", "treatment": lambda item: _plain(item.variant)}
    tables.append(
        Table(
            "Figures of each treatment, by group",
            "Own: the run's own portraits of the same classes.",
            figure_table(found, rows, form=format_with_count),
        )
    )
    rows = {"figure": lambda item: _plain(item.metric), "of": _of}
    tables.append(
        Table(
            "Framing and colours",
            "Scale and shifts of the view in views of scale 1, offsets in "
            "levels of 255.",
            figure_table(
                pictures, rows, lambda item: "value", form=format_figure
            ),
        )
    )
    said = list(summary.say_pictures(pictures))
    return Section(summary.short(dataset), "", said, None, drawn, tables)


def _of(record):
    return _plain(record.variant or record.class_name or "")


def _plain(name):
    return name.replace("_", " ")
