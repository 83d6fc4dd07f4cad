"""Where answers stop to hold: sentences, tables and plots, from records."""

from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tp_keras.evaluation.generalisation import losses
from tp_keras.evaluation.generalisation.summary import loss_text
from tp_keras.limits import plots
from tp_keras.limits.axes import PLACE
from tp_keras.limits.axes import Axis
from tp_keras.limits.measure import FINDER
from tp_keras.limits.measure import LOSS
from tp_keras.limits.measure import RECALL
from tp_keras.limits.safe_ranges import MOST_LOST
from tp_keras.limits.safe_ranges import SafeRange
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import UNDEFINED
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_figure
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

_MADE = f"""\
<p>Every portrait is made worse step by step, along one axis at a time, and the
run is asked again. Losses are against the same portraits unchanged: their
intervals come from drawing portraits together with all their changes (bootstrap
of the rows, 95 %), and are narrower than those of the curves (Wilson's; of
numbers the bootstrap).</p>
<ul>
<li>A <b>safe range</b> begins where portraits are unchanged and ends, on either
side, before the first value at which {100 * MOST_LOST:g} points or more of the
share that is right are lost; of numbers, of the share within the tolerance. A
side on which nothing was lost has no end that is known.</li>
<li><b>Resolution:</b> reduced by the mean of the pixels and enlarged again, as
a small picture of a face is. <b>Size, shift:</b> what comes from outside
repeats the border. <b>Rotation:</b> about the middle, likewise. <b>Blur:</b>
Gaussian. <b>Noise:</b> of each channel. <b>JPEG quality:</b> 101 stands
for none. <b>Brightness:</b> all levels times a
factor, clipped. <b>Saturation:</b> distance of each pixel from its gray.</li>
<li><b>Colour filters</b> are matrices that were written from what such filters
of photo apps do: none is any app's own.</li>
<li><b>Hidden places:</b> a cell of a grid gets the mean colour of its
portrait.</li>
<li><b>The finder</b> of faces sees each changed portrait with a border that
repeats its edge; a face counts if its middle is within half a face of where it
must be.</li>
</ul>"""

_LIMITS = """\
<ul>
<li>One thing is changed at a time; a small, dark and turned face is worse than
each of these.</li>
<li>Test portraits are of one origin. A photograph that is as sharp as they are
may differ from them in ways that have no axis here.</li>
<li>A range is read from a figure, not from its interval: near its end the true
loss may be somewhat above 2 points.</li>
</ul>"""


def loss_units(records: Sequence[Record], tasks: Sequence[Task]) -> dict:
    """Returns task, or finder -> what its losses count, of those measured."""
    units = {
        task.name: (task.unit or "") if task.kind == REGRESSION else "points"
        for task in tasks
    }
    measured = {record.task for record in records}
    units[FINDER] = "points"
    return {name: unit for name, unit in units.items() if name in measured}


def range_table(ranges: Sequence[SafeRange]) -> pd.DataFrame:
    """Returns the safe ranges, a row for each axis, a column for each task."""
    names = dict.fromkeys(one.task for one in ranges)
    rows = {}
    for one in ranges:
        unit = f" ({one.unit})" if one.unit else ""
        row = rows.setdefault(one.axis, {"axis": f"{one.title}{unit}"})
        row[one.task] = one.text().removesuffix(one.unit).strip()
    frame = pd.DataFrame(rows.values(), columns=["axis", *names])
    return frame.fillna(UNDEFINED)


def say_ranges(ranges: Sequence[SafeRange]) -> Iterator[str]:
    """Says of each task what it bears."""
    for task in dict.fromkeys(one.task for one in ranges):
        own = [one for one in ranges if one.task == task]
        ordered = [one for one in own if not (one.safe or one.unsafe)]
        told = [
            f"{one.title.split(' (')[0].lower()} {one.text()}"
            for one in ordered
            if one.low is not None or one.high is not None
        ]
        what = "Faces are found" if task == FINDER else f"{task} is safe"
        if told:
            yield f"{what}, losing less than 2 points, at: {'; '.join(told)}."
        for one in own:
            if one.unsafe:
                yield (
                    f"{what.split(' ')[0]}: {len(one.unsafe)} of "
                    f"{len(one.safe) + len(one.unsafe)} of "
                    f"{one.title.lower()} cost 2 points or more: "
                    f"{', '.join(one.unsafe)}."
                )


def make_report(
    records: Sequence[Record],
    ranges: Sequence[SafeRange],
    axes: Sequence[Axis],
    tasks: Sequence[Task],
    face: np.ndarray,
    shows_people: bool,
) -> Report:
    """Makes the report of the limits of a run.

    Args:
        records: What was measured.
        ranges: The safe ranges.
        axes: What was changed.
        tasks: The tasks that were answered.
        face: Float array `[height, width, 3]`, the mean portrait.
        shows_people: Whether the portraits show people.
    """
    note = (
        f"Less than {100 * MOST_LOST:g} points are lost in these ranges; of "
        "filters and places it is how many. The portraits themselves are at "
        "the value that changes nothing."
    )
    overview = Section(
        "What it bears",
        sentences=list(say_ranges(ranges)),
        summary=Table("Safe ranges", note, range_table(ranges)),
        plots=list(_plots(records, ranges, axes, tasks, face)),
    )
    sections = [overview]
    for axis in axes:
        own = find(records, variant=axis.name)
        if own:
            sections.append(_axis_section(own, axis, tasks))
    sections.append(Section("How it is measured", _MADE))
    sections.append(Section("Limits", _LIMITS))
    return Report("Limits", sections, shows_people)


def _plots(records, ranges, axes, tasks, face) -> Iterator[Plot]:
    units = loss_units(records, tasks)
    ordered = [axis for axis in axes if axis.has_order]
    shares = {
        task.name: losses.metric_names(task)[0]
        for task in tasks
        if task.name in units and task.kind != REGRESSION
    }
    if FINDER in units:
        shares[FINDER] = RECALL
    curves = {"share": (shares, "right (%)")} if shares else {}
    for task in tasks:
        if task.kind == REGRESSION and task.name in units:
            metric = {task.name: losses.metric_names(task)[0]}
            label = "mean absolute error"
            label += f" ({task.unit})" if task.unit else ""
            curves[task.name] = metric, label
    for name, (metrics, label) in curves.items() if ordered else ():
        yield Plot(
            f"curves_{name}.png",
            "How much is right"
            if name == "share"
            else f"How far {name} is off",
            "A panel for each axis; the thin vertical line is where portraits "
            "are unchanged, shades are 95 % intervals, and the thick lines at "
            "the foot are the safe ranges.",
            plots.draw_curves(records, ranges, ordered, metrics, label),
        )
    for axis in axes:
        if axis.name == PLACE:
            yield Plot(
                "places.png",
                "What is lost where a place is hidden",
                "Over the mean portrait: the stronger the colour, the more is "
                "lost. Each task has a scale of its own.",
                plots.draw_places(records, axis, units, face),
            )
        elif not axis.has_order:
            yield Plot(
                f"{axis.name}.png",
                f"What {axis.title.lower()} cost",
                "On the line nothing is lost; to the right of it more errors "
                "are made. Lines are paired 95 % intervals.",
                plots.draw_names(records, axis, units),
            )


def _axis_section(records, axis, tasks):
    """Makes the section of one axis, a table to unfold."""
    by_name = {task.name: task for task in tasks}
    shares = Task("share", "binary", ("no", "yes"))
    metrics = {RECALL: "figure", LOSS: "loss"}
    for task in tasks:
        metrics[losses.metric_names(task)[0]] = "figure"
        metrics[losses.metric_names(task)[1]] = "balanced figure"

    def cell(record):
        if record.metric == LOSS:
            return loss_text(record, by_name.get(record.task, shares))
        return format_figure(record)

    shown = [record for record in records if record.metric in metrics]
    frame = figure_table(
        shown,
        {axis.unit or "what": "class_name"},
        lambda record: f"{record.task}: {metrics[record.metric]}",
        form=cell,
    )
    count = max(record.count for record in shown)
    note = (
        "Losses are points, of numbers in their unit, against the same "
        f"portraits unchanged; n is up to {count:,}."
    )
    return Section(axis.title, tables=[Table("Each value", note, frame)])
