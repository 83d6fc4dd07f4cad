"""Measures how well the columns of a table tell one of numbers.

python -m training.predict_column --table faces.csv --target popularity
"""

import dataclasses
import pathlib

from tp_keras.ranking.prediction import PredictionSettings

from .command import data_set
from .command import run


@dataclasses.dataclass(frozen=True)
class PredictColumn:
    """Tells a number from all other columns, and shows what leaks.

    The table is a CSV file with a line of names, or the one of the Selfie data
    set as it comes.
    """

    table: str
    """File of the table."""

    target: str
    """Name of the column to tell, of numbers."""

    output_dir: str = "runs/prediction"
    """Folder for records, table, plot and the page `prediction.html`."""

    settings: PredictionSettings = dataclasses.field(
        default_factory=PredictionSettings
    )

    def execute(self) -> None:
        """Learns, and prints what was found and where all lies."""
        from tp_keras.ranking import prediction_page
        from tp_keras.ranking.prediction import predict_column
        from tp_keras.ranking.table_file import read_table
        from tp_keras.records.report import check_folder
        from tp_keras.records.report import write_report
        from tp_keras.records.table import markdown_table

        check_folder(self.output_dir)
        table = read_table(self.table, data_set("selfies.table").layout)
        name = pathlib.Path(self.table).name
        records = predict_column(table, self.target, self.settings, name)
        folder = pathlib.Path(self.output_dir)
        page_path = folder / "prediction.html"
        facts = {"table": self.table, "rows": len(table)}
        facts["settings"] = dataclasses.asdict(self.settings)
        write_report(
            folder, page_path, records, prediction_page.make_report, facts
        )
        print(f"\n{markdown_table(prediction_page.table_of(records))}")
        lines = prediction_page.sentences(records)
        print("\n".join(f"* {text}" for text in lines))
        print(f"\nTable, plot and records: {folder}\nThe page: {page_path}")


if __name__ == "__main__":
    run(PredictColumn)
