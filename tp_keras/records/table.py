"""Records as tables: one pivot to a data frame, and Markdown of it."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence

import pandas as pd

from tp_keras.records.record import Record

UNDEFINED = "-"

# Names of columns that no caller has, as they are no text.
_COLUMN, _CELL = 0, 1


def describe(records: Sequence[Record]) -> str:
    """Returns one sentence that says what was evaluated."""
    first = records[0]
    parts = [f"`{first.dataset}`"] if first.dataset else []
    parts += [f"split `{first.split}`"] if first.split else []
    about = f"Data: {', '.join(parts)}. " if parts else ""
    return f"{about}Seed of the run: {first.seed}."


def format_figure(record: Record) -> str:
    """Returns `0.934 [0.912, 0.951]`, or a dash for what is not defined."""
    if record.value is None:
        return UNDEFINED
    if record.low is None:
        return f"{record.value:.3f}"
    return f"{record.value:.3f} [{record.low:.3f}, {record.high:.3f}]"


def format_count(record: Record) -> str:
    """Returns how many rows a figure rests on: `1,234`."""
    return f"{record.count:,}"


def format_with_count(record: Record) -> str:
    """Returns `0.934 [0.912, 0.951] (n = 1,234)`."""
    return f"{format_figure(record)} (n = {format_count(record)})"


def figure_table(
    records: Iterable[Record],
    rows: Mapping[str, str | Callable[[Record], str]],
    columns: str | Callable[[Record], str] = "group",
    titles: Mapping[str, str] | None = None,
    form: Callable[[Record], str] = format_figure,
    more: Mapping[str, Callable[[Record], str]] | None = None,
) -> pd.DataFrame:
    """Pivots records into a table of texts, in the order that they come in.

    A cell without a record holds a dash.

    Args:
        records: What to show; no two may fall into one cell.
        rows: Heading -> field of a record, or function of it, that tells rows
            apart.
        columns: Field or function that tells columns apart.
        titles: Metric -> what the table calls it; others are left out. None
            shows all by their names.
        form: Function of a record: the text of its cell.
        more: Heading -> function of a record: a column on the right, with the
            first text of the row that isn't empty.

    Example:
        >>> rows = {"task": "task", "figure": "metric"}
        >>> figure_table(records, rows, more={"n": format_count})
    """
    more = more or {}

    def read(record, key):
        value = key(record) if callable(key) else getattr(record, key)
        if key == "metric" and titles:
            value = titles[value]
        return "" if value is None else str(value)

    cells = pd.DataFrame(
        [
            {title: read(record, key) for title, key in rows.items()}
            | {_COLUMN: read(record, columns), _CELL: form(record)}
            | {title: text(record) for title, text in more.items()}
            for record in records
            if titles is None or record.metric in titles
        ],
        columns=[*rows, _COLUMN, _CELL, *more],
    )
    table = cells.set_index([*rows, _COLUMN])[_CELL].unstack(sort=False)
    by_row = cells.groupby([*rows], sort=False)
    for title in more:
        table[title] = by_row[title].agg(lambda texts: max(texts, key=bool))
    return table.fillna(UNDEFINED).rename_axis(columns=None).reset_index()


def markdown_table(frame: pd.DataFrame) -> str:
    """Returns a Markdown table whose columns are padded to equal width."""
    lines = [[str(name) for name in frame.columns]]
    lines += [[str(cell) for cell in row] for row in frame.values]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    return "".join(
        f"| {' | '.join(map(str.ljust, line, widths))} |\n" for line in lines
    )
