"""Measures how good the portraits of a generator are.

python -m training.evaluate_vae --run_dir runs/vae
"""

import dataclasses

from tp_keras.generator.config import GenerationSettings

from .command import run
from .command import shown
from .command import start_tensorflow
from .generate import Generate


@dataclasses.dataclass(frozen=True)
class EvaluateVae:
    """Measures the portraits of a generator beside real ones.

    A judge, a classifier of portraits that the generator has not seen, is
    trained first if there is none. Writes records, tables and pictures into
    RUN_DIR/generation, and a page of them all, RUN_DIR/generation.html.
    """

    run_dir: str
    """Folder of the run, as training.train_vae wrote it."""

    judge_run: str | None = None
    """Folder of a classifier's run to judge with, trained on portraits that
    the generator has not seen. Default: RUN_DIR/judge, trained if need be as
    the classifier that the generator's loss looks through."""

    split: str = "test"
    """Split that all is held against."""

    settings: GenerationSettings = dataclasses.field(
        default_factory=GenerationSettings
    )

    def execute(self) -> None:
        """Measures, and prints the summary and where all lies."""
        start_tensorflow()
        from tp_keras.generator.evaluation.report import summarize
        from tp_keras.generator.evaluation.run_generation import (
            evaluate_vae_run,
        )
        from tp_keras.records.report import page_of
        from tp_keras.records.table import describe
        from tp_keras.records.table import markdown_table

        records, folder, schema = evaluate_vae_run(
            self.run_dir, self.judge_run, self.split, self.settings
        )
        summary = summarize(records, schema)
        print(f"\n{describe(records)} {self.settings.caption}.\n")
        print(f"{markdown_table(summary.frame)}\n{summary.note}\n")
        print(f"Tables, plots and records: {folder}")
        print(f"The page: {page_of(folder)}")
        print(f"Next: {shown(Generate(self.run_dir))}")


if __name__ == "__main__":
    run(EvaluateVae)
