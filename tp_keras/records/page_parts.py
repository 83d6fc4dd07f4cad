"""What a report is made of: tables, plots, sections."""

import dataclasses
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from tp_keras.records.record import Record
from tp_keras.records.table import format_count
from tp_keras.records.table import format_figure


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of texts: what it holds, how to read it, and its cells."""

    title: str
    note: str
    frame: pd.DataFrame


@dataclasses.dataclass(frozen=True)
class Plot:
    """A plot: its PNG file, what it shows, what would be good, the drawing.

    Without a drawing it is read from the folder of a report.
    """

    file_name: str
    title: str
    how_to_read: str
    figure: Figure | None = None


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a report: the page has all, the Markdown no `text` and plots.

    Attributes:
        text: Prose in HTML.
        sentences: Plain sentences, shown as a list.
        summary: The table that everybody should read.
        tables: Tables to unfold.
    """

    title: str
    text: str = ""
    sentences: Sequence[str] = ()
    summary: Table | None = None
    plots: Sequence[Plot] = ()
    tables: Sequence[Table] = ()


@dataclasses.dataclass(frozen=True)
class Report:
    """All that a reader gets to see of records.

    Where its pictures may show people, it must stay on the machine.
    """

    title: str
    sections: Sequence[Section]
    shows_people: bool


@dataclasses.dataclass(frozen=True)
class SummaryFigure:
    """A figure that a reader must know.

    `compare` is what it is to be compared with, and `sentence` what it says in
    plain words.
    """

    title: str
    record: Record
    compare: str = ""
    sentence: str = ""


def summary_table(
    items: Iterable[SummaryFigure],
    note: str = "",
    compare: str = "to compare with",
    form: Callable[[Record], str] = format_figure,
) -> Table:
    """Returns a table; `compare` is a heading, `form` gives a record's text."""
    rows = [
        (item.title, form(item.record), item.compare, format_count(item.record))
        for item in items
    ]
    frame = pd.DataFrame(rows, columns=["figure", "found", compare, "n"])
    return Table("Summary", note, frame)
