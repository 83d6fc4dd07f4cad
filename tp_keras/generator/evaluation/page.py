"""All of a generator's evaluation as one page that needs nothing else."""

import html
import pathlib
import string
from collections.abc import Sequence

from tp_keras.generator.evaluation import table
from tp_keras.generator.evaluation.candidates import CANDIDATES
from tp_keras.generator.evaluation.plots import PLOTS
from tp_keras.generator.evaluation.settings import GenerationSettings
from tp_keras.records import page_parts
from tp_keras.records.record import Record
from tp_keras.records.table import describe

_PAGE = string.Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Generated portraits</title>
<style>
$style</style>
</head>
<body>
<h1>Generated portraits: how good are they?</h1>
<p class="note">$data</p>
$warning
<h2>What was asked</h2>
<p>A generator should draw portraits that look like real ones, show the
attributes that were asked for, differ as real ones do, and are no copies of
those it was trained on. No single figure tells all of it, and none means much
alone: beside the generated portraits stand these.</p>
<ul>
$candidates
</ul>
<p>Portraits are compared by a judge: a classifier that was trained on other
portraits than the generator and all that its training looked through. Figures
hold for this judge; they can't be compared with those of another one, but
scores, where real portraits are at 0 and eigenfaces at 1, can.</p>
<h2>What was found</h2>
$summary
$plots
<h2>All figures</h2>
$details
<h2>How it was drawn</h2>
<p>Temperature $temperature, seed $seed, on every picture of generated
portraits; pixels are rounded to whole numbers as in every file.
$samples portraits for each cell of attributes, $pairs pairs of them for
diversity.</p>
<h2>What these figures can't tell</h2>
<ul>
<li>Whether a person would find the portraits good: look at them.</li>
<li>What the judge has no eyes for: background, glasses, the person.</li>
<li>That nothing was learned by heart. The search finds plain copies of
training portraits; a copy that is shifted or recoloured may be missed.</li>
<li>Gender here is how somebody appeared to those who labelled the
portraits, in two classes.</li>
</ul>
</body>
</html>
""")


def make_page(
    records: Sequence[Record],
    folder: str | pathlib.Path,
    settings: GenerationSettings,
) -> str:
    """Makes the page of an evaluation.

    Args:
        records: What was measured.
        folder: Folder of the plots, which become part of the page.
        settings: How it was measured.

    Returns:
        HTML that loads nothing from anywhere.
    """
    folder = pathlib.Path(folder)
    return _PAGE.substitute(
        style=page_parts.STYLE,
        data=html.escape(describe(records).replace("`", "")),
        warning=page_parts.warning_html(records[0].dataset),
        candidates="\n".join(
            f"<li><b>{html.escape(name)}</b>: {html.escape(what)}</li>"
            for name, what in CANDIDATES.items()
        ),
        summary=page_parts.table_html(table.summary_table(records)),
        plots="\n".join(
            page_parts.figure_html(folder / plot.file_name, plot)
            for plot in PLOTS
            if (folder / plot.file_name).is_file()
        ),
        details="\n".join(
            page_parts.details_html(item)
            for item in table.detail_tables(records)
        ),
        temperature=f"{settings.temperature:g}",
        seed=settings.seed,
        samples=settings.samples_per_cell,
        pairs=settings.pairs_per_cell,
    )
