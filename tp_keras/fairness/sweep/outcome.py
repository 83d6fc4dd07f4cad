"""The figures of a variant on all seeds, found among its records."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tp_keras.fairness.group_figures import UNSUPPORTED
from tp_keras.fairness.group_neighbors import EXCESS
from tp_keras.fairness.group_neighbors import PRECISION
from tp_keras.fairness.summary import best_probe
from tp_keras.fairness.sweep.sweep_folder import SPLITS
from tp_keras.fairness.sweep.variant import NONE
from tp_keras.fairness.sweep.variant import Variant
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import read_records
from tp_keras.tasks import Task

# The length of the lists of neighbours.
NEIGHBORS = 20

# Name of a figure -> its metric, and the criteria of its record.
_FIGURES = {
    "accuracy": ("accuracy", {"group": ALL}),
    "worst_group": ("worst_group_recall", {}),
    "equalized_odds": ("equalized_odds_difference_max", {}),
    "band_low": ("leakage_band_low", {}),
    "band_high": ("leakage_band_high", {}),
    "excess": (EXCESS, {"group": ALL}),
    "precision": (PRECISION, {"group": ALL}),
    "flips": ("counterfactual_flips", {"group": ALL}),
}
# The same of probes: whether the class is told.
_PROBES = {"conditional_probe": True, "probe": False}

# The metrics that a sweep keeps, of all rows and of cells.
COMPARED = {
    *(metric for metric, _ in _FIGURES.values()),
    *("group_probe", "conditional_group_probe"),
}
BY_GROUP = {"group_recall", "worst_group_recall"}


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The records of a variant, a list for each seed.

    Attributes:
        variant: The variant.
        records: Split -> lists of records, one for each seed.
        costs: Seconds of training and debiasing, divided by those of the
            training alone; one for each seed, None where unknown.
    """

    variant: Variant
    records: dict[str, tuple[Sequence[Record], ...]]
    costs: tuple[float | None, ...]

    @classmethod
    def read(cls, folder, variant, bases) -> "Outcome":
        """Reads what a sweep wrote of a variant into its `SweepFolder`.

        `bases` is a dict: seed -> the run that is compared with.
        """
        records = {
            split: tuple(
                read_records(folder.records_path(variant, seed, split))
                for seed in bases
            )
            for split in SPLITS
        }
        costs = (
            _cost(folder, variant, seed, base.facts.get("seconds"))
            for seed, base in bases.items()
        )
        return cls(variant, records, tuple(costs))

    @property
    def name(self) -> str:
        """The name of the variant."""
        return self.variant.name

    def values(self, split: str, figure: str, task: Task) -> list[float | None]:
        """Returns a figure of a task, one value for each seed; `figure_of`."""
        return [figure_of(part, figure, task) for part in self.records[split]]

    def mean(self, split: str, figure: str, task: Task) -> float | None:
        """Returns the mean over the seeds; None unless all have the figure."""
        return mean(self.values(split, figure, task))

    def group_recalls(
        self, split: str, task: Task
    ) -> dict[tuple[str, str], tuple[float, int]]:
        """Returns the recall of each supported cell, pooled over the seeds.

        The hits of all seeds divided by the rows of all seeds, so that a
        single portrait of a small group weighs less: (class, group) -> recall,
        and the rows of all seeds.
        """
        cells = {}
        for records in self.records[split]:
            for record in find(records, metric="group_recall", task=task.name):
                if record.variant != UNSUPPORTED and record.count:
                    cell = record.class_name, record.group
                    hits, count = cells.get(cell, (0, 0))
                    hits += record.value * record.count
                    cells[cell] = hits, count + record.count
        return {
            cell: (hits / count, count) for cell, (hits, count) in cells.items()
        }


def figure_of(
    records: Sequence[Record], figure: str, task: Task
) -> float | None:
    """Returns a figure of one run, None where it is not supported.

    Such as `"accuracy"`, `"conditional_probe"`, the better of both kinds of
    probe, or `"equalized_odds_null"`.
    """
    if figure in _PROBES:
        found = [best_probe(records, task, _PROBES[figure])]
    else:
        metric, criteria = _FIGURES[figure.removesuffix("_null")]
        found = find(records, metric=metric, task=task.name, **criteria)
    if not found or found[0] is None:
        return None
    return found[0].null if figure.endswith("_null") else found[0].value


def mean(values: Sequence[float | None]) -> float | None:
    """Returns the mean, None if there is no value or one is None."""
    values = list(values)
    return float(np.mean(values)) if values and None not in values else None


def _cost(folder, variant, seed, seconds):
    """Returns what a variant costs by itself, shared parts included."""
    if variant.is_none:
        return 1.0
    facts = folder.run(variant, seed).facts
    parts = [facts.get("debias_seconds")]
    method = folder.run(variant.without_posthoc(), seed)
    if facts.get("source") == method.path.name:
        parts.append(method.facts.get("debias_seconds"))
    if variant.debias != NONE:
        parts.append(folder.feature_seconds(seed))
    if not seconds or None in parts:
        return None
    return (seconds + sum(parts)) / seconds
