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
        from tp_keras.ranking.table_file import read_table
        from tp_keras.records.report import check_folder
        from tp_keras.records.report import write_report
        from tp_keras.records.table import describe
        from tp_keras.records.table import markdown_table

        check_folder(self.output_dir)
        table = read_table(self.table, data_set("selfies.table").layout)
        name = pathlib.Path(self.table).name
        records = rank_attributes(table, self.target, self.settings, name)
        folder = pathlib.Path(self.output_dir)
        page_path = folder / "ranking.html"
        facts = {"table": self.table, "rows": len(table)}
        facts["settings"] = dataclasses.asdict(self.settings)
        write_report(folder, page_path, records, page.make_report, facts)
        print(f"\n{describe(records)}\n")
        print(markdown_table(page.ranking_table(records)))
        print("\n".join(f"* {text}" for text in summary.sentences(records)))
        print(f"\nTable, plot and records: {folder}\nThe page: {page_path}")


if __name__ == "__main__":
    run(RankAttributes)
