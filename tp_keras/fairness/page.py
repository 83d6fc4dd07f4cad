"""All of a fairness report as one page that needs nothing else."""

import html
import pathlib
import string
from collections.abc import Sequence

from tp_keras.evaluation.table import evaluated_tasks
from tp_keras.fairness import leakage_figures
from tp_keras.fairness import plots
from tp_keras.fairness import summary
from tp_keras.fairness import table
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records import page_parts
from tp_keras.records.record import Record

_PAGE = string.Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hair without regard to gender</title>
<style>
$style</style>
</head>
<body>
<h1>Hair without regard to gender: how far does this model keep to it?</h1>
<p class="note">$data</p>
$warning
<h2>What was asked</h2>
<p>A model that names hair colour and hair type, and finds portraits with
similar hair, should do so without regard to the gender of the person. This page
measures how far it does, on portraits that it was not trained on. Three
things can go wrong, and each has figures of its own:</p>
<ul>
<li><b>Wrong names.</b> The model recognises a kind of hair less often in women
than in men, or the other way round.</li>
<li><b>Gender in the numbers.</b> The numbers that describe hair, the embedding,
also tell gender, though nobody asked for it.</li>
<li><b>Wrong neighbours.</b> A search for similar hair prefers portraits of the
same gender.</li>
</ul>
<p>A part of the second can't be removed: hair colour itself tells something of
gender, as among bald people there are hardly any women. How much that is has
been computed from the labels, and what a figure would be if gender played no
role stands beside it.</p>
$sections
<h2>How the figures are made</h2>
<p>Brackets hold 95 % intervals: what repeating the measurement with other
portraits of the same kind would give, 19 times out of 20. n is the number of
portraits a figure rests on. A group of class and gender counts in maxima,
minima and differences if it has $min_count portraits or more; smaller groups
are listed, and hollow in plots. &ldquo;By chance&rdquo; is what the figure
stays below (for a smallest recall: above) 19 times out of 20 when women and men
of the same class are exchanged at random: beyond it, gender plays a role.
Intervals: $num_bootstraps resamples, of
neighbours a jackknife; chance: $num_permutations permutations;
probes: the mean of $probe_seeds, each tested on portraits it was not trained
on, in $probe_folds parts.</p>
<h2>What these figures can't tell</h2>
<ul>
<li>Gender here is how somebody appeared to those who labelled the portraits, in
two classes. It says nothing of how people see themselves, and nothing of those
who are neither.</li>
<li>The labels are partly wrong, for women and men perhaps not equally often;
a difference may be one of the labels.</li>
<li>A figure without support is no good news: too few portraits were there
to say anything.</li>
<li>That the probes here read no gender doesn't prove that nothing could. It
proves that the usual ones don't.</li>
<li>Nothing here speaks of age, skin or any other attribute, nor of other
portraits than these.</li>
</ul>
</body>
</html>
""")


def make_page(
    records: Sequence[Record],
    folder: str | pathlib.Path,
    settings: FairnessSettings,
) -> str:
    """Makes the page of a fairness report.

    Args:
        records: What was measured.
        folder: Folder of the plots, which become part of the page.
        settings: How it was measured.

    Returns:
        HTML that loads nothing from anywhere.
    """
    first = records[0]
    data = (
        f"Data: {first.dataset}, split {first.split}. Seed of the run: "
        f"{first.seed}."
    )
    return _PAGE.substitute(
        data=html.escape(data),
        style=page_parts.STYLE,
        warning=page_parts.warning_html(first.dataset),
        sections="\n".join(
            _section(records, task, pathlib.Path(folder))
            for task in evaluated_tasks(records)
        ),
        min_count=settings.min_count,
        num_bootstraps=f"{settings.num_bootstraps:,}",
        num_permutations=f"{settings.num_permutations:,}",
        probe_seeds=settings.probe_seeds,
        probe_folds=settings.probe_folds,
    )


def _section(records, task, folder):
    title = summary.plain_name(task).capitalize()
    figures = summary.summarize(records, task)
    parts = [
        f"<h2>{html.escape(title)}</h2>",
        "<h3>What was found</h3>",
        "<ul>",
    ]
    parts += [f"<li>{html.escape(item.sentence)}</li>" for item in figures]
    for record in leakage_figures.broken_probes(records, task):
        parts.append(
            '<li class="warning">A probe can\'t be trusted: '
            f"{html.escape(record.variant)}.</li>"
        )
    parts += [
        "</ul>",
        page_parts.table_html(table.summary_table(records, task)),
    ]
    for plot in plots.plots_of(task):
        path = folder / plot.file_name
        if path.is_file():
            parts.append(page_parts.figure_html(path, plot))
    parts += [
        page_parts.details_html(item)
        for item in table.detail_tables(records, task)
    ]
    return "\n".join(parts)
