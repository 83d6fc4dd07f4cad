"""The folder of a report: records, tables, plots, and the page of them."""

import os
import pathlib
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg

from tp_keras import files
from tp_keras.records.page import make_page
from tp_keras.records.page_parts import Report
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
        facts: What `measured.json` shall say of them, beside what the plots
            show: whoever has the folder can show them again.
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
        plots = [
            {
                "section": section.title,
                "file_name": plot.file_name,
                "title": plot.title,
                "how_to_read": plot.how_to_read,
            }
            for section in report.sections
            for plot in section.plots
        ]
        measured = {**facts, **({"plots": plots} if plots else {})}
        files.write_json(aside / MEASURED_NAME, measured)
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
