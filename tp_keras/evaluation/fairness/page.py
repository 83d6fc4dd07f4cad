"""All of a fairness report as one page that needs nothing else."""

import base64
import html
import pathlib
import string
from collections.abc import Sequence

from tp_keras.evaluation.fairness import leakage_figures
from tp_keras.evaluation.fairness import plots
from tp_keras.evaluation.fairness import summary
from tp_keras.evaluation.fairness import table
from tp_keras.evaluation.fairness.settings import FairnessSettings
from tp_keras.evaluation.records import Record
from tp_keras.evaluation.table import evaluated_tasks

_PAGE = string.Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Hair without regard to gender</title>
<style>
:root {
  color-scheme: light dark;
  --text: #1b1b1b; --paper: #ffffff; --faint: #66686c; --line: #d9dadd;
  --shade: #f4f4f2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e7e7e4; --paper: #17181a; --faint: #a2a5aa; --line: #3a3c40;
    --shade: #222326;
  }
}
body {
  font: 16px/1.55 system-ui, sans-serif; color: var(--text);
  background: var(--paper); max-width: 62rem; margin: 0 auto;
  padding: 1.5rem 1rem 4rem;
}
h1 { line-height: 1.2; }
h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
p, li { max-width: 46rem; }
figure { margin: 1.5rem 0 2.5rem; }
figcaption { color: var(--faint); max-width: 46rem; }
img {
  max-width: 100%; height: auto; background: #ffffff; padding: 0.5rem;
  border-radius: 6px; box-sizing: border-box;
}
.table { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; }
th, td {
  text-align: left; padding: 0.3rem 0.9rem 0.3rem 0; vertical-align: top;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums;
}
th { color: var(--faint); font-weight: 600; }
.note { color: var(--faint); font-size: 0.95rem; }
.warning {
  border-left: 4px solid #D55E00; background: var(--shade);
  padding: 0.6rem 1rem;
}
details { margin: 0.8rem 0; }
summary { cursor: pointer; }
</style>
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

_WARNING = """\
<p class="warning">This page shows real portraits. They must not be copied or
published: it must not leave this machine.</p>
"""

_SYNTHETIC = "synthetic"


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
        warning="" if _is_synthetic(first.dataset) else _WARNING,
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


def _is_synthetic(dataset) -> bool:
    """Whether a data set shows nobody; one of another name may show people."""
    return f"/{_SYNTHETIC}" in (dataset or "")


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
    parts += ["</ul>", _table(table.summary_table(records, task))]
    for plot in plots.plots_of(task):
        path = folder / plot.file_name
        if path.is_file():
            parts.append(_figure(path, plot))
    parts += [_details(item) for item in table.detail_tables(records, task)]
    return "\n".join(parts)


def _figure(path, plot):
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return (
        f"<h3>{html.escape(plot.title)}</h3>\n<figure>\n"
        f'<img alt="{html.escape(plot.title)}" '
        f'src="data:image/png;base64,{data}">\n'
        f"<figcaption>{html.escape(plot.how_to_read)}</figcaption>\n</figure>"
    )


def _details(item):
    return (
        f"<details>\n<summary>{html.escape(item.title)}</summary>\n"
        f'<p class="note">{html.escape(item.note)}</p>\n'
        f"{_table(item)}\n</details>"
    )


def _table(item):
    header = "".join(f"<th>{html.escape(cell)}</th>" for cell in item.header)
    rows = "\n".join(
        "<tr>"
        + "".join(f"<td>{html.escape(cell)}</td>" for cell in row)
        + "</tr>"
        for row in item.rows
    )
    return (
        f'<div class="table"><table>\n<thead><tr>{header}</tr></thead>\n'
        f"<tbody>\n{rows}\n</tbody>\n</table></div>"
    )
