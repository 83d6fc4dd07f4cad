"""The figures of one run that a sweep compares, found among its records."""

import dataclasses
from collections.abc import Sequence

from tp_keras import tasks
from tp_keras.fairness import leakage_figures
from tp_keras.fairness.sweep.measurement import NEIGHBORS
from tp_keras.records.record import ALL
from tp_keras.records.record import Record
from tp_keras.records.record import find


@dataclasses.dataclass(frozen=True)
class Headline:
    """What a table has of one run and hair task; None if not supported.

    Attributes:
        accuracy: Of the task.
        worst_group: Smallest recall of a supported class and gender.
        equalized_odds: Largest difference of rates between the genders.
        equalized_odds_null: What that hardly exceeds by chance.
        conditional_probe: Better of both probes of the embedding, 0.5 if it
            knows no more of gender than the class.
        probe: Better of both unconditional probes.
        band_low: What any embedding of these predictions gives away.
        band_high: What the true class gives away.
        excess: Same-gender excess among 20 neighbours.
        precision: Share of 20 neighbours with the same class.
        flips: Share of counterfactual pairs with different predictions.
        gender_accuracy: Accuracy of the gender head.
    """

    accuracy: float | None
    worst_group: float | None
    equalized_odds: float | None
    equalized_odds_null: float | None
    conditional_probe: float | None
    probe: float | None
    band_low: float | None
    band_high: float | None
    excess: float | None
    precision: float | None
    flips: float | None
    gender_accuracy: float | None

    @classmethod
    def of(cls, records: Sequence[Record], task: tasks.Task) -> "Headline":
        """Finds the figures of a task.

        Args:
            records: What `measurement.measure` returned.
            task: A hair task.
        """
        own = find(records, task=task.name)
        odds = _one(own, "equalized_odds_difference_max", variant=None)
        return cls(
            accuracy=_value(_one(own, "accuracy", group=ALL)),
            worst_group=_value(_one(own, "worst_group_recall")),
            equalized_odds=_value(odds),
            equalized_odds_null=None if odds is None else odds.null,
            conditional_probe=_value(
                leakage_figures.best_probe(own, task, conditional=True)
            ),
            probe=_value(
                leakage_figures.best_probe(own, task, conditional=False)
            ),
            band_low=_value(_one(own, "leakage_band_low")),
            band_high=_value(_one(own, "leakage_band_high")),
            excess=_value(
                _one(own, "same_gender_excess", variant=f"k={NEIGHBORS}")
            ),
            precision=_value(
                _one(own, "neighbor_precision", variant=f"k={NEIGHBORS}")
            ),
            flips=_value(_one(own, "counterfactual_flips")),
            gender_accuracy=_value(
                _one(records, "accuracy", task=tasks.GENDER.name, group=ALL)
            ),
        )

    def describe(self) -> str:
        """Returns the most important ones in half a line."""
        return ", ".join(
            f"{name} {'-' if value is None else f'{value:.3f}'}"
            for name, value in (
                ("accuracy", self.accuracy),
                ("worst group", self.worst_group),
                ("equalised odds", self.equalized_odds),
                ("conditional probe", self.conditional_probe),
                ("excess", self.excess),
            )
        )


FIGURES = tuple(field.name for field in dataclasses.fields(Headline))


def _one(records, metric, **criteria):
    found = find(records, metric=metric, **criteria)
    return found[0] if found else None


def _value(record):
    return None if record is None else record.value
