"""How good a generator is over several seeds: the figures of finished runs.

python -m benchmarks.generators --runs runs/portraits-0 runs/portraits-1

Trains and measures nothing: each run is one of `training.train_vae` that
`training.evaluate_vae` has looked at.
"""

import dataclasses
import pathlib

import numpy as np

from benchmarks.tables import print_markdown
from tp_keras.command_line import command_line
from tp_keras.errors import UserError
from tp_keras.records.table import UNDEFINED
from training.command import run
from training.command import start_tensorflow


@dataclasses.dataclass(frozen=True)
class Generators:
    """Prints each figure of the summary: mean, lowest and highest of runs."""

    runs: tuple[pathlib.Path, ...]
    """Folders of the runs, those of one recipe with different seeds."""
    split: str = "test"
    """The split that they were measured on."""

    def execute(self) -> None:
        """Reads the records and prints the table."""
        start_tensorflow()
        if len({path.resolve() for path in self.runs}) < len(self.runs):
            raise UserError(
                "Expected each run once. Received: runs="
                f"{' '.join(map(str, self.runs))}"
            )
        figures = [read_figures(path, self.split) for path in self.runs]
        first, *others = [read_measured_by(p, self.split) for p in self.runs]
        for path, other in zip(self.runs[1:], others, strict=True):
            if other != first:
                raise UserError(
                    "Expected runs that were measured on the same portraits, "
                    "with the same settings and independent judges. Received: "
                    f"{path} beside {self.runs[0]}"
                )
        print_markdown(
            ("figure", "mean", "lowest", "highest", "runs"),
            table_rows(figures),
        )


def read_measured_by(path, split) -> dict:
    """Returns what figures of a run must share to be compared.

    Args:
        path: Folder of the run.
        split: The split that it was measured on.
    """
    from tp_keras.records.report import read_measured

    folder = path / "generation" / split
    facts = read_measured(folder, _command(path))
    # Each has a judge of its own, trained alike.
    return {
        name: value
        for name, value in facts.items()
        if name not in ("judge", "rivals")
    }


def read_figures(path, split) -> dict[str, float | None]:
    """Returns title -> value of the summary of one run.

    Args:
        path: Folder of the run.
        split: The split that it was measured on.

    Raises:
        UserError: If it was not.
    """
    from tp_keras.generator.evaluation.summary import summary_figures
    from tp_keras.generator.training.folder import VaeRunFolder
    from tp_keras.records.record import read_records
    from tp_keras.records.report import RECORDS_NAME

    records = read_records(
        path / "generation" / split / RECORDS_NAME,
        _command(path),
    )
    schema = VaeRunFolder(path).require().schema
    return {
        figure.title: figure.record.value
        for figure in summary_figures(records, schema)
    }


def table_rows(runs) -> list[tuple[str, ...]]:
    """Returns the cells of the table, in the order of the summary.

    Args:
        runs: Title -> value, or None where it is not defined, of each run.
    """
    rows = []
    for title in dict.fromkeys(title for figures in runs for title in figures):
        values = [figures.get(title) for figures in runs]
        known = [value for value in values if value is not None]
        cells = [UNDEFINED] * 3
        if known:
            found = np.mean(known), min(known), max(known)
            cells = [f"{value:.3f}" for value in found]
        rows.append((title, *cells, f"{len(known)} of {len(runs)}"))
    return rows


def _command(path):
    return command_line("training.evaluate_vae", run_dir=path)


if __name__ == "__main__":
    run(Generators)
