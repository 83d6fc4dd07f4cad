"""Which variant is chosen, by a rule that is told."""

import dataclasses
from collections.abc import Sequence

from tp_keras import tasks
from tp_keras.fairness.summary import percent
from tp_keras.fairness.summary import points
from tp_keras.fairness.sweep.outcome import Outcome
from tp_keras.fairness.sweep.settings import ChoiceSettings
from tp_keras.fairness.sweep.sweep_folder import VALIDATION

_TASK = tasks.HAIR_COLOR
# Losses of exactly the limit pass, whatever their last digit.
_ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What the rule says of one variant.

    Attributes:
        outcome: The variant, as measured.
        failures: The conditions that do not hold, in words.
    """

    outcome: Outcome
    failures: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Choice:
    """What the rule says of all variants.

    Attributes:
        none: What all were compared with.
        chosen: The chosen variant, or None if all fail.
        verdicts: All variants but `none`, the best first: with the fewest
            conditions failed, then by probe.
    """

    none: Outcome
    chosen: Outcome | None
    verdicts: tuple[Verdict, ...]

    @property
    def passed_over(self) -> tuple[Verdict, ...]:
        """What fails though its probe is below that of the chosen."""
        limit = float("inf") if self.chosen is None else _probe(self.chosen)
        return tuple(
            item
            for item in self.verdicts
            if item.failures and _probe(item.outcome) < limit
        )

    @property
    def shown(self) -> Outcome | None:
        """The chosen variant, or the best of those that fail."""
        if self.chosen is not None or not self.verdicts:
            return self.chosen
        return self.verdicts[0].outcome


def rule(settings: ChoiceSettings) -> str:
    """Returns the rule in words."""
    return (
        "By figures of hair_color on validation, means over the seeds: no "
        "supported group of class and gender may lose more than "
        f"{points(settings.largest_recall_loss)} of recall against none, or "
        "than one portrait where that is more (groups are small: recalls are "
        "pooled over the seeds); accuracy may lose no "
        f"more than {points(settings.largest_accuracy_loss)}; the "
        "conditional probe of the embedding (the better of linear and MLP) "
        "must be below that of none. Of what is left the variant with the "
        f"smallest conditional probe is chosen; within "
        f"{points(settings.tie)} of it, the one with the best worst group."
    )


def choose(
    outcomes: Sequence[Outcome], settings: ChoiceSettings | None = None
) -> Choice:
    """Chooses a variant; see `rule`.

    Args:
        outcomes: What was measured, that of `none` among them.
        settings: How much may be lost; None: the defaults.

    Returns:
        `Choice`.
    """
    settings = settings or ChoiceSettings()
    none = next(item for item in outcomes if item.variant.is_none)
    verdicts = [
        Verdict(item, tuple(_failures(item, none, settings)))
        for item in outcomes
        if item is not none
    ]
    verdicts.sort(
        key=lambda verdict: (len(verdict.failures), _probe(verdict.outcome))
    )
    passing = [item.outcome for item in verdicts if not item.failures]
    return Choice(none, _best(passing, settings), tuple(verdicts))


def _best(passing, settings):
    if not passing:
        return None
    limit = _probe(passing[0]) + settings.tie + _ROUNDING
    return max(
        (item for item in passing if _probe(item) <= limit),
        # Without a supported group none is worst.
        key=lambda item: item.mean(VALIDATION, "worst_group") or 0.0,
    )


def _failures(outcome, none, settings):
    """Yields the conditions that fail, each as half a sentence."""
    losses = _recall_losses(outcome, none, settings)
    if losses:
        yield "recall lost: " + ", ".join(losses)
    accuracy, before = (
        item.mean(VALIDATION, "accuracy") for item in (outcome, none)
    )
    if accuracy is None or before is None:
        yield "accuracy not supported"
    elif before - accuracy > settings.largest_accuracy_loss + _ROUNDING:
        yield f"accuracy {percent(accuracy)} after {percent(before)}"
    probe, before = (
        item.mean(VALIDATION, "conditional_probe") for item in (outcome, none)
    )
    if probe is None or before is None:
        yield "conditional probe not supported"
    elif probe >= before:
        yield f"conditional probe {probe:.3f} after {before:.3f}"


def _recall_losses(outcome, none, settings):
    """Returns the groups that lose too much, the most first, in words."""
    after = outcome.group_recalls(VALIDATION)
    num_seeds = len(none.records[VALIDATION])
    found = []
    for group, (before, count) in none.group_recalls(VALIDATION).items():
        loss = before - after[group][0]
        # Less than one portrait in each seed can't be told from none.
        largest = max(settings.largest_recall_loss, num_seeds / count)
        if loss > largest + _ROUNDING:
            found.append((loss, " ".join(group), count))
    return [
        f"{group} {points(loss)} (n = {count:,})"
        for loss, group, count in sorted(found, reverse=True)
    ]


def _probe(outcome):
    value = outcome.mean(VALIDATION, "conditional_probe")
    return float("inf") if value is None else value
