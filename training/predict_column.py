"""Measures how well the columns of a table tell one of numbers.

python -m training.predict_column --table faces.csv --target popularity
"""

import dataclasses

from tp_keras.ranking.prediction import PredictionSettings

from .command import run
from .rank_attributes import report_table


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
        from tp_keras.ranking import prediction_page as page
        from tp_keras.ranking.prediction import predict_column

        report_table(
            self,
            "prediction.html",
            predict_column,
            page.make_report,
            lambda records: (
                "",
                page.table_of(records),
                page.sentences(records),
            ),
        )


if __name__ == "__main__":
    run(PredictColumn)
