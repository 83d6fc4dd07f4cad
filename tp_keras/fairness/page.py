"""A fairness report as sections: what was asked, each task, how it is made."""

import html
from collections.abc import Mapping
from collections.abc import Sequence

from matplotlib.figure import Figure

from tp_keras.fairness import plots
from tp_keras.fairness import summary
from tp_keras.fairness.group_figures import UNSUPPORTED
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records import page_parts
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Section
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.table import figure_table
from tp_keras.tasks import Schema

_ASKED = """\
<p>A model that names %(guarded)s, and finds portraits alike in them, should do
so without regard to %(protected)s. This page measures how far it does, on
portraits that it was not trained on. Three things can go wrong:</p>
<ul>
<li><b>Wrong answers.</b> The model is right less often in one group than in
another.</li>
<li><b>%(protected)s in the numbers.</b> The numbers that describe the portrait,
the embedding, also tell %(protected)s, though nobody asked for it. A part of
that can't be removed where the label itself tells something of it; how much
that is has been computed from the labels.</li>
<li><b>Wrong neighbours.</b> A search for similar portraits prefers those of the
same group.</li>
</ul>"""

_MADE = """\
<p>Brackets hold 95 %% intervals: what repeating the measurement with other
portraits of the same kind would give, 19 times out of 20. n is the number of
portraits a figure rests on. A class of a group counts in maxima, minima and
differences if it has %(min_count)s portraits or more; smaller ones are listed,
and hollow in plots. &ldquo;By chance&rdquo; is what the figure stays below (for
a smallest recall: above) 19 times out of 20 when groups of the same class are
exchanged at random: beyond it, %(protected)s plays a role. Of a probe it is
what guessing gets. Intervals: %(num_bootstraps)s resamples, of neighbours a
jackknife; chance: %(num_permutations)s permutations; probes: the mean of
%(probe_seeds)s, each tested on portraits it was not trained on, in
%(probe_folds)s parts.</p>"""

_LIMITS = """\
<ul>
<li>The groups are what the labels say: how somebody appeared to those who
labelled the portraits, not how people see themselves. Labels are partly wrong,
for the groups perhaps not equally often.</li>
<li>A figure without support is no good news: too few portraits were there
to say anything.</li>
<li>That the probes here read no %(protected)s doesn't prove that nothing could.
It proves that the usual ones don't.</li>
</ul>"""

# Kinds of figures: title, how to read it, metrics.
_KINDS = (
    (
        "Share of each class that is right",
        "Of a number within its tolerance, in ranges of it.",
        ("group_recall",),
    ),
    (
        "Answers by group",
        "Gaps: the largest figure of a group minus the smallest. Neutral "
        "accuracy: the mean of the groups less their gap. Equalised odds: how "
        "far apart the groups of the same class are called so, and those of "
        "other classes are; 0 is best.",
        (
            *("accuracy", "accuracy_gap", "neutral_accuracy"),
            *("mae", "mae_gap"),
            *("worst_group_recall", "equalized_odds_difference_max"),
        ),
    ),
    (
        "The group in labels and layers",
        "Balanced accuracies of guessing the group. The band is what the label "
        "itself gives away: above it is what could be removed. Conditional "
        "probes know the class, and each class and group weighs the same; "
        "chance is best. A broken probe can't be trusted.",
        (
            *("leakage_band_low", "leakage_band_high"),
            *("group_probe", "conditional_group_probe", "broken_probe"),
        ),
    ),
    (
        "Neighbours in the embedding",
        "k is the length of a list. Excess: the share of the query's own group "
        "minus what its label implies; 0 is best.",
        ("neighbor_precision", "same_group_excess"),
    ),
    (
        "Counterfactual pairs",
        "The same portrait with the cues of another group; 0 is best.",
        ("counterfactual_flips",),
    ),
)


def make_report(
    records: Sequence[Record],
    schema: Schema,
    neighbors: Mapping[str, Figure],
    settings: FairnessSettings,
) -> page_parts.Report:
    """Makes a fairness report, a section for each task among others.

    `neighbors` holds by name of a guarded task the plot of its neighbours.
    """
    own = {task: find(records, task=task.name) for task in schema.guarded_tasks}
    guarded, protected = [*filter(own.get, own)], schema.protected_task
    names = {
        "guarded": html.escape(" and ".join(map(summary.plain_name, guarded))),
        "protected": html.escape(summary.plain_name(protected)),
        **vars(settings),
    }
    sections = [Section("What was asked", _ASKED % names)]
    for task in guarded:
        about = own[task], task, protected
        sentences = [item.sentence for item in summary.summarize(*about)]
        section = Section(
            task.name,
            sentences=sentences + summary.broken_probes(records, task),
            summary=summary.task_table(*about),
            plots=list(_plots(*about, neighbors.get(task.name))),
            tables=_tables(own[task]),
        )
        sections.append(section)
    sections.append(Section("How the figures are made", _MADE % names))
    sections.append(Section("What these figures can't tell", _LIMITS % names))
    title = f"Without regard? {summary.question(schema, guarded)}"
    return page_parts.Report(title, sections, schema.shows_people)


def _tables(records):
    """Returns every record of a task, a table for each kind of figure."""

    def what(record):
        few = record.variant == UNSUPPORTED
        parts = record.class_name, None if few else record.variant
        return ", ".join(filter(None, parts))

    def cell(record):
        text = summary.figure_text(record)
        if record.value is None:
            return text
        few = ", not supported" * (record.variant == UNSUPPORTED)
        return f"{text} (n = {record.count:,}{few})"

    rows, tables = {"figure": "metric", "of": what}, []
    options = {"form": cell, "more": {"by chance": summary.chance}}
    for *texts, metrics in _KINDS:
        if found := [item for item in records if item.metric in metrics]:
            frame = figure_table(found, rows, **options)
            tables.append(page_parts.Table(*texts, frame))
    return tables


def _plots(records, task, protected, neighbors):
    yield Plot(
        f"recall_{task.name}.png",
        "Is each class recognised as often in every group?",
        "Each row is a class. The marks are the shares of each group that are "
        "right, the lines through them 95 % intervals. Without regard to the "
        "group they stand above each other, and the gray between them is "
        "narrow. Hollow marks rest on too few portraits to count.",
        plots.draw_recalls(records, task, protected),
    )
    if find(records, metric="group_probe"):
        yield Plot(
            f"leakage_{task.name}.png",
            f"How much {protected.name} can be read from each layer?",
            "From left to right: the layers from the image to the answer. A "
            "mark tells how well a probe, a small classifier trained on the "
            "layer, tells the groups apart; the dashed line is guessing. Left, "
            "among all portraits: the shaded band is what the label itself "
            "gives away; above it, more is known than needed. Right, among "
            "portraits of the same class: there guessing is all that the label "
            "gives away.",
            plots.draw_leakage(records, task, protected),
        )
    if neighbors is not None:
        yield Plot(
            f"neighbors_{task.name}.png",
            "Which portraits are neighbours?",
            "Each row is a query, on the left, and the portraits that are "
            "closest to it in the embedding. The frames show the group, the "
            "words the labelled class, faint where it is another one than that "
            f"of the query. Without regard to {protected.name}, the frames of "
            "a row are mixed as they are among all portraits of that class. "
            "The queries are drawn by chance, from each class and group in "
            "turn.",
            neighbors,
        )
