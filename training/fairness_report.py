"""Measures how far a run judges guarded tasks by the protected one.

python -m training.fairness_report --run_dir runs/demo
"""

import dataclasses

from tp_keras.fairness.settings import FairnessSettings

from .command import run
from .command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class FairnessReport:
    """Measures the guarded tasks of a run with regard to the protected one.

    Writes records, tables and plots into RUN_DIR/fairness, and a page of them
    all, RUN_DIR/fairness.html.
    """

    run_dir: str
    """Folder of the run, as training wrote it."""

    data_dir: str | None = None
    """Folder of the prepared data sets. Default: that of the run."""

    dataset: str | None = None
    """Data set to measure on. Default: the one the run was trained on, of
    several the first."""

    split: str = "test"
    """Split to measure on, or a slice of one such as 'test[:100]'. Probes are
    trained on a part of it, and tested on the rest."""

    settings: FairnessSettings = dataclasses.field(
        default_factory=FairnessSettings
    )

    def execute(self) -> None:
        """Measures, and prints the summary and where all lies."""
        start_tensorflow()
        from tp_keras.fairness.report import run_fairness_report
        from tp_keras.fairness.summary import summary_text
        from tp_keras.records.report import page_of
        from tp_keras.records.table import describe
        from tp_keras.runs.run_folder import RunFolder

        records, folder = run_fairness_report(
            self.run_dir,
            self.data_dir,
            self.dataset,
            self.split,
            settings=self.settings,
        )
        print(f"\n{describe(records)}\n")
        print(summary_text(records, RunFolder(self.run_dir).schema))
        print(f"Tables, plots and records: {folder}")
        print(f"The page: {page_of(folder)}")


if __name__ == "__main__":
    run(FairnessReport)
