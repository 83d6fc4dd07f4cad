"""Evaluates a trained run.

python -m training.evaluate --run_dir runs/demo
"""

import dataclasses

from .command import run
from .command import shown
from .command import start_tensorflow
from .export import Export


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Measures the model of a run, overall and in each group.

    Writes records, tables and plots into RUN_DIR/evaluation, and a page of
    them, RUN_DIR/evaluation.html.
    """

    run_dir: str
    """Folder of the run, as training wrote it."""

    data_dir: str | None = None
    """Folder of the prepared data sets. Default: that of the run."""

    dataset: str | None = None
    """Data set to evaluate on. Default: the one the run was trained on, or each
    of several, with a folder and a page of its own."""

    split: str = "test"
    """Split to evaluate, or a slice of one such as 'test[:100]'."""

    def execute(self) -> None:
        """Evaluates, and prints the figures and where they lie."""
        start_tensorflow()
        from tp_keras.evaluation import run_evaluation
        from tp_keras.evaluation.report import headline_table
        from tp_keras.records.report import page_of
        from tp_keras.records.table import describe
        from tp_keras.records.table import markdown_table

        for records, folder in run_evaluation.evaluate_parts(**vars(self)):
            print(f"\n{describe(records)}\n")
            print(markdown_table(headline_table(records)))
            print(f"Tables, plots and records: {folder}")
            print(f"Page: {page_of(folder)}")
        print(f"Next: {shown(Export(self.run_dir))}")


if __name__ == "__main__":
    run(Evaluate)
