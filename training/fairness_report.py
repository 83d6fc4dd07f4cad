"""Measures how far a run's hair attributes depend on gender.

python -m training.fairness_report --run_dir runs/demo
"""

import dataclasses

from tp_keras.fairness.settings import FairnessSettings

from .command import run
from .command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class FairnessReport:
    """Measures hair colour and hair type of a run with regard to gender.

    Writes records, tables and plots into RUN_DIR/fairness, and a page of them
    all, RUN_DIR/fairness.html.
    """

    run_dir: str
    """Folder of the run, as training wrote it."""

    data_dir: str | None = None
    """Folder of the prepared data sets. Default: that of the run."""

    dataset: str | None = None
    """Data set to measure on. Default: the one the run was trained on."""

    split: str = "test"
    """Split to measure on, or a slice of one such as 'test[:100]'. Probes are
    trained on a part of it, and tested on the rest."""

    settings: FairnessSettings = dataclasses.field(
        default_factory=FairnessSettings
    )

    def execute(self) -> None:
        """Measures, and prints the summary and where all lies."""
        start_tensorflow()
        from tp_keras.fairness import report
        from tp_keras.fairness import table
        from tp_keras.records.table import describe

        records, folder = report.run_fairness_report(
            self.run_dir,
            self.data_dir,
            self.dataset,
            self.split,
            settings=self.settings,
        )
        print(f"\n{describe(records)}\n")
        print(table.summary_text(records))
        print(f"Tables, plots and records: {folder}")
        print(f"The page: {report.fairness_page(folder)}")


if __name__ == "__main__":
    run(FairnessReport)
