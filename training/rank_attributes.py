"""Ranks the attributes of a table by how they go with a target.

python -m training.rank_attributes --table faces.csv --target popularity
"""

import dataclasses
import pathlib

from tp_keras.ranking.settings import RankingSettings

from .command import data_set
from .command import run


@dataclasses.dataclass(frozen=True)
class RankAttributes:
    """Ranks the attributes of a table by how they go with one of its columns.

    The table is a CSV file with a line of names, or the one of the Selfie data
    set as it comes. Columns may hold classes or numbers.
    """

    table: str
    """File of the table."""

    target: str
    """Name of the column that the others are held against."""

    output_dir: str = "runs/ranking"
    """Folder for records, table, plot and the page `ranking.html`."""

    settings: RankingSettings = dataclasses.field(
        default_factory=RankingSettings
    )

    def execute(self) -> None:
        """Ranks, and prints what was found and where all lies."""
        from tp_keras.ranking import page
        from tp_keras.ranking import summary
        from tp_keras.ranking.rank import rank_attributes
        from tp_keras.records.table import describe

        report_table(
            self,
            "ranking.html",
            rank_attributes,
            page.make_report,
            lambda records: (
                f"{describe(records)}\n",
                page.ranking_table(records),
                summary.sentences(records),
            ),
        )


def report_table(command, page_name, measure, make_report, tell) -> None:
    """Measures the table of a command, writes a report and prints what it says.

    Args:
        command: Has `table`, `target`, `output_dir` and `settings`.
        page_name: Name of the page in the folder.
        measure: Function of table, target, settings and name to records.
        make_report: Function of records to a `Report`.
        tell: Function of records to a text, a table and sentences.
    """
    from tp_keras.ranking.table_file import read_table
    from tp_keras.records.report import check_folder
    from tp_keras.records.report import write_report
    from tp_keras.records.table import markdown_table

    folder = pathlib.Path(command.output_dir)
    check_folder(folder)
    table = read_table(command.table, data_set("selfies.table").layout)
    name = pathlib.Path(command.table).name
    records = measure(table, command.target, command.settings, name)
    facts = {"table": command.table, "rows": len(table)}
    facts["settings"] = dataclasses.asdict(command.settings)
    page_path = folder / page_name
    write_report(folder, page_path, records, make_report, facts)
    text, frame, sentences = tell(records)
    print(f"\n{text}\n{markdown_table(frame)}")
    print("\n".join(f"* {sentence}" for sentence in sentences))
    print(f"\nTable, plot and records: {folder}\nThe page: {page_path}")


if __name__ == "__main__":
    run(RankAttributes)
