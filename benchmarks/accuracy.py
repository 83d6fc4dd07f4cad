"""Test accuracy of an experiment over several seeds, with training time.

python -m benchmarks.accuracy --experiment real

Each seed is a run of its own by the commands `training.train` and
`training.evaluate`; a finished run is read, not repeated.
"""

import dataclasses
import pathlib
import statistics
import subprocess
import sys

from tp_keras.records.record import find_one
from tp_keras.records.record import read_records
from tp_keras.runs.run_folder import RunFolder
from tp_keras.tasks import TASK_NAMES
from training.command import run


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


def run_module(module, *words):
    """Runs a command of the project in a process of its own."""
    subprocess.run([sys.executable, "-m", module, *map(str, words)], check=True)


def print_table(title, rows):
    """Prints accuracy by seed, and mean and range over the seeds.

    Args:
        title: What was measured.
        rows: Sequence of `(seed, facts of the run, records)`.
    """
    print(f"\n{title}\n")
    header = ["seed", "train s", "best epoch", *TASK_NAMES]
    print("| " + " | ".join(header) + " |")
    print("|" + " --- |" * len(header))
    values = {task: [] for task in TASK_NAMES}
    for seed, facts, records in rows:
        cells = [seed, round(facts["seconds"]), facts["best_epoch"]]
        for task in TASK_NAMES:
            record = find_one(
                records, metric="accuracy", task=task, group="all"
            )
            values[task].append(record.value)
            cells.append(f"{record.value:.3f} (n = {record.count})")
        print("| " + " | ".join(map(str, cells)) + " |")
    seconds = statistics.mean(facts["seconds"] for _, facts, _ in rows)
    means = [f"**{statistics.mean(values[task]):.3f}**" for task in TASK_NAMES]
    print("| " + " | ".join(["mean", str(round(seconds)), "", *means]) + " |")


if __name__ == "__main__":
    run(Accuracy)
