"""Figures as cells of a table, and tables as Markdown that reads plainly."""

from collections.abc import Sequence

from tp_keras.records.record import Record

_UNDEFINED = "-"


def describe(records: Sequence[Record]) -> str:
    """Returns one sentence that says what was evaluated."""
    first = records[0]
    dataset = f"`{first.dataset}`, " if first.dataset else ""
    return (
        f"Data: {dataset}split `{first.split}`. Seed of the run: {first.seed}."
    )


def format_figure(record: Record) -> str:
    """Returns `0.934 [0.912, 0.951]`, or a dash for what is not defined."""
    if record.value is None:
        return _UNDEFINED
    if record.low is None:
        return f"{record.value:.3f}"
    return f"{record.value:.3f} [{record.low:.3f}, {record.high:.3f}]"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table whose columns are padded to equal width."""
    widths = [
        max(len(cell) for cell in column)
        for column in zip(header, *rows, strict=True)
    ]

    def line(cells):
        padded = (
            cell.ljust(width) for cell, width in zip(cells, widths, strict=True)
        )
        return f"| {' | '.join(padded)} |\n"

    rule = line(["-" * width for width in widths])
    return line(header) + rule + "".join(line(row) for row in rows)
