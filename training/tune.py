"""Searches for a backbone and its settings, at equal training time.

python -m training.tune --base real --budget_seconds 60 --trials 20
python -m training.tune --base demo --tuner hyperband --workers 2

The same command goes on after a stop, and reports a finished search again. On
several hosts it is given to all of them, with the variables of keras-tuner: see
docs/scale.md.
"""

import dataclasses
import pathlib

from tp_keras.errors import UserError
from tp_keras.errors import check_range
from tp_keras.tuning.search_settings import SearchSettings
from tp_keras.tuning.search_space import SearchSpace

from .command import kept
from .command import run
from .command import start_tensorflow
from .configs import EXPERIMENTS


@dataclasses.dataclass(frozen=True)
class Tune:
    """Tries backbones and settings, each for the same time.

    Writes a run for each trial, a table of all, a plot of accuracy against
    latency, and the command that trains the best.
    """

    base: str = "real"
    """Experiment that has all other settings: demo, real, reference, utkface,
    hidden_criterion or selfies."""
    tuner: str = "bayesian"
    """`bayesian`, or `hyperband`: many trials on a ninth of the budget, the
    best of them on more."""
    budget_seconds: float = 60.0
    """Seconds of training for a trial."""
    trials: int = 20
    """Number of trials; of Hyperband, each rung counts."""
    workers: int = 0
    """Processes that try beside each other, each with its share of the
    processors; 0: one after the other, or none beside a chief. Their
    latencies and speeds are measured beside the others' training. With
    `--storage disk` they share the decoded pixels."""
    patience_seconds: float = 60.0
    """On several hosts: a chief or a worker that gives no sign for so long is
    lost, and another worker gets its trial."""
    tune_dir: pathlib.Path = pathlib.Path("runs/tune")
    """Folder of all searches."""
    name: str = ""
    """Name of this one. Default: base and tuner."""
    seed: int = 0
    """Seed of the choices. Every trial trains with the seed of the base."""
    data_dir: str | None = None
    """Folder of the prepared data sets. Default: that of the base."""
    dataset: str | tuple[str, ...] | None = None
    """Name of the data set, or of several. Default: that of the base."""
    tasks: tuple[str, ...] | None = None
    """The tasks to learn. Default: those of the base."""
    storage: str | None = None
    """Decoded pixels in `memory`, on `disk` or `auto`. Default: as the base
    says."""
    space: SearchSpace = dataclasses.field(default_factory=SearchSpace)

    def execute(self) -> None:
        """Searches, and prints the table and the command of the best."""
        if self.base not in EXPERIMENTS:
            raise UserError(
                f"Expected a base out of {', '.join(EXPERIMENTS)}. "
                f"Received: base={self.base}"
            )
        check_range(self, patience_seconds=(1, 86_400))
        start_tensorflow()
        from tp_keras.tuning.hosts import read_host
        from tp_keras.tuning.report import write_report
        from tp_keras.tuning.search import run_search
        from tp_keras.tuning.search import run_worker

        host = read_host()
        if self.workers and host and not host.is_chief:
            raise UserError(
                "Expected --workers of a chief, or of a search on one host: a "
                "worker is one process, and may be started again beside "
                f"itself. Received: workers={self.workers}, of {host.name}"
            )
        _, base = EXPERIMENTS[self.base]
        path = self.tune_dir / (self.name or f"{self.base}-{self.tuner}")
        settings = self.settings()
        settings = dataclasses.replace(settings, base=kept(settings.base))
        if host and not host.is_chief:
            run_worker(path, settings, host, self.patience_seconds)
            print("The search is over. Its table is with the chief.")
            return
        folder = run_search(
            path, settings, self.workers, host, self.patience_seconds
        )
        print(f"\n{write_report(folder.path, self.base, base)}")
        print(f"Trials, table and plot: {folder.path}")

    def settings(self) -> SearchSettings:
        """Returns the settings of the search."""
        _, base = EXPERIMENTS[self.base]
        changes = {
            name: getattr(self, name)
            for name in ("data_dir", "dataset", "storage")
            if getattr(self, name) is not None
        }
        data = dataclasses.replace(base.data, **changes)
        model = base.model
        if self.tasks is not None:
            model = dataclasses.replace(model, tasks=self.tasks)
        return SearchSettings(
            base=dataclasses.replace(base, data=data, model=model),
            space=self.space,
            tuner=self.tuner,
            budget_seconds=self.budget_seconds,
            trials=self.trials,
            seed=self.seed,
        )


if __name__ == "__main__":
    run(Tune)
