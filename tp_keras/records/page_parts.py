"""What the pages of reports share: tables, plots and their HTML."""

import base64
import dataclasses
import html
import pathlib
from collections.abc import Sequence

from tp_keras.records.table import markdown_table

STYLE = """\
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
"""

_WARNING = """\
<p class="warning">This page shows real portraits. They must not be copied or
published: it must not leave this machine.</p>
"""

_SYNTHETIC = "synthetic"


@dataclasses.dataclass(frozen=True)
class Table:
    """A table that is yet neither Markdown nor HTML.

    Attributes:
        title: What it holds.
        note: How to read it, in a sentence or a few.
        header: Names of the columns.
        rows: Cells of each row.
    """

    title: str
    note: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Returns the table alone, without title and note."""
        return markdown_table(self.header, self.rows)


@dataclasses.dataclass(frozen=True)
class Plot:
    """A plot, and how to read it.

    Attributes:
        file_name: Name of the PNG file.
        title: What it shows.
        how_to_read: What to look at, and what would be good.
    """

    file_name: str
    title: str
    how_to_read: str


def warning_html(dataset: str | None) -> str:
    """Returns the warning of a page that may show people, else nothing.

    Args:
        dataset: Name of the data set; one without a name may show people.
    """
    return "" if f"/{_SYNTHETIC}" in (dataset or "") else _WARNING


def figure_html(path: pathlib.Path, plot: Plot) -> str:
    """Returns a picture as a part of the page, with how to read it.

    Args:
        path: The PNG file.
        plot: Its title, and how to read it.
    """
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return (
        f"<h3>{html.escape(plot.title)}</h3>\n<figure>\n"
        f'<img alt="{html.escape(plot.title)}" '
        f'src="data:image/png;base64,{data}">\n'
        f"<figcaption>{html.escape(plot.how_to_read)}</figcaption>\n</figure>"
    )


def details_html(item: Table) -> str:
    """Returns a table to unfold."""
    return (
        f"<details>\n<summary>{html.escape(item.title)}</summary>\n"
        f'<p class="note">{html.escape(item.note)}</p>\n'
        f"{table_html(item)}\n</details>"
    )


def table_html(item: Table) -> str:
    """Returns a table."""
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
