"""What a reader gets to see of a generator's figures."""

import html
from collections.abc import Iterator
from collections.abc import Sequence

from tp_keras.generator.config import GenerationSettings
from tp_keras.generator.evaluation.candidates import REAL
from tp_keras.generator.evaluation.distances import KERNEL_SCORE
from tp_keras.generator.evaluation.plots import TOLD
from tp_keras.generator.evaluation.plots import all_candidates
from tp_keras.generator.evaluation.plots import draw_fidelity
from tp_keras.generator.evaluation.plots import draw_octaves
from tp_keras.generator.evaluation.plots import draw_scores
from tp_keras.generator.evaluation.plots import read_candidate
from tp_keras.generator.evaluation.spectrum import OCTAVE_POWER
from tp_keras.generator.evaluation.summary import summarize
from tp_keras.records import page_parts
from tp_keras.records import table
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.record import Record
from tp_keras.tasks import Schema

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
scores, where real portraits are at 0 and eigenfaces at 1, can. The generator
is trained to please a classifier of the same data set, and may so please its
judge: what counts most is what independent judges say, classifiers of another
data set, none of which any training looked through.</p>
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
        for name, what in all_candidates(records).items()
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
        Plot(
            "octaves.png",
            "Is it as sharp?",
            "The power of the brightness in each octave of frequency, divided "
            "by that of real test portraits: 1 is as sharp and as grainy. Blur "
            "falls off on the right, where the fine detail is.",
            draw_octaves(records, settings),
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
        "guessing; with a matching blur, after both were blurred with sigma 1. "
        "All are held against test portraits, and none is made of them.",
        (KERNEL_SCORE, *TOLD),
        {"candidate": lambda record: read_candidate(record)[0]},
        lambda record: read_candidate(record)[1],
    )
    yield from made(
        "Sharpness",
        "The power in an octave of frequency, in cycles per pixel, divided by "
        "that of test portraits: less than 1 is blur.",
        (OCTAVE_POWER,),
        {"candidate": "variant"},
        "class_name",
    )
    yield from made(
        "Recall",
        "Coverage: the share of test portraits that have a portrait of the "
        "candidate among their five neighbours, by a judge. Density: how many "
        "they have, about 1 for real ones.",
        ("coverage", "density"),
        {"candidate": lambda record: read_candidate(record)[0]},
        lambda record: read_candidate(record)[1],
    )
    yield from made(
        "Diversity in cells",
        "How far apart two generated portraits of a combination of classes "
        "are, divided by that of two real ones of it.",
        ("cell_diversity",),
        {"of": "class_name"},
        "metric",
        titles={"cell_diversity": "diversity"},
        **n,
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
