"""Measures a run on the portraits of other data sets.

python -m training.generalise --run_dir runs/real --datasets utk_face/synthetic
"""

import dataclasses

from .command import run
from .command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class Generalise:
    """Measures what a run loses on other portraits, and by what.

    A loss is split into framing (the same pictures, framed like those of the
    training), colour and light (means and contrast made alike), and what is
    left. Writes records, tables and plots into RUN_DIR/generalisation, and a
    page of them, RUN_DIR/generalisation.html.
    """

    run_dir: str
    """Folder of the run, as training wrote it."""

    datasets: tuple[str, ...]
    """Data sets that share a task with it, with pictures of any size."""

    data_dir: str | None = None
    """Folder of the prepared data sets. Default: that of the run."""

    split: str = "test"
    """Split of them, or a slice of one such as 'test[:100]'. The run's own
    portraits are those of its test split; of several data sets that of the
    first."""

    labels: tuple[str, ...] = ()
    """Look at portraits with these labels alone, such as mood=calm,merry or
    age=18-. A data set without such a task is taken whole."""

    output_dir: str | None = None
    """Folder to write 'generalisation' into. Default: that of the run."""

    def execute(self) -> None:
        """Measures, and prints figures, sentences and where all lies."""
        start_tensorflow()
        from tp_keras.data.filters import take_labelled
        from tp_keras.evaluation.generalisation import summary
        from tp_keras.evaluation.generalisation.page import overview_table
        from tp_keras.evaluation.generalisation.run_generalisation import (
            run_generalisation,
        )
        from tp_keras.records.report import page_of
        from tp_keras.records.table import markdown_table
        from tp_keras.runs.run_folder import RunFolder

        records, folder = run_generalisation(
            self.run_dir,
            self.datasets,
            self.data_dir,
            self.split,
            self.output_dir,
            (lambda parts: take_labelled(parts, self.labels))
            if self.labels
            else None,
            " ".join(self.labels),
        )
        schema = RunFolder(self.run_dir).schema
        tasks = summary.shared_tasks(records, schema)
        print(f"\n{markdown_table(overview_table(records, tasks))}")
        print(*summary.say_all(records, schema), sep="\n")
        print(f"Tables, plots and records: {folder}")
        print(f"Page: {page_of(folder)}")


if __name__ == "__main__":
    run(Generalise)
