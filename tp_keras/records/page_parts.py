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
    """A table, and how to read it.

    Attributes:
        title: What it holds.
        note: How to read it, in a sentence or a few.
        frame: Its cells, as text.
    """

    title: str
    note: str
    frame: pd.DataFrame


@dataclasses.dataclass(frozen=True)
class Plot:
    """A plot, and how to read it.

    Attributes:
        file_name: Name of the PNG file.
        title: What it shows.
        how_to_read: What to look at, and what would be good.
        figure: The drawing.
    """

    file_name: str
    title: str
    how_to_read: str
    figure: Figure


@dataclasses.dataclass(frozen=True)
class Section:
    """A part of a report.

    Attributes:
        title: Its heading.
        text: Prose in HTML; the Markdown goes without it.
        sentences: Plain sentences, shown as a list.
        summary: The table that everybody should read.
        plots: Plots, on the page alone.
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

    Attributes:
        title: Its heading.
        sections: Its parts, in order.
        shows_people: Whether its pictures may show people, and must stay on
            the machine.
    """

    title: str
    sections: Sequence[Section]
    shows_people: bool


@dataclasses.dataclass(frozen=True)
class SummaryFigure:
    """One figure that a reader must know.

    Attributes:
        title: What it is.
        record: The figure.
        compare: What it is to be compared with.
        sentence: What it says, in plain words.
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
    """Returns the table of figures that a reader must know.

    Args:
        items: The figures.
        note: How to read it.
        compare: Heading of what they are compared with.
        form: Function of a record: the text of its cell.
    """
    frame = pd.DataFrame(
        [
            (
                item.title,
                form(item.record),
                item.compare,
                format_count(item.record),
            )
            for item in items
        ],
        columns=["figure", "found", compare, "n"],
    )
    return Table("Summary", note, frame)
