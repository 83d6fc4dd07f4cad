"""Networks beside each other: what each gets right, and by how much more."""

import dataclasses
import functools
import os
import statistics

import numpy as np

from benchmarks.epoch_speed import EpochSpeed
from benchmarks.finished_runs import hits_on_test
from benchmarks.finished_runs import learned_tasks
from benchmarks.tables import print_markdown
from tp_keras.records.intervals import percentile_interval
from tp_keras.runs.run_folder import RunFolder

# How far a finished run may be from the budget by the speeds of today, beside
# the part of an epoch that no longer fitted in.
TOLERANCE = 0.05


@dataclasses.dataclass(frozen=True)
class Row:
    """A network with its settings and its finished runs.

    Attributes:
        entry: Name and flags of the network.
        settings: A name out of `SETTINGS`.
        speed: `EpochSpeed`.
        runs: Dict: seed -> `RunFolder` of a finished run.
    """

    entry: str
    settings: str
    speed: EpochSpeed
    runs: dict[int, RunFolder]

    @property
    def name(self) -> str:
        """Entry, and the settings if they are not the experiment's."""
        if self.settings == "experiment":
            return self.entry
        return f"{self.entry}, {self.settings}"

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the runs."""
        return tuple(self.runs)

    @functools.cached_property
    def hits(self) -> np.ndarray:
        """Float array [seeds, tasks, portraits], NaN without a label."""
        return np.stack([hits_on_test(run) for run in self.runs.values()])

    @property
    def accuracies(self) -> np.ndarray:
        """Float array [seeds, tasks]."""
        return np.nanmean(self.hits, axis=-1)

    @property
    def mean(self) -> float:
        """Test accuracy, the mean over tasks and seeds."""
        return float(self.accuracies.mean())

    @property
    def validation(self) -> float:
        """Validation score of the best epoch, the mean over the seeds."""
        return statistics.mean(self.facts("best_score"))

    def facts(self, name: str) -> list:
        """Returns a fact of each run, in the order of the seeds."""
        return [run.facts[name] for run in self.runs.values()]


def paired_difference(
    ours: np.ndarray, theirs: np.ndarray, num_bootstraps: int = 10_000
) -> tuple[float, float, float]:
    """Compares the mean accuracy over tasks of two networks.

    Both have seen the same portraits, so these are sampled again together,
    with all their tasks and the runs of all seeds. The interval tells what
    another test split would change; what another seed would, only as far as
    there are seeds to average.

    Args:
        ours: Float array [seeds, tasks, portraits] of hits, NaN without label.
        theirs: The same with any number of seeds.
        num_bootstraps: How often to sample.

    Returns:
        The difference, lower and upper end of its 95 % interval.
    """
    labelled = ~np.isnan(ours[0])
    gains = np.nan_to_num(ours.mean(0) - theirs.mean(0))
    difference = (gains.sum(-1) / labelled.sum(-1)).mean()
    # How often each portrait is drawn: [bootstraps, portraits].
    count = gains.shape[-1]
    draws = np.random.default_rng(0).multinomial(
        count, np.full(count, 1 / count), size=num_bootstraps
    )
    sampled = ((draws @ gains.T) / (draws @ labelled.T)).mean(-1)
    return float(difference), *percentile_interval(sampled)


def print_table(
    title: str, seconds: float, ours: list[Row], peers: list[Row]
) -> None:
    """Prints a row for each network, and how far ours are ahead.

    Args:
        title: What was trained.
        seconds: The training time that all were to have.
        ours: Rows to compare with the best of `peers`.
        peers: Rows; there may be none.
    """
    print(
        f"\n{title}, {seconds} s of training on "
        f"{os.cpu_count()} cores. `by speed` are the seconds that the epochs "
        f"take by the speeds measured in turns, `by clock` those that went by "
        "on the machine as busy as it was. Accuracy on the test split, mean "
        "over the seeds.\n"
    )
    tasks = learned_tasks(next(iter(ours[0].runs.values())))
    header = ["network", "parameters", "images/s", "epochs", "s by speed"]
    header += [
        "s by clock",
        *(task.name for task in tasks),
        "mean",
        "mean by seed",
    ]
    print_markdown(header, [table_cells(row) for row in [*ours, *peers]])
    for row in [*ours, *peers]:
        for seed, epochs in zip(row.seeds, row.facts("epochs"), strict=True):
            taken = row.speed.seconds_of(epochs)
            beyond = abs(taken - seconds) - row.speed.seconds
            if beyond > TOLERANCE * seconds:
                print(
                    f"\nSeed {seed} of {row.name} had {taken:.0f} s by these "
                    f"speeds, not {seconds}: remove its run folder to train "
                    "it anew."
                )
    if not peers:
        return
    best = max(peers, key=lambda row: row.mean)
    print(f"\nAgainst {best.name}, the best peer, in points:\n")
    for row in ours:
        points = [100 * x for x in paired_difference(row.hits, best.hits)]
        print(
            "{}: {:+.1f} (95 % interval {:+.1f} to {:+.1f}, paired bootstrap "
            "over {} portraits; {} and {} seeds)".format(
                row.name,
                *points,
                row.hits.shape[-1],
                len(row.seeds),
                len(best.seeds),
            )
        )


def table_cells(row: Row) -> list[str]:
    """Returns the cells of a network's row."""
    counts = np.isfinite(row.hits[0]).sum(-1)
    epochs, *_ = row.facts("epochs")
    return [
        row.name,
        f"{row.speed.parameters:,}",
        f"{row.speed.images_per_second:,.0f}",
        str(epochs),
        f"{row.speed.seconds_of(epochs):.0f}",
        f"{statistics.mean(row.facts('seconds')):.0f}",
        *(
            f"{accuracy:.3f} (n = {count})"
            for accuracy, count in zip(
                row.accuracies.mean(0), counts, strict=True
            )
        ),
        f"**{row.mean:.3f}**",
        " ".join(f"{value:.3f}" for value in row.accuracies.mean(-1)),
    ]
