"""The folder of a report: records, tables, plots, and the page of them."""

import base64
import html
import os
import pathlib
import string
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tp_keras import files
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Table
from tp_keras.records.record import Record
from tp_keras.records.record import read_records
from tp_keras.records.record import write_records
from tp_keras.records.table import describe
from tp_keras.records.table import markdown_table

RECORDS_NAME = "records.jsonl"
TABLE_NAME = "table.md"

# In a folder of figures: what they are of, and how they were measured.
MEASURED_NAME = "measured.json"

_TEST = "test"

_MOST_WITHOUT_CONTENTS = 5


def write_report(
    folder: str | os.PathLike,
    page_path: str | os.PathLike,
    records: Sequence[Record],
    make_report: Callable[[list[Record]], Report],
    facts: Mapping,
    lists: Mapping[str, pd.DataFrame] | None = None,
) -> None:
    """Writes records, tables and plots into `folder`, and the page of them.

    Folder and page appear whole or not at all, in place of earlier ones.

    Args:
        folder: Folder to write.
        page_path: HTML file to write, in the folder or elsewhere.
        records: What was measured; one or more.
        make_report: What to show of the records as they stand in the file.
        facts: What `measured.json` shall say of them.
        lists: Name -> table that is written as `<name>.csv`.
    """
    folder, page_path = pathlib.Path(folder), pathlib.Path(page_path)
    with files.new_folder(folder) as aside:
        write_records(aside / RECORDS_NAME, records)
        written = read_records(aside / RECORDS_NAME)
        report = make_report(written)
        for section in report.sections:
            for plot in section.plots:
                canvas = FigureCanvasAgg(plot.figure)
                canvas.print_png(aside / plot.file_name)
        about = describe(written)
        files.write_text(aside / TABLE_NAME, make_markdown(report, about))
        files.write_json(aside / MEASURED_NAME, dict(facts))
        for name, frame in (lists or {}).items():
            frame.to_csv(aside / f"{name}.csv", index=False)
        page = make_page(report, about, aside)
        inside = page_path.parent == folder
        files.write_text(aside / page_path.name if inside else page_path, page)


def page_of(folder: str | os.PathLike) -> pathlib.Path:
    """Returns the page of a folder `<run_dir>/<kind>/<name>`.

    That is `<run_dir>/<kind>.html` for the test split of the run's own data,
    and `<run_dir>/<kind>-<name>.html` for all else.
    """
    folder = pathlib.Path(folder)
    suffix = "" if folder.name == _TEST else f"-{folder.name}"
    return folder.parents[1] / f"{folder.parent.name}{suffix}.html"


def make_markdown(report: Report, about: str) -> str:
    """Returns sentences and tables as Markdown, under what they are `about`."""
    parts = [f"# {report.title}", about]
    for section in report.sections:
        own = ["\n".join(f"- {sentence}" for sentence in section.sentences)]
        if section.summary:
            own += [section.summary.note, markdown_table(section.summary.frame)]
        for table in section.tables:
            own += [f"### {table.title}", table.note]
            own += [markdown_table(table.frame)]
        parts += [f"## {section.title}", *own] if any(own) else []
    return "\n\n".join(part.strip() for part in parts if part) + "\n"


def make_page(report: Report, about: str, folder: str | os.PathLike) -> str:
    """Returns a report as HTML that loads nothing from anywhere.

    The PNG files in `folder` become a part of it; a sentence says what it is
    `about`.
    """
    parts = _contents(report.sections)
    for number, section in enumerate(report.sections, 1):
        title = html.escape(section.title)
        parts += [f'<h2 id="part-{number}">{title}</h2>', section.text]
        if section.sentences:
            lines = [
                f"<li>{html.escape(line)}</li>" for line in section.sentences
            ]
            parts += ['<ul class="said">', *lines, "</ul>"]
        parts += [_table(section.summary)] if section.summary else []
        parts += [_figure(pathlib.Path(folder), plot) for plot in section.plots]
        parts += [
            f"<details>\n<summary>{html.escape(table.title)}</summary>\n"
            f"{_table(table)}\n</details>"
            for table in section.tables
        ]
    return _PAGE.substitute(
        title=html.escape(report.title),
        style=_STYLE,
        about=html.escape(about.replace("`", "")),
        warning=_WARNING if report.shows_people else "",
        body="\n".join(part for part in parts if part),
    )


def _contents(sections) -> list[str]:
    """Returns links to the sections of a page that has many."""
    links = [
        f'<a href="#part-{number}">{html.escape(section.title)}</a>'
        for number, section in enumerate(sections, 1)
    ]
    many = len(links) > _MOST_WITHOUT_CONTENTS
    return ["<nav>", *links, "</nav>"] if many else []


def _table(table: Table) -> str:
    text = table.frame.to_html(index=False, border=0, justify="left")
    note = f'<p class="note">{html.escape(table.note)}</p>\n'
    return f'{note if table.note else ""}<div class="table">{text}</div>'


def _figure(folder: pathlib.Path, plot: Plot) -> str:
    data = (folder / plot.file_name).read_bytes()
    title = html.escape(plot.title)
    return (
        f'<h3>{title}</h3>\n<figure>\n<img alt="{title}" '
        f'src="data:image/png;base64,{base64.b64encode(data).decode()}">\n'
        f"<figcaption>{html.escape(plot.how_to_read)}</figcaption>\n</figure>"
    )


_WARNING = """\
<p class="warning">This page shows people. Their portraits must not be copied or
published: it must not leave this machine.</p>"""

_STYLE = """\
:root {
  color-scheme: light dark; --text: light-dark(#1b1b1b, #e7e7e4);
  --paper: light-dark(#ffffff, #17181a); --faint: light-dark(#66686c, #a2a5aa);
  --line: light-dark(#d9dadd, #3a3c40); --shade: light-dark(#f4f4f2, #222326);
}
body {
  font: 16px/1.55 system-ui, sans-serif; color: var(--text);
  background: var(--paper); max-width: 62rem; margin: auto; padding: 1.5rem;
  overflow-wrap: break-word;
}
h1 { line-height: 1.2; }
h2 {
  margin-top: 3rem; border-bottom: 1px solid var(--line);
  scroll-margin-top: 1rem;
}
p, li, figcaption { max-width: 46rem; }
nav { display: flex; flex-wrap: wrap; gap: 0.3rem 1.1rem; margin: 1.2rem 0; }
a { color: light-dark(#0b5cad, #7db8f0); }
.said {
  background: var(--shade); border-radius: 6px;
  padding: 0.8rem 1.2rem 0.8rem 2.2rem;
}
.said li + li { margin-top: 0.35rem; }
figure { margin: 1.5rem 0 2.5rem; }
figcaption, .note, th { color: var(--faint); }
img {
  max-width: 100%; height: auto; background: #ffffff; padding: 0.5rem;
  border-radius: 6px; box-sizing: border-box;
}
.table { overflow-x: auto; overflow-wrap: normal; }
table { border-collapse: collapse; font-size: 0.9rem; }
th, td {
  text-align: left; padding: 0.3rem 0.9rem 0.3rem 0; vertical-align: top;
  border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums;
}
.warning {
  border-left: 4px solid #D55E00; background: var(--shade);
  padding: 0.6rem 1rem;
}
details { margin: 0.8rem 0; }
summary { cursor: pointer; padding: 0.2rem 0; }
@media (max-width: 40rem) {
  body { padding: 1rem; }
  h1 { font-size: 1.6rem; }
  table { font-size: 0.82rem; }
  .said { padding: 0.6rem 0.8rem 0.6rem 1.6rem; }
}
@media print {
  :root { color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, details:not([open]) { display: none; }
  .table { overflow: visible; }
  table { font-size: 8pt; }
  h1, h2, h3, summary { break-after: avoid; }
  h2 { margin-top: 1.5rem; }
  figure, tr, li { break-inside: avoid; }
  img { max-height: 22cm; padding: 0; }
}
"""

_PAGE = string.Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
$style</style>
</head>
<body>
<h1>$title</h1>
<p class="note">$about</p>
$warning
$body
</body>
</html>
""")
