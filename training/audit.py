"""Audits a data set: what is peculiar about its portraits and labels.

python -m training.audit --data_dir data/tfds --dataset tiny_portraits/synthetic
"""

import dataclasses

from .command import run
from .command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class Audit:
    """Looks for what is peculiar about a prepared data set.

    Writes a page, plots, records and lists of portraits into OUTPUT_DIR, and
    begins with what is peculiar, in plain sentences.
    """

    data_dir: str = "data/tfds"
    """Folder of the prepared data sets."""

    dataset: str = "tiny_portraits/synthetic"
    """Data set to audit."""

    run_dir: str | None = None
    """Folder of a run trained on such portraits, whose embedding tells which of
    them are alike. Default: their pixels tell it."""

    generator_run: str | None = None
    """Folder of a generator's run: what it can't draw is unusual."""

    splits: tuple[str, ...] = ()
    """Splits to audit, or slices such as 'train[:1000]'. Default: train,
    validation and test, as far as they exist."""

    checks: tuple[str, ...] = ()
    """Checks to run, of balance, duplicates, outliers, label_issues, cues and
    pictures. Default: all."""

    output_dir: str = "audit"
    """Folder to write, new or that of an earlier audit."""

    seed: int = 0
    """Seed of all that is drawn by chance."""

    def execute(self) -> None:
        """Audits, and prints what is peculiar and where all lies."""
        start_tensorflow()
        from tp_keras.audit.audit import run_audit

        sentences, page = run_audit(**vars(self))
        print("\nWhat is peculiar:\n")
        for sentence in sentences:
            print(f"* {sentence}")
        print(f"\nTables, plots, lists and records: {page.parent}")
        print(f"The page: {page}")


if __name__ == "__main__":
    run(Audit)
