"""The folder of a report: records, tables, plots, and the page of them."""

import json
import os
import pathlib
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tp_keras import files
from tp_keras.errors import UserError
from tp_keras.errors import check_types
from tp_keras.records.page import make_page
from tp_keras.records.page_parts import Plot
from tp_keras.records.page_parts import Report
from tp_keras.records.page_parts import Section
from tp_keras.records.page_parts import Table
from tp_keras.records.record import Record
from tp_keras.records.record import read_records
from tp_keras.records.record import write_records
from tp_keras.records.table import describe
from tp_keras.records.table import markdown_table

RECORDS_NAME = "records.jsonl"
TABLE_NAME = "table.md"

# What the page shows, as data.
REPORT_NAME = "report.json"

# In a folder of figures: what they are of, and how they were measured.
MEASURED_NAME = "measured.json"

_TEST = "test"


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

    Raises:
        UserError: As of `check_folder`.
    """
    check_folder(folder)
    folder, page_path = pathlib.Path(folder), pathlib.Path(page_path)
    with files.new_folder(folder) as aside:
        write_records(aside / RECORDS_NAME, records)
        written = read_records(aside / RECORDS_NAME)
        report = make_report(written)
        about = describe(written)
        write_parts(aside, report, about)
        checksums = {
            name: files.sha256(aside / name)
            for name in (RECORDS_NAME, REPORT_NAME)
        }
        files.write_json(
            aside / MEASURED_NAME, {**facts, "checksums": checksums}, True
        )
        for name, frame in (lists or {}).items():
            frame.to_csv(aside / f"{name}.csv", index=False)
        page = make_page(report, about, aside)
        inside = page_path.parent == folder
        files.write_text(aside / page_path.name if inside else page_path, page)


def check_folder(folder: str | os.PathLike, name: str = RECORDS_NAME) -> None:
    """Raises unless a report may take the place of a folder.

    That is one that isn't there, is empty or holds an earlier report; for
    commands to ask before they begin.

    Args:
        folder: The folder.
        name: A file that such a report has.

    Raises:
        UserError: If it is another one.
        OSError: If nothing can be written there.
    """
    folder = pathlib.Path(folder).resolve()
    own = (folder / name).is_file() and folder != pathlib.Path.cwd()
    if folder.exists() and not own and not _is_empty(folder):
        raise UserError(
            "Expected an empty folder or that of an earlier report, as what is "
            f"in it is replaced. Received: {folder}"
        )
    files.check_place(folder)


def _is_empty(folder):
    return folder.is_dir() and not any(folder.iterdir())


def write_parts(folder: str | os.PathLike, report: Report, about: str) -> None:
    """Writes the plots of a report, its Markdown, and what `read_report` reads.

    A sentence says what it is `about`.
    """
    folder = pathlib.Path(folder)
    for section in report.sections:
        for plot in section.plots:
            with files.replaced(folder / plot.file_name) as aside:
                FigureCanvasAgg(plot.figure).print_png(aside)
    files.write_text(folder / TABLE_NAME, make_markdown(report, about))
    text = json.dumps(report, default=_plain, indent=1)
    files.write_text(folder / REPORT_NAME, f"{text}\n")


def _plain(part) -> dict:
    """Returns the fields of a part of a report as JSON can hold them."""
    fields = {name: v for name, v in vars(part).items() if name != "figure"}
    if isinstance(part, Table):
        frame = fields.pop("frame").astype(str)
        fields |= {"columns": [*map(str, frame)], "rows": frame.values.tolist()}
    return fields


def read_report(
    folder: str | os.PathLike,
    remedy: str = "the command that wrote the folder",
) -> Report:
    """Reads a report from its folder, with plots as files alone.

    Raises:
        UserError: If there is none, or one that this version doesn't read; the
            `remedy` is what to measure again with.
    """
    path = pathlib.Path(folder, REPORT_NAME)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        values["sections"] = [
            _part(
                Section,
                section
                | {
                    "summary": section["summary"]
                    and _table(section["summary"]),
                    "plots": [_part(Plot, plot) for plot in section["plots"]],
                    "tables": [_table(one) for one in section["tables"]],
                },
            )
            for section in values["sections"]
        ]
        return _part(Report, values)
    except (OSError, ValueError, KeyError, TypeError, UserError) as error:
        raise UserError(
            f"There is no report that can be read at {path}. Measure again "
            f"with {remedy}. Received: {type(error).__name__}: {error}"
        ) from error


def read_measured(folder: str | os.PathLike, command: str, **kinds) -> dict:
    """Returns what `measured.json` says, nothing where it isn't there.

    Args:
        folder: The folder of figures.
        command: What measures them again.
        **kinds: Name -> type of values that may be there.

    Raises:
        UserError: If it is damaged, or records or report are others than it
            tells.
    """
    folder, remedy = pathlib.Path(folder), f"measure again with `{command}`"
    kinds["checksums"] = dict
    try:
        facts = files.read_json(folder / MEASURED_NAME, remedy, **kinds)
    except FileNotFoundError:
        return {}
    for name, noted in facts.pop("checksums", {}).items():
        path = folder / name
        if not path.is_file() or files.sha256(path) != noted:
            raise UserError(
                f"Expected {path} as it was written; {remedy}. Received: other "
                "bytes, or none"
            )
    return facts


def _part(cls, values):
    check_types(cls, values)
    return cls(**values)


def _table(values) -> Table:
    columns, rows = values.pop("columns"), values.pop("rows")
    lines = [columns, *rows]
    if not all(isinstance(cell, str) for line in lines for cell in line):
        raise TypeError("a cell of a table is no text")
    frame = pd.DataFrame(rows, columns=columns)
    return _part(Table, values | {"frame": frame})


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
