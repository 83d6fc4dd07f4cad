"""The folder of an evaluation: records, tables and plots."""

import os
import pathlib
import shutil
from collections.abc import Sequence

from tp_keras.errors import UserError
from tp_keras.evaluation import plots
from tp_keras.evaluation import records as records_lib
from tp_keras.evaluation import table
from tp_keras.evaluation.records import Record

RECORDS_NAME = "records.jsonl"
TABLE_NAME = "table.md"


def write_evaluation(
    folder: str | os.PathLike, records: Sequence[Record]
) -> list[pathlib.Path]:
    """Writes `records.jsonl`, `table.md` and the plots of it into `folder`.

    The folder is written beside its place and takes it in one go, so that
    figures of two evaluations never lie side by side. Tables and plots are
    made from the records as they stand in the file.

    Args:
        folder: Folder to write; one of an earlier evaluation is replaced.
        records: What `evaluate_predictions` returned.

    Returns:
        The paths of the files in `folder`.

    Raises:
        UserError: If there are no records.
    """
    if not records:
        raise UserError(
            "There are no figures to write. Expected records of an "
            "evaluation. Received: records=[]"
        )
    folder = pathlib.Path(folder)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        records_lib.write_records(aside / RECORDS_NAME, records)
        written = records_lib.read_records(aside / RECORDS_NAME)
        (aside / TABLE_NAME).write_text(
            table.full_report(written), encoding="utf-8"
        )
        plots.write_plots(aside, written)
        names = sorted(path.name for path in aside.iterdir())
        _replace(folder, aside)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return [folder / name for name in names]


def _replace(folder: pathlib.Path, aside: pathlib.Path) -> None:
    """Renames `aside` to `folder`, and then drops what was there before."""
    if not folder.exists():
        os.rename(aside, folder)
        return
    old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
    os.rename(folder, old)
    try:
        os.rename(aside, folder)
    except OSError:
        os.rename(old, folder)
        raise
    shutil.rmtree(old)
