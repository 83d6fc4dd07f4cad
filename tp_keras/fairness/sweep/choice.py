"""Which variant is chosen, by a rule that is told."""

import dataclasses
from collections.abc import Sequence

from tp_keras.fairness.summary import percent
from tp_keras.fairness.summary import points
from tp_keras.fairness.sweep.outcome import VALIDATION
from tp_keras.fairness.sweep.outcome import Outcome
from tp_keras.fairness.sweep.settings import ChoiceSettings
from tp_keras.tasks import Task

# Losses of exactly the limit pass, whatever their last digit.
_ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True)
class Verdict:
    """Which conditions of the rule do not hold for a variant, in words.

    `probe` is its conditional probe on validation, infinite where unknown.
    """

    outcome: Outcome
    failures: tuple[str, ...]
    probe: float


@dataclasses.dataclass(frozen=True)
class Choice:
    """What the rule says of all variants, which were compared with `none`.

    `chosen` is None if all fail, and `shown` then the best of them, if any.
    The verdicts on all but `none` come with the fewest conditions failed first,
    then by probe; `passed_over` are those that fail though their probe is below
    that of the chosen.
    """

    task: Task
    none: Outcome
    chosen: Outcome | None
    shown: Outcome | None
    verdicts: tuple[Verdict, ...]
    passed_over: tuple[Verdict, ...]


def rule(settings: ChoiceSettings, task: Task) -> str:
    """Returns the rule in words."""
    return (
        f"By figures of {task.name} on validation, means over the seeds: no "
        "supported class of a group may lose more than "
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
    outcomes: Sequence[Outcome], task: Task, settings: ChoiceSettings
) -> Choice:
    """Chooses a variant by a guarded task; see `rule`.

    That of `none` has to be among the outcomes.
    """
    none = next(item for item in outcomes if item.variant.is_none)
    verdicts = []
    for item in outcomes:
        if item is not none:
            probe = item.mean(VALIDATION, "conditional_probe", task)
            probe = float("inf") if probe is None else probe
            failures = tuple(_failures(item, none, task, settings))
            verdicts.append(Verdict(item, failures, probe))
    verdicts.sort(key=lambda verdict: (len(verdict.failures), verdict.probe))
    passing = [item for item in verdicts if not item.failures]
    failing = [item for item in verdicts if item.failures]
    if not passing:
        shown = failing[0].outcome if failing else None
        return Choice(task, none, None, shown, tuple(verdicts), tuple(failing))
    limit = passing[0].probe + settings.tie + _ROUNDING
    best = max(
        (item for item in passing if item.probe <= limit),
        # Without a supported group none is worst.
        key=lambda v: v.outcome.mean(VALIDATION, "worst_group", task) or 0.0,
    )
    over = tuple(item for item in failing if item.probe < best.probe)
    return Choice(task, none, *[best.outcome] * 2, tuple(verdicts), over)


def _failures(outcome, none, task, settings):
    """Yields the conditions that fail, each as half a sentence."""

    def pair(figure):
        return [item.mean(VALIDATION, figure, task) for item in (outcome, none)]

    after = outcome.group_recalls(VALIDATION, task)
    num_seeds, losses = len(none.records[VALIDATION]), []
    for cell, (before, count) in none.group_recalls(VALIDATION, task).items():
        loss = before - after[cell][0]
        # Less than one portrait in each seed can't be told from none.
        largest = max(settings.largest_recall_loss, num_seeds / count)
        if loss > largest + _ROUNDING:
            losses.append((loss, " ".join(cell), count))
    if losses:
        yield "recall lost: " + ", ".join(
            f"{cell} {points(loss)} (n = {count:,})"
            for loss, cell, count in sorted(losses, reverse=True)
        )
    accuracy, before = pair("accuracy")
    if accuracy is None or before is None:
        yield "accuracy not supported"
    elif before - accuracy > settings.largest_accuracy_loss + _ROUNDING:
        yield f"accuracy {percent(accuracy)} after {percent(before)}"
    probe, before = pair("conditional_probe")
    if probe is None or before is None:
        yield "conditional probe not supported"
    elif probe >= before:
        yield f"conditional probe {probe:.3f} after {before:.3f}"
