"""Measures how good the portraits of a generator are.

python -m training.evaluate_vae --run_dir runs/vae
"""

import dataclasses

from tp_keras.command_line import train_command
from tp_keras.generator.config import GenerationSettings

from .command import run
from .command import shown
from .command import start_tensorflow
from .generate import Generate

# The data set that independent judges of another are trained on: experiment
# and variant, of drawn portraits and of real ones, and a task for each judge.
_JUDGES = {
    "tiny_portraits": (
        {
            True: ("demo", "utk_face/synthetic"),
            False: ("utkface", "utk_face/108x84"),
        },
        ("age", "race"),
    ),
    "utk_face": (
        {
            True: ("demo", "tiny_portraits/synthetic"),
            False: ("real", "tiny_portraits/archives"),
        },
        ("gender", "hair_color"),
    ),
}


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

    independent_runs: tuple[str, ...] = ()
    """Folders of classifiers' runs of another data set, finished and trained
    from nothing: through their eyes no training of the generator ever looked,
    so what they say is the headline of the summary."""

    rivals: tuple[str, ...] = ()
    """Folders of PNG files of the same size by other generators, as
    training.generate writes them, or NAME=FOLDER; at least as many as test
    portraits are used. With a portraits.csv that tells their labels they are
    asked for what they show as well; draw them with --cells natural."""

    split: str = "test"
    """Split that all is held against."""

    settings: GenerationSettings = dataclasses.field(
        default_factory=GenerationSettings
    )

    def execute(self) -> None:
        """Measures, and prints the summary and where all lies."""
        start_tensorflow()
        from tp_keras.generator.evaluation.run_generation import (
            evaluate_vae_run,
        )
        from tp_keras.generator.evaluation.summary import summarize
        from tp_keras.records.report import page_of
        from tp_keras.records.table import describe
        from tp_keras.records.table import markdown_table

        records, folder, schema = evaluate_vae_run(
            self.run_dir,
            self.judge_run,
            self.split,
            self.settings,
            independent_runs=self.independent_runs,
            rivals=self.rivals,
        )
        summary = summarize(records, schema)
        print(f"\n{describe(records)} {self.settings.caption}.\n")
        print(f"{markdown_table(summary.frame)}\n{summary.note}\n")
        print(f"Tables, plots and records: {folder}")
        print(f"The page: {page_of(folder)}")
        if not self.independent_runs:
            from tp_keras.generator.training.folder import VaeRunFolder

            advice = judge_commands(VaeRunFolder(self.run_dir).config.data)
            if advice:
                print(advice)
        print(f"Next: {shown(Generate(self.run_dir))}")


def judge_commands(data) -> str:
    """Returns one line on what trains independent judges of a generator.

    Args:
        data: `DataConfig` of the generator.
    """
    family, _, variant = data.dataset.partition("/")
    if family not in _JUDGES:
        return ""
    variants, tasks = _JUDGES[family]
    experiment, dataset = variants[variant.startswith("synthetic")]
    other = dataclasses.replace(data, dataset=dataset)
    folders = [f"runs/judges/{task}" for task in tasks]
    commands = [
        train_command(other, experiment, tasks=task, run_dir=folder)
        for task, folder in zip(tasks, folders, strict=True)
    ]
    return (
        "No independent judge looked at the portraits. Two are trained by "
        f"`{'` and `'.join(commands)}`, and given as --independent_runs "
        f"{' '.join(folders)}."
    )


if __name__ == "__main__":
    run(EvaluateVae)
