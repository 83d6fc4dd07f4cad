"""What a reader gets to see of a generator's figures."""

import dataclasses
import html
from collections.abc import Iterator
from collections.abc import Sequence

from matplotlib.figure import Figure

from tp_keras.generator.config import GenerationSettings
from tp_keras.generator.evaluation import candidates
from tp_keras.generator.evaluation.candidates import EIGENFACES
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.candidates import REAL
from tp_keras.generator.evaluation.distances import KERNEL_SCORE
from tp_keras.generator.evaluation.measurement import FEATURES
from tp_keras.generator.evaluation.measurement import PIXELS
from tp_keras.records import group_plot
from tp_keras.records import page_parts
from tp_keras.records import plot_kit
from tp_keras.records import table
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.tasks import Schema

_COLOR, _OTHER_COLOR = "#D55E00", "#555555"

_QUESTION = """\
<p>A generator should draw portraits that look like real ones, show the
attributes that were asked for, and be no copies of those it was trained on.
No single figure tells all of it, and none means much alone: beside the
generated portraits stand these.</p>
<ul>
{candidates}
</ul>
<p>Portraits are compared by a judge: a classifier that was trained on other
portraits than the generator and all that its training looked through. Figures
hold for this judge; they can't be compared with those of another one, but
scores, where real portraits are at 0 and eigenfaces at 1, can.</p>
<p>Drawn with {caption}, {samples} portraits for each combination of classes;
pixels are rounded to whole numbers as in every file.</p>"""

_LIMITS = (
    "Whether a person would find the portraits good: look at them.",
    "What the judge has no eyes for: background, glasses, the person.",
    "That nothing was learned by heart. The search finds plain copies of "
    "training portraits; a copy that is shifted or recoloured may be missed.",
    "What a person is: labels are what those saw who labelled the portraits.",
)


def make_report(
    records: Sequence[Record],
    schema: Schema,
    settings: GenerationSettings,
    pictures: Sequence[Plot],
) -> page_parts.Report:
    """Returns tables, plots and words on the figures of a generator."""
    items = (
        f"<li><b>{html.escape(name)}</b>: {html.escape(what)}</li>"
        for name, what in candidates.CANDIDATES.items()
    )
    question = _QUESTION.format(
        candidates="\n".join(items),
        caption=settings.caption,
        samples=settings.samples_per_cell,
    )
    plots = [
        Plot(
            "scores.png",
            "How far from real portraits is it?",
            "Smaller is better. The marks are figures, the lines through them "
            "95 % intervals; the generated portraits are orange. Blurred "
            "portraits and eigenfaces show what a simple way to make portraits "
            "reaches. In scores, real portraits are at 0 and eigenfaces at 1.",
            draw_scores(records, settings),
        ),
        Plot(
            "fidelity.png",
            "Does it draw what was asked for?",
            "The judge's accuracy on portraits of a combination of classes, "
            "divided by its accuracy on real ones of it: at 1 they are as "
            "readable as real ones. Combinations without enough real portraits "
            "are left out.",
            draw_fidelity(records, schema, settings),
        ),
    ]
    return page_parts.Report(
        "Generated portraits: how good are they?",
        [
            Section("What was asked", question),
            Section(
                "What was found",
                summary=summarize(records, schema),
                plots=[*pictures[:1], *plots, *pictures[1:]],
            ),
            Section("All figures", tables=list(_tables(records))),
            Section("What these figures can't tell", sentences=_LIMITS),
        ],
        schema.shows_people,
    )


def summarize(records: Sequence[Record], schema: Schema) -> Table:
    """Returns the figures that a reader must know, in order."""
    items = []

    def add(title, compare, metric, variant=GENERATED, **criteria):
        found = find(records, metric=metric, variant=variant, **criteria)
        items.extend(
            page_parts.SummaryFigure(title, record, compare) for record in found
        )

    def text(metric, variant, **criteria):
        found = find(records, metric=metric, variant=variant, **criteria)
        return table.format_figure(found[0]) if found else table.UNDEFINED

    def both(metric, **criteria):
        return "; ".join(
            f"{name} {text(metric, name, **criteria)}"
            for name in (REAL, EIGENFACES)
        )

    for name, compare in (
        (GENERATED, "0 real portraits, 1 eigenfaces"),
        (candidates.STANDARD_NORMAL, "the same without the fitted prior"),
        (candidates.RECONSTRUCTIONS, "real portraits, encoded and decoded"),
    ):
        add(f"kernel score, {name}", compare, KERNEL_SCORE, f"{name} judge")
    space = "random_network"
    compare = text(KERNEL_SCORE, f"{candidates.RECONSTRUCTIONS} {space}")
    add(
        "kernel score to a random network",
        f"reconstructions {compare}",
        KERNEL_SCORE,
        f"{GENERATED} {space}",
    )
    add("told from real", both("two_sample_accuracy"), "two_sample_accuracy")
    names = [task.name for task in schema.condition_tasks]
    for name in names:
        eigenfaces = text("fidelity", EIGENFACES, task=name)
        compare = f"1 as real; {EIGENFACES} {eigenfaces}"
        add(f"fidelity, {name}", compare, "fidelity", task=name)
    for worst in find(records, metric="worst_cell_fidelity"):
        title = f"worst fidelity ({worst.task} of {worst.class_name})"
        add(title, "1 as real", worst.metric)
    score = "classification_score"
    for name in names:
        title = f"accuracy trained on it, {name}"
        add(title, both(score, task=name), score, task=name)
    unedited = "only decoded " + text("unedited_kept", None)
    for name in names:
        title = f"edit of {name}, success"
        add(title, "1 always", "edit_success", None, task=name)
        title = f"edit of {name}, others kept"
        add(title, unedited, "edit_kept", None, task=name)
    for space in (PIXELS, FEATURES):
        title = f"nearer to training than 99 % of test, {space}"
        variant = f"{GENERATED} {space}"
        add(title, "0.010 without copying", "nearer_than_1_percent", variant)
    nearer = "nearer_to_training"
    compare = "test " + text(nearer, f"{REAL} {PIXELS}")
    title = "nearer to training than to unseen, pixels"
    add(title, compare, nearer, f"{GENERATED} {PIXELS}")
    return page_parts.summary_table(
        items,
        "Brackets hold 95 % intervals, n is the number of portraits that a "
        "figure rests on; - means not defined.",
    )


def _tables(records) -> Iterator[Table]:
    """Yields all tables but the summary."""

    def made(title, note, metrics, rows, columns, **settings):
        shown = [record for record in records if record.metric in metrics]
        if shown:
            frame = table.figure_table(shown, rows, columns, **settings)
            yield Table(title, note, frame)

    n = {"more": {"n": table.format_count}}
    yield from made(
        "How far from real portraits",
        "A score is 0 for real portraits and 1 for eigenfaces: smaller is "
        "better. Told from real: the accuracy of a small network, .5 is "
        "guessing. All are held against test portraits, and none is made of "
        "them.",
        (KERNEL_SCORE, "two_sample_accuracy"),
        {"candidate": lambda record: _candidate(record)[0]},
        lambda record: _candidate(record)[1],
    )
    titles = {"judge_accuracy": "judge's accuracy", "fidelity": "fidelity"}
    yield from made(
        "Attributes",
        "The judge's accuracy on what was asked for; fidelity divides it by "
        "that on real portraits.",
        titles,
        {"task": "task", "candidate": "variant"},
        "metric",
        titles=titles,
        **n,
    )
    yield from made(
        "Combinations of classes",
        "The judge's accuracy on portraits of each combination that has enough "
        "real ones, and the ratio of both.",
        ("cell_accuracy", "cell_fidelity"),
        {"of": "class_name", "judged": "task"},
        lambda one: (
            "fidelity" if one.metric == "cell_fidelity" else one.variant
        ),
        more={
            "n real": lambda one: (
                table.format_count(one) if one.variant == REAL else ""
            )
        },
    )
    yield from made(
        "Edits",
        "Of test portraits that the judge reads rightly in all attributes: how "
        "often it sees the new class, and how often its other answers stay, "
        "all of them or one.",
        ("edit_success", "edit_kept"),
        {"edited": "task"},
        lambda record: (
            "success"
            if record.metric == "edit_success"
            else f"{record.variant or 'others'} kept"
        ),
        **n,
    )


def _candidate(record) -> tuple[str, str]:
    """Returns whose distance it is, and what it is called."""
    if record.metric != KERNEL_SCORE:
        return record.variant, "told from real"
    name, _, space = record.variant.rpartition(" ")
    return name, f"kernel score, {space.replace('_', ' ')}"


def draw_scores(
    records: Sequence[Record], settings: GenerationSettings
) -> Figure:
    """Draws each distance, a panel for each, a row for each candidate."""
    panels, names = {}, list(candidates.CANDIDATES)
    for record in records:
        if record.metric in (KERNEL_SCORE, "two_sample_accuracy"):
            name, title = _candidate(record)
            panels.setdefault(title, {})[name] = record
    figure = plot_kit.new_figure(3.3 * len(panels) + 1.2, 3.2)
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for panel, (title, found) in zip(axes, panels.items(), strict=True):
        for row, name in enumerate(names):
            record = found.get(name)
            if record is None or record.value is None:
                continue
            color = _COLOR if name == GENERATED else _OTHER_COLOR
            panel.hlines(row, record.low, record.high, color, linewidth=2)
            panel.plot(record.value, row, "o", markersize=6, color=color)
        if not panel.lines:
            panel.text(0.5, 3, "not defined", ha="center", color="0.4")
            panel.set_xlim(0, 1)
        panel.set_title(title, loc="left", fontsize=10)
        panel.set_yticks(range(len(names)), names)
        panel.set_ylim(len(names) - 0.5, -0.5)
        panel.grid(axis="x", color="0.9")
        for place in (0, 1) if title.startswith("kernel") else ():
            panel.axvline(place, color="0.6", linestyle="--", linewidth=1)
    title = "Distance from real test portraits, with 95 % intervals"
    plot_kit.add_title(figure, f"{title}\n{settings.caption}")
    return figure


def draw_fidelity(
    records: Sequence[Record], schema: Schema, settings: GenerationSettings
) -> Figure:
    """Draws the fidelity of each cell, a mark for each condition."""
    names = [task.name for task in schema.condition_tasks]
    shown = [
        dataclasses.replace(record, group=record.task)
        for record in find(records, metric="cell_fidelity")
        if record.value is not None
    ]
    cells = {record.class_name for record in shown}
    height = group_plot.rows_height(len(cells), len(names))
    figure = plot_kit.new_figure(8.0, height + 1.4)
    panel = figure.subplots()
    group_plot.draw_groups(
        panel, shown, names, text=lambda record: f"{record.value:.2f}"
    )
    panel.axvline(1, color="0.6", linestyle="--", linewidth=1)
    panel.set_xlim(left=0)
    panel.set_xlabel("judge's accuracy on generated, divided by that on real")
    title = "Fidelity of combinations, with 95 % intervals"
    title += f"\n{settings.caption}"
    plot_kit.add_title(figure, title, group_plot.group_handles(names), 3)
    return figure
