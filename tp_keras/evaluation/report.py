"""The folder of an evaluation: records, tables and plots."""

import os
import pathlib
from collections.abc import Mapping
from collections.abc import Sequence

from tp_keras import files
from tp_keras.errors import UserError
from tp_keras.evaluation import places
from tp_keras.evaluation import plots
from tp_keras.evaluation import table
from tp_keras.records import record as records_lib
from tp_keras.records.record import Record

RECORDS_NAME = "records.jsonl"
TABLE_NAME = "table.md"


def write_evaluation(
    folder: str | os.PathLike,
    records: Sequence[Record],
    facts: Mapping | None = None,
) -> list[pathlib.Path]:
    """Writes `records.jsonl`, `table.md` and the plots of it into `folder`.

    The folder appears whole or not at all. Tables and plots are made from the
    records as they stand in the file.

    Args:
        folder: Folder to write; one of an earlier evaluation is replaced.
        records: What `evaluate_predictions` returned.
        facts: What `measured.json` shall say of them; None leaves it out.

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
    with files.new_folder(folder) as aside:
        records_lib.write_records(aside / RECORDS_NAME, records)
        written = records_lib.read_records(aside / RECORDS_NAME)
        (aside / TABLE_NAME).write_text(
            table.full_report(written), encoding="utf-8"
        )
        plots.write_plots(aside, written)
        if facts is not None:
            places.write_measured(aside, facts)
        names = sorted(path.name for path in aside.iterdir())
    return [folder / name for name in names]
