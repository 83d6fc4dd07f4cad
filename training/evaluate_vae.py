"""Measures how good the portraits of a generator are.

python -m training.evaluate_vae --run_dir runs/vae
"""

import dataclasses

from tp_keras.generator.evaluation.settings import GenerationSettings

from .command import run
from .command import shown
from .command import start_tensorflow
from .configs import EXPERIMENTS
from .generate import Generate

# The experiments whose classifiers judge synthetic and other portraits.
_SYNTHETIC_JUDGE = "demo"
_JUDGE = "real"


@dataclasses.dataclass(frozen=True)
class EvaluateVae:
    """Measures the portraits of a generator beside real ones.

    A judge, a classifier of portraits that the generator has not seen, is
    trained first if there is none. Writes records, tables and pictures into
    RUN_DIR/evaluation/generation, and a page of them all,
    RUN_DIR/generation.html.
    """

    run_dir: str
    """Folder of the run, as training.train_vae wrote it."""

    judge_run: str | None = None
    """Folder of a classifier's run to judge with, trained on portraits that
    the generator has not seen. Default: RUN_DIR/judge, trained if need be."""

    split: str = "test"
    """Split that all is held against."""

    settings: GenerationSettings = dataclasses.field(
        default_factory=GenerationSettings
    )

    def execute(self) -> None:
        """Measures, and prints the summary and where all lies."""
        start_tensorflow()
        from tp_keras.generator.evaluation import report
        from tp_keras.generator.evaluation import run_generation
        from tp_keras.generator.evaluation import table
        from tp_keras.generator.training.folder import VaeRunFolder
        from tp_keras.records.table import describe

        dataset = VaeRunFolder(self.run_dir).require().config.data.dataset
        synthetic = "/synthetic" in dataset
        _, kind = EXPERIMENTS[_SYNTHETIC_JUDGE if synthetic else _JUDGE]
        records, folder = run_generation.evaluate_vae_run(
            self.run_dir, kind, self.judge_run, self.split, self.settings
        )
        summary = table.summary_table(records)
        print(f"\n{describe(records)} {self.settings.caption}.\n")
        print(f"{summary.markdown()}\n{summary.note}\n")
        print(f"Tables, plots and records: {folder}")
        print(f"The page: {report.generation_page(folder)}")
        sheet = Generate(self.run_dir, output="portraits.png")
        print(f"Next: {shown(sheet)}")


if __name__ == "__main__":
    run(EvaluateVae)
