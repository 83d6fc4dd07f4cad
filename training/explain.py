"""Explains what the answers of a run rest on.

python -m training.explain --run_dir runs/demo
"""

import dataclasses

from .command import data_set
from .command import run
from .command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class Explain:
    """Shows where in portraits the evidence for answers lies.

    By occlusion, HiResCAM and integrated gradients, for every task, with shares
    of the evidence by region, and checks whether maps can be trusted. Writes
    records, tables and panels into RUN_DIR/explanations, and a page of them,
    RUN_DIR/explanations.html.
    """

    run_dir: str
    """Folder of the run, as training wrote it."""

    data_dir: str | None = None
    """Folder of the prepared data sets. Default: that of the run."""

    split: str = "test"
    """Split to take portraits of, or a slice of one such as 'test[:100]'; of
    several data sets that of the first."""

    count: int = 200
    """How many portraits to explain, drawn at random."""

    seed: int = 0
    """Seed of that choice, and of all that is drawn by chance."""

    output_dir: str | None = None
    """Folder to write 'explanations' into. Default: that of the run."""

    def execute(self) -> None:
        """Explains, and prints shares by region and where all lies."""
        start_tensorflow()
        from tp_keras.explain.page import evidence_table
        from tp_keras.explain.run_explanations import run_explanations
        from tp_keras.records.report import page_of
        from tp_keras.records.table import markdown_table

        records, folder = run_explanations(
            **vars(self),
            find_regions=data_set("building.regions").find_regions,
        )
        print("\nShare of the evidence by region:\n")
        print(markdown_table(evidence_table(records)))
        print(f"Tables, panels and records: {folder}")
        print(f"Page: {page_of(folder)}")


if __name__ == "__main__":
    run(Explain)
