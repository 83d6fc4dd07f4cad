"""A report as one HTML page that loads nothing, and the style of all pages."""

import base64
import html
import os
import pathlib
import string

from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Table

_MOST_WITHOUT_CONTENTS = 5

# Pictures of so many pixels can be read when they are as wide as a phone;
# wider ones are moved aside instead.
_NARROW = 640


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
        parts += [table_html(section.summary)] if section.summary else []
        parts += [
            figure_html(
                pathlib.Path(folder, plot.file_name),
                plot.title,
                plot.how_to_read,
            )
            for plot in section.plots
        ]
        parts += [
            f"<details>\n<summary>{html.escape(table.title)}</summary>\n"
            f"{table_html(table)}\n</details>"
            for table in section.tables
        ]
    return _PAGE.substitute(
        title=html.escape(report.title),
        style=STYLE,
        about=html.escape(about.replace("`", "")),
        warning=WARNING if report.shows_people else "",
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


def table_html(table: Table) -> str:
    """Returns a table, under how to read it."""
    text = table.frame.to_html(index=False, border=0, justify="left")
    note = f'<p class="note">{html.escape(table.note)}</p>\n'
    return f'{note if table.note else ""}<div class="table">{text}</div>'


def figure_html(
    path: str | os.PathLike, title: str, how_to_read: str = ""
) -> str:
    """Returns a picture, the PNG file of a path, with title and caption."""
    data = pathlib.Path(path).read_bytes()
    title = html.escape(title)
    # Its width, as every PNG file tells.
    wide = int.from_bytes(data[16:20]) > _NARROW
    look = ' class="wide"' if wide else ""
    return (
        f'<h3>{title}</h3>\n<figure>\n<img{look} alt="{title}" '
        f'src="data:image/png;base64,{base64.b64encode(data).decode()}">\n'
        f"<figcaption>{html.escape(how_to_read)}</figcaption>\n</figure>"
    )


WARNING = """\
<p class="warning">This page shows people. Their portraits must not be copied or
published: it must not leave this machine.</p>"""

STYLE = """\
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
  figure { overflow-x: auto; }
  figure img.wide { max-width: max(100%, 38rem); }
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
