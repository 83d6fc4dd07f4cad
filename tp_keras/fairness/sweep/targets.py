"""What a debiased run is to reach, and whether it does."""

import dataclasses

from tp_keras.fairness.sweep.outcome import Outcome
from tp_keras.fairness.sweep.outcome import mean
from tp_keras.fairness.sweep.sweep_folder import TEST

_ROUNDING = 1e-9


@dataclasses.dataclass(frozen=True)
class Targets:
    """The limits for figures of hair_color on the test split.

    Attributes:
        conditional_probe: Largest conditional probe.
        equalized_odds: Largest equalised-odds difference.
        null_will_do: Whether a difference that chance explains is enough.
        accuracy_loss: Largest loss of accuracy.
        gender_loss: Largest loss of accuracy of the gender head.
        excess: Largest same-gender excess among 20 neighbours.
        worst_group_gain: How much better the worst group is to be, where it
            was below `worst_group_good`.
        worst_group_good: Recall of a worst group that need not be better.
        flips_share: Largest share of the flips of `none`.
        cost: Largest cost of training and debiasing.
    """

    conditional_probe: float
    equalized_odds: float
    null_will_do: bool
    accuracy_loss: float = 0.01
    gender_loss: float = 0.005
    excess: float = 0.03
    worst_group_gain: float = 0.10
    worst_group_good: float = 0.8
    flips_share: float = 1 / 3
    cost: float = 1.6


SYNTHETIC = Targets(
    conditional_probe=0.60, equalized_odds=0.06, null_will_do=True
)
REAL = Targets(conditional_probe=0.66, equalized_odds=0.15, null_will_do=False)


@dataclasses.dataclass(frozen=True)
class TargetRow:
    """One figure before and after.

    Attributes:
        title: What it is.
        before: Values of `none`, one for each seed.
        after: Values of the variant.
        target: What is to be reached, in words; empty if nothing is.
        reached: Whether it is; None if that can't be said.
    """

    title: str
    before: tuple[float | None, ...]
    after: tuple[float | None, ...]
    target: str
    reached: bool | None


def targets_for(dataset: str) -> Targets:
    """Returns the targets for a data set, by its name."""
    return SYNTHETIC if "synthetic" in dataset else REAL


def compare(
    none: Outcome, outcome: Outcome, targets: Targets
) -> list[TargetRow]:
    """Compares a variant with `none` on the test split.

    Args:
        none: What was measured of the run as trained.
        outcome: What was measured of the variant.
        targets: What is to be reached.

    Returns:
        A row for each figure.
    """

    def row(title, figure, target, holds):
        before, after = (
            tuple(item.values(TEST, figure)) for item in (none, outcome)
        )
        return _row(title, before, after, target, holds)

    after_of = {
        name: outcome.mean(TEST, name)
        for name in ("band_low", "band_high", "equalized_odds_null")
    }
    low, high = after_of["band_low"], after_of["band_high"]
    null = after_of["equalized_odds_null"]
    worst = none.mean(TEST, "worst_group")
    needs_gain = worst is not None and worst < targets.worst_group_good
    odds, most_odds = (
        f"at most {targets.equalized_odds:.2f}",
        targets.equalized_odds,
    )
    if targets.null_will_do and null is not None:
        odds += f", or chance ({null:.3f})"
        most_odds = max(most_odds, null)
    rows = [
        row(
            "accuracy",
            "accuracy",
            f"at most {100 * targets.accuracy_loss:g} point less",
            lambda a, b: _at_most(a - b, targets.accuracy_loss),
        ),
        row(
            "conditional probe of the embedding",
            "conditional_probe",
            f"at most {targets.conditional_probe:.2f}",
            lambda _, b: _at_most(b, targets.conditional_probe),
        ),
        row(
            "unconditional probe",
            "probe",
            "the band" + ("" if low is None else f" {low:.3f} to {high:.3f}"),
            lambda _, b: None if high is None else _at_most(b, high),
        ),
        row(
            "same-gender excess at 20 neighbours",
            "excess",
            f"at most {targets.excess:.2f}",
            lambda _, b: _at_most(b, targets.excess),
        ),
        row(
            "equalised-odds difference",
            "equalized_odds",
            odds,
            lambda _, b: _at_most(b, most_odds),
        ),
        row(
            "worst supported group recall",
            "worst_group",
            f"{100 * targets.worst_group_gain:g} points more"
            if needs_gain
            else f"was above {targets.worst_group_good:g}",
            lambda a, b: (
                _at_most(targets.worst_group_gain, b - a)
                if needs_gain
                else None
            ),
        ),
        row(
            "counterfactual flips",
            "flips",
            "a third at most",
            lambda a, b: _at_most(b, a * targets.flips_share),
        ),
        row(
            "accuracy of the gender head",
            "gender_accuracy",
            f"at most {100 * targets.gender_loss:g} point less",
            lambda a, b: _at_most(a - b, targets.gender_loss),
        ),
        _row(
            "cost of training and debiasing",
            none.costs,
            outcome.costs,
            f"at most {targets.cost:g}",
            lambda _, b: _at_most(b, targets.cost),
        ),
    ]
    # Only synthetic portraits have twins.
    return [item for item in rows if set(item.before) != {None}]


def _row(title, before, after, target, holds):
    a, b = mean(before), mean(after)
    reached = None if a is None or b is None else holds(a, b)
    return TargetRow(title, before, after, target, reached)


def _at_most(value, limit):
    return value <= limit + _ROUNDING
