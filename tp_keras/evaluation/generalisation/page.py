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
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_with_count
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

# What the figures of pictures alone have in place of a task.
PICTURES = "pictures"

_ASKED = """\
<p>The run learned from portraits of one origin. What is it worth on others, and
what does it lack there? In these figures each class weighs the same, of a
number each range of it, so that a data set is not called easy or hard for
having more of one class. Brackets hold 95 % intervals.</p>"""

_MADE = f"""\
<ul>
<li><b>Framing.</b> The mean picture of a data set is made smaller or larger and
moved until it is most like the mean picture of the training. All its pictures
are framed so, and the model is asked again. What lies beyond a picture repeats
its border. No label is looked at.</li>
<li><b>Colour and light.</b> A straight line for each channel gives the pictures
of the data set the mean and the contrast that those of the training have, read
where the mean faces lie on each other. It is one line for the whole set: one
for each picture would also take away a white wall or dark skin.</li>
<li><b>What is left</b> is lost even so: other people, ages and cameras, labels
made by others, and what was cut off.</li>
</ul>
<p>What framing takes depends on whether colours are made alike before or after
it, and the other way round: the figure is the mean of both orders (Shapley's
value). So the parts add up to the loss; one below 0 is a gain. A class counts
of which both data sets have {losses.MIN_COUNT} portraits or more; n is the
number of portraits, of flags that of labels. Intervals: Wilson's; of numbers
and losses the bootstrap, in which all views of a portrait are drawn
together.</p>"""

_LIMITS = """\
<ul>
<li>Framing is one scale and one shift for a whole data set. Where each picture
is framed in its own way, or heads are turned, that part of the loss counts as
left.</li>
<li>Where a data set shows other people, its mean colours differ for that
reason, too, and are made alike all the same.</li>
<li>Labels are what somebody saw. Where two data sets understand a class in two
ways, the difference counts as left.</li>
</ul>"""


def make_report(
    records: Sequence[Record],
    schema: Schema,
    faces: Mapping[str, np.ndarray],
    shows_people: bool,
    chosen: str = "",
) -> Report:
    """Makes the report of a run on other portraits.

    Args:
        records: What was measured, the run's own portraits first.
        schema: `Schema` of the run.
        faces: Data set -> mean pictures, as of `Likeness`.
        shows_people: Whether any of them shows people.
        chosen: What the portraits have in common, where not all were taken.
    """
    tasks = summary.shared_tasks(records, schema)
    overview = Section(
        "Does it generalise?",
        _ASKED,
        summary.say_all(records, schema),
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
    sections = [overview]
    for number, (dataset, means) in enumerate(faces.items(), 1):
        own = find(records, dataset=dataset)
        sections.append(_section(own, schema, means, number))
    sections.append(Section("How it is measured", _MADE))
    sections.append(Section("Limits", _LIMITS))
    title = "On other portraits" + f": {chosen}" * bool(chosen)
    return Report(title, sections, shows_people)


def overview_table(
    records: Sequence[Record], tasks: Sequence[Task]
) -> pd.DataFrame:
    """Returns the figures of each task and data set as they are, by group."""
    shown = [
        record
        for task in tasks
        for metric in losses.metric_names(task)
        for record in summary.headline(records, task, metric)
    ]
    rows = {"task": "task", "figure": lambda item: _plain(item.metric)}
    rows["portraits of"] = lambda record: summary.short(record.dataset)
    return figure_table(shown, rows, form=format_with_count)


def _section(records, schema, faces, number):
    """Makes the section of one data set."""
    tasks = summary.shared_tasks(records, schema)
    drawn = [
        Plot(
            f"faces_{number}.png",
            "Mean faces",
            "Means of all pictures. In the second eyes and mouth should be "
            "where they are in the last.",
            plots.draw_faces(faces),
        )
    ]
    known = [
        task
        for task in tasks
        for total in find(records, task=task.name, variant=losses.TOTAL)
        if total.group == ALL and total.value is not None
    ]
    if known:
        drawn.append(
            Plot(
                f"losses_{number}.png",
                "From the own figure to that of the data set",
                "Each step is a part of the loss, with its 95 % interval: "
                "orange where something is lost, green where it is gained.",
                plots.draw_losses(records, known),
            )
        )

    def cell(record):
        if record.metric == losses.LOSS:
            return summary.loss_text(record, schema.task(record.task))
        return format_with_count(record)

    metrics = {losses.LOSS: "loss"}
    for task in tasks:
        metrics[losses.metric_names(task)[1]] = "figure"
    shown = [record for record in records if record.metric in metrics]
    frame = figure_table(
        shown,
        {
            "task": "task",
            "what": lambda record: _plain(metrics[record.metric]),
            "of": lambda record: _plain(record.variant),
        },
        form=cell,
    )
    note = (
        "Own: the run's own portraits of the same classes. Losses are points, "
        "or in the unit of a number; below 0 is a gain."
    )
    return Section(
        summary.short(records[0].dataset),
        sentences=list(summary.say_pictures(find(records, task=PICTURES))),
        plots=drawn,
        tables=[Table("Each view and each loss, by group", note, frame)],
    )


def _plain(name):
    return name.replace("_", " ")
