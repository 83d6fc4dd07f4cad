"""What was measured of a variant on all seeds."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from tp_keras import tasks
from tp_keras.fairness.group_sample import UNSUPPORTED
from tp_keras.fairness.sweep.headline import Headline
from tp_keras.fairness.sweep.sweep_folder import SPLITS
from tp_keras.fairness.sweep.variant import NONE
from tp_keras.fairness.sweep.variant import Variant
from tp_keras.records.record import Record
from tp_keras.records.record import find
from tp_keras.records.record import read_records


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
        """Reads what a sweep wrote.

        Args:
            folder: `SweepFolder`.
            variant: A variant that is measured on all seeds.
            bases: Dict: seed -> the run that is compared with.
        """
        return cls(
            variant,
            {
                split: tuple(
                    read_records(folder.records_path(variant, seed, split))
                    for seed in bases
                )
                for split in SPLITS
            },
            tuple(
                _cost(folder, variant, seed, base.facts.get("seconds"))
                for seed, base in bases.items()
            ),
        )

    @property
    def name(self) -> str:
        """The name of the variant."""
        return self.variant.name

    def values(
        self, split: str, figure: str, task: tasks.Task = tasks.HAIR_COLOR
    ) -> list[float | None]:
        """Returns a figure of `Headline`, one value for each seed."""
        return [
            getattr(Headline.of(records, task), figure)
            for records in self.records[split]
        ]

    def mean(
        self, split: str, figure: str, task: tasks.Task = tasks.HAIR_COLOR
    ) -> float | None:
        """Returns the mean over the seeds; None unless all have the figure."""
        return mean(self.values(split, figure, task))

    def mean_cost(self) -> float | None:
        """Returns the mean cost, None unless all are known."""
        return mean(self.costs)

    def group_recalls(
        self, split: str, task: tasks.Task = tasks.HAIR_COLOR
    ) -> dict[tuple[str, str], tuple[float, int]]:
        """Returns the recall of each supported group, pooled over the seeds.

        The hits of all seeds divided by the rows of all seeds, so that a
        single portrait of a small group weighs less.

        Returns:
            (class, gender) -> recall, and the rows of all seeds.
        """
        hits: dict = {}
        counts: dict = {}
        for records in self.records[split]:
            for record in find(records, metric="group_recall", task=task.name):
                if record.variant == UNSUPPORTED or not record.count:
                    continue
                group = record.class_name, record.group
                hits[group] = hits.get(group, 0) + record.value * record.count
                counts[group] = counts.get(group, 0) + record.count
        return {
            group: (hits[group] / counts[group], counts[group])
            for group in counts
        }


def mean(values: Sequence[float | None]) -> float | None:
    """Returns the mean, None if there is no value or one is None.

    Example:
        >>> mean([0.25, 0.75]), mean([0.25, None])
        (0.5, None)
    """
    values = list(values)
    if not values or None in values:
        return None
    return float(np.mean(values))


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
