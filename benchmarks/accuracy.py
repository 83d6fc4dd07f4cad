"""Test accuracy of an experiment over several seeds, with training time.

python -m benchmarks.accuracy --experiment real

Each seed is a run of its own by the commands `training.train` and
`training.evaluate`; a finished run is read, not repeated.
"""

import dataclasses
import pathlib
import statistics

from benchmarks.finished_runs import run_module
from benchmarks.tables import print_markdown
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import read_records
from tp_keras.runs.run_folder import RunFolder
from training.command import run

# Metric of the evaluation -> what a column says.
HEADINGS = {
    "accuracy": "{0.task}",
    "mae": "{0.task} mean error",
    "within_tolerance": "{0.task} within {0.variant}",
}


@dataclasses.dataclass(frozen=True)
class Accuracy:
    """Trains an experiment with several seeds and prints the figures."""

    experiment: str = "demo"
    """Name of an experiment of training/configs."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """One run each."""
    flags: str = ""
    """More flags of training.train, in one string."""
    name: str = ""
    """Names the runs, when flags make them differ from the experiment."""
    data_dir: pathlib.Path = pathlib.Path("data/tfds")
    """Folder of the prepared data sets."""

    def execute(self) -> None:
        """Trains, evaluates, prints a table."""
        name = self.name or self.experiment
        rows = []
        for seed in self.seeds:
            folder = pathlib.Path("runs/accuracy") / f"{name}-seed{seed}"
            records = folder / "evaluation" / "test" / "records.jsonl"
            if not records.exists():
                run_module(
                    "training.train",
                    self.experiment,
                    *self.flags.split(),
                    *("--run_dir", folder, "--seed", seed),
                    *("--data_dir", self.data_dir),
                )
                run_module("training.evaluate", "--run_dir", folder)
            rows.append((seed, RunFolder(folder).facts, read_records(records)))
        print_table(f"{name}, test split", rows)


def print_table(title, rows):
    """Prints figures by seed, and their means over the seeds.

    Accuracy of classes; of numbers the mean absolute error, and the share
    within the tolerance; of flags the mean of their accuracies.

    Args:
        title: What was measured.
        rows: Sequence of `(seed, facts of the run, records)`.
    """
    print(f"\n{title}\n")
    figures = [headline(records) for _, _, records in rows]
    names = list(figures[0])
    cells = [
        [
            str(seed),
            str(round(facts["seconds"])),
            str(facts["best_epoch"]),
            *(
                f"{own[name].value:.3f} (n = {own[name].count})"
                for name in names
            ),
        ]
        for (seed, facts, _), own in zip(rows, figures, strict=True)
    ]
    seconds = statistics.mean(facts["seconds"] for _, facts, _ in rows)
    means = [
        statistics.mean(own[name].value for own in figures) for name in names
    ]
    cells.append(
        ["mean", str(round(seconds)), "", *(f"**{x:.3f}**" for x in means)]
    )
    print_markdown(["seed", "train s", "best epoch", *names], cells)


def headline(records) -> dict[str, Record]:
    """Returns the figures of all portraits that a table shows, by heading."""
    return {
        HEADINGS[record.metric].format(record): record
        for record in find(records, group=ALL, class_name=None)
        if record.metric in HEADINGS and record.value is not None
    }


if __name__ == "__main__":
    run(Accuracy)
