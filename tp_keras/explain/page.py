"""What answers rest on: sentences, tables, panels of maps, from records."""

from collections.abc import Iterator
from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd

from tp_keras.data.portraits import Portraits
from tp_keras.evaluation.label_table import label_text
from tp_keras.explain import faithfulness
from tp_keras.explain import measure
from tp_keras.explain.measure import Maps
from tp_keras.explain.overlay import overlay
from tp_keras.explain.regions import AREA
from tp_keras.explain.regions import CHANGED
from tp_keras.explain.regions import EVIDENCE
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.picture_grid import draw_grid
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import find_one
from tp_keras.records.table import figure_table
from tp_keras.records.table import format_count
from tp_keras.records.table import format_figure
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# Portraits of a panel.
SHOWN = 16

_TITLES = {
    measure.OCCLUSION: "occlusion",
    measure.HIRES_CAM: "HiResCAM",
    measure.FROM_BLUR: "integrated gradients, from a blurred portrait",
    measure.FROM_MEAN: "integrated gradients, from the mean portrait",
}

# So few pixels don't make a scale.
_HIGHEST = 0.99

# Deviation of the blur of maps that are shown, of the longer side.
_SMOOTH = 0.015

_ASKED = """\
<p>Where in a portrait is the evidence for an answer? Four methods say it, each
in its own way; what all of them say is worth more than what one says. What is
explained is the logit of the answered class above the mean of the others, of a
flag its logit, of a number the number: not a probability, which hardly moves
where it is near 1.</p>"""

_MADE = f"""\
<ul>
<li><b>Occlusion</b>: patches of a ninth of the height, overlapping by half, get
the mean colour of their portrait. Black would be an answer, where colours are
asked for.</li>
<li><b>HiResCAM</b>: gradient times activation of the deepest maps with an
eighth of the portrait's rows or more.</li>
<li><b>Integrated gradients</b>: along {measure.gradients.STEPS} steps from a
blurred portrait, or from the mean of all.</li>
<li><b>Share of the evidence</b>: the share of a map, for and against alike,
that lies in a region; the mean over portraits, with the bootstrap's interval.
It is to be compared with the share of the picture that the region has.</li>
<li><b>Answers changed</b>: the region, and nothing else, is replaced by that of
the mean portrait (Wilson's interval).</li>
<li><b>Deletion, insertion</b>: pixels go, or come back, from the strongest to
the weakest, in {faithfulness.STEPS} steps; the mean portrait takes their place.
The figure is how much lower (higher) the explained number is on average than by
maps that know nothing of the network: smooth blobs by chance, and a bell in the
middle. Above 0 the method is better.</li>
<li><b>Random heads</b>: the same network with its layers behind the trunk
shuffled. Maps that stay alike (near 1) show the picture, not what was
learned.</li>
<li><b>Completeness</b>: how far sums of integrated gradients are from the
difference that they explain; 0 is exact.</li>
</ul>"""

_LIMITS = """\
<ul>
<li>A map tells where the network looks, not why. Evidence on a region is no
proof that the region is needed: that is what hiding it tells.</li>
<li>Patches reach over the edge of a region, and convolutions see around it, so
that some evidence of a region lies beside it.</li>
<li>Hiding makes portraits that the network has never seen.</li>
</ul>"""


def make_report(
    records: Sequence[Record],
    maps: Maps,
    portraits: Portraits,
    tasks: Sequence[Task],
    shown: np.ndarray,
    about_regions: str,
) -> Report:
    """Makes the report of what answers rest on.

    Args:
        records: What was measured.
        maps: What was explained.
        portraits: `Portraits` of it.
        tasks: The tasks that were answered.
        shown: Rows of the portraits that panels show.
        about_regions: Where regions come from.
    """
    note = (
        f"{about_regions} A row for each method; brackets hold 95 % intervals, "
        "n is the number of portraits."
    )
    overview = Section(
        "Where the evidence lies",
        _ASKED,
        list(say_regions(records, tasks)),
        Table("Share of the evidence", note, evidence_table(records)),
        tables=[_changed_table(records)],
    )
    sections = [overview]
    for task in tasks:
        sections.append(_task_section(records, maps, portraits, task, shown))
    sections.append(_checks(records))
    sections.append(Section("How it is measured", _MADE))
    sections.append(Section("Limits", _LIMITS))
    return Report("Explanations", sections, portraits.schema.shows_people)


def evidence_table(records: Sequence[Record], group: str = ALL) -> pd.DataFrame:
    """Returns shares of evidence by region, under that of the picture."""
    own = [r for r in records if r.group == group]
    areas = find(own, metric=AREA, variant=measure.OCCLUSION)
    shown = []
    for task in dict.fromkeys(record.task for record in areas):
        shown += find(areas, task=task)
        shown += find(own, task=task, metric=EVIDENCE)
    return figure_table(
        shown,
        {
            "task": "task",
            "what": lambda record: (
                "share of the picture"
                if record.metric == AREA
                else _TITLES[record.variant]
            ),
        },
        "class_name",
        form=format_figure,
        more={"n": format_count},
    )


def say_regions(
    records: Sequence[Record], tasks: Sequence[Task]
) -> Iterator[str]:
    """Says of each task which region it rests on most, and what hiding does."""
    own = find(records, group=ALL)
    for task in tasks:
        areas = find(
            own, task=task.name, metric=AREA, variant=measure.OCCLUSION
        )
        dense = {}
        for area in areas:
            found = find(
                own, task=task.name, metric=EVIDENCE, class_name=area.class_name
            )
            values = [record.value for record in found if record.value]
            if values and area.value:
                dense[area.class_name] = np.array(values) / area.value, values
        if not dense:
            continue
        most = max(dense, key=lambda name: dense[name][0].mean())
        least = min(dense, key=lambda name: dense[name][0].mean())
        told = []
        for name in (most, least):
            ratios, values = dense[name]
            area = find_one(areas, class_name=name)
            told.append(
                f"{name}, {area.value:.0%} of the picture, has "
                f"{min(values):.0%} to {max(values):.0%} of the evidence by "
                f"the four methods ({ratios.mean():.1f} times its share)"
            )
        yield f"{task.name}: {told[0]}, the most; {told[1]}, the least."
        changed = find(own, task=task.name, metric=CHANGED)
        parts = [f"{r.class_name} {_percent(r)}" for r in changed]
        yield f"{task.name}: answers that change when it is hidden: " + (
            f"{'; '.join(parts)}."
        )


def _percent(record):
    return f"{record.value:.0%} [{record.low:.0%}, {record.high:.0%}]"


def _changed_table(records):
    frame = figure_table(
        find(records, metric=CHANGED),
        {"task": "task"},
        "class_name",
        more={"n": format_count},
    )
    return Table("Answers that change when a region is hidden", "", frame)


def _task_section(records, maps, portraits, task, shown):
    plots = [
        Plot(
            f"panel_{task.name}.png",
            f"{SHOWN} portraits, drawn by chance",
            "Above each its answer, and its label where that is another. "
            "Orange speaks for the answer, blue against it; each method has "
            "one scale for all portraits, and maps are smoothed a little.",
            _panel(maps, portraits, task, shown),
        ),
        Plot(
            f"means_{task.name}.png",
            "Means of maps",
            "Of all portraits with an answer, over their mean. Each method has "
            "one scale for all answers.",
            _means(maps, task),
        ),
    ]
    own = find(records, task=task.name)
    groups = dict.fromkeys(r.group for r in own if r.group != ALL)
    tables = [
        Table(f"Portraits answered {name}", "", evidence_table(own, name))
        for name in groups
    ]
    return Section(task.name, plots=plots, tables=tables)


def _answer_text(task, answers, row, column):
    """Returns what is explained of a portrait, in a word or two."""
    if task.kind == REGRESSION:
        return f"{answers[row]:.0f}"
    name = task.classes[column]
    if task.kind == MULTI_LABEL:
        return f"{'' if answers[row][column] >= 0.5 else 'no '}{name}"
    return name


def _panel(maps, portraits, task, shown):
    answers, columns = maps.answers[task.name], maps.columns[task.name]
    titles = []
    for row in shown:
        text = _answer_text(task, answers, row, columns[row])
        label = label_text(task, portraits.labels[task.name][row])
        other = task.kind != MULTI_LABEL and label != text
        titles.append(f"{text}, ({label})" if other else text)
    rows = [maps.images[shown]]
    for heats in maps.heats[task.name].values():
        own = _smooth(heats[shown])
        limit = np.quantile(np.abs(own), _HIGHEST) or 1.0
        pairs = zip(maps.images[shown], own, strict=True)
        rows.append(np.stack([overlay(*pair, limit) for pair in pairs]))
    names = ["portrait", *_short_titles()]
    return draw_grid(np.stack(rows), "", titles, names)


def _short_titles():
    return [*list(_TITLES.values())[:2], "gradients\nfrom blur", "from mean"]


def _smooth(heats):
    """Returns maps without their speckles, which nobody can read."""
    deviation = _SMOOTH * max(heats.shape[1:])
    return np.stack([cv2.GaussianBlur(x, (0, 0), deviation) for x in heats])


def _means(maps, task):
    columns = maps.columns[task.name]
    kinds = {"all": np.ones(len(columns), bool)}
    if task.kind != REGRESSION:
        for index, name in enumerate(task.classes):
            if (columns == index).any():
                kinds[name] = columns == index
    heats = maps.heats[task.name]
    means = {
        method: _smooth(np.stack([x[rows].mean(0) for rows in kinds.values()]))
        for method, x in heats.items()
    }
    limits = {
        m: np.quantile(np.abs(x), _HIGHEST) or 1.0 for m, x in means.items()
    }
    rows = []
    for index, chosen in enumerate(kinds.values()):
        face = np.rint(maps.images[chosen].mean(0)).astype(np.uint8)
        drawn = [overlay(face, x[index], limits[m]) for m, x in means.items()]
        rows.append(np.stack([face, *drawn]))
    names = [f"{name} ({n.sum()})" for name, n in kinds.items()]
    return draw_grid(np.stack(rows), "", ["mean", *_short_titles()], names)


def _checks(records):
    """Makes the section that says whether maps can be trusted."""
    gains = [
        record
        for record in records
        if record.metric in (faithfulness.DELETION, faithfulness.INSERTION)
    ]
    better = [record for record in gains if record.low and record.low > 0]
    sentences = [
        f"{len(better)} of {len(gains)} comparisons with maps that know "
        "nothing of the network are won beyond the interval, "
        f"{sum(bool(r.high and r.high < 0) for r in gains)} are lost."
    ]
    frame = figure_table(
        gains,
        {"task": "task", "method": lambda record: _TITLES[record.variant]},
        lambda record: f"{record.metric}, against {record.class_name}",
        more={"n": format_count},
    )
    checks = [
        record
        for record in records
        if record.metric in (measure.RANDOMISED, measure.GAP)
    ]
    titles = {
        measure.RANDOMISED: "correlation with random heads",
        measure.GAP: "completeness: relative gap",
    }
    other = figure_table(
        checks,
        {"task": "task", "method": lambda record: _TITLES[record.variant]},
        "metric",
        titles,
        more={"n": format_count},
    )
    return Section(
        "Whether maps can be trusted",
        sentences=sentences,
        summary=Table("Better than knowing nothing", "", frame),
        tables=[Table("Random heads, and completeness", "", other)],
    )
