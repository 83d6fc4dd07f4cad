"""What a sweep compares, how it measures and what it chooses by."""

import dataclasses

from tp_keras.config import check_range
from tp_keras.debias_config import DEBIAS_METHODS
from tp_keras.debias_config import POSTHOC_METHODS
from tp_keras.debias_config import DebiasConfig
from tp_keras.errors import UserError

NONE = "none"

# The methods once, the conditional adversary with three strengths, what acts
# after training by itself, and both together.
DEFAULT_VARIANTS = (
    *("none", "reweigh", "subsample", "group_dro", "domain_independent"),
    *("grl:0.25", "conditional_mmd:2"),
    *("conditional_grl:0.1", "conditional_grl:0.25", "conditional_grl:0.5"),
    *("none+dfr", "none+leace", "none+conditional_leace"),
    "conditional_grl:0.25+conditional_leace",
)


@dataclasses.dataclass(frozen=True)
class MeasureSettings:
    """How a sweep measures: enough to compare, less than a report does."""

    min_count: int = 50
    """Test portraits that a class of a group needs to count."""
    validation_min_count: int = 20
    """The same on validation."""
    probe_seeds: int = 1
    """Probes that a figure is the mean of, for each seed."""
    num_permutations: int = 200
    """Permutations for what a figure is when the group means nothing."""

    def __post_init__(self):
        """Refuses what can't be measured."""
        check_range(self, **dict.fromkeys(vars(self), (1, 10**6)))


@dataclasses.dataclass(frozen=True)
class ChoiceSettings:
    """The rule that a variant is chosen by."""

    task: str = ""
    """Guarded task that is looked at. Default: the first of the data set."""
    largest_recall_loss: float = 0.02
    """Recall of a class that no group may lose against none."""
    largest_accuracy_loss: float = 0.01
    """Accuracy that may be lost against none."""
    tie: float = 0.005
    """Probes this close to the smallest one are equal; the worst group
    decides."""


@dataclasses.dataclass(frozen=True)
class SweepSettings:
    """Everything that the figures of a sweep depend on but its base runs."""

    debias: DebiasConfig = dataclasses.field(default_factory=DebiasConfig)
    measure: MeasureSettings = dataclasses.field(
        default_factory=MeasureSettings
    )

    def __post_init__(self):
        """Refuses what the variants say, and methods of the whole network."""
        base = self.debias
        if (base.debias, base.posthoc) != (NONE, NONE):
            raise UserError(
                "Expected the methods of a sweep as variants. Received: "
                f"debias={base.debias}, posthoc={base.posthoc}"
            )
        if base.debias_scope != "branch":
            raise UserError(
                "A sweep trains guarded layers on trunks that stay. Expected "
                f"debias_scope=branch. Received: {base.debias_scope}"
            )


@dataclasses.dataclass(frozen=True)
class Variant:
    """One of `DEBIAS_METHODS`, its strength, and one of `POSTHOC_METHODS`."""

    debias: str = NONE
    strength: float | None = None  # None: that of the base settings.
    posthoc: str = NONE

    @property
    def name(self) -> str:
        """The name, as `parse_variant` reads it."""
        strength = "" if self.strength is None else f":{self.strength:g}"
        posthoc = "" if self.posthoc == NONE else f"+{self.posthoc}"
        return f"{self.debias}{strength}{posthoc}"

    @property
    def is_none(self) -> bool:
        """Whether this is the run as it was trained."""
        return self.debias == NONE and self.posthoc == NONE

    def settings(self, base: DebiasConfig) -> DebiasConfig:
        """Returns the settings of this variant, all else from `base`."""
        strength = base.strength if self.strength is None else self.strength
        return dataclasses.replace(
            base, debias=self.debias, strength=strength, posthoc=self.posthoc
        )


def parse_variant(name: str) -> Variant:
    """Reads `method[:strength][+posthoc]`, or raises `UserError`.

    Example:
        >>> parse_variant("grl:0.5+leace")
        Variant(debias='grl', strength=0.5, posthoc='leace')
    """
    training, plus, posthoc = name.partition("+")
    debias, colon, strength = training.partition(":")
    if debias not in DEBIAS_METHODS:
        raise _unreadable(name, f"a method out of {', '.join(DEBIAS_METHODS)}")
    if plus and posthoc not in POSTHOC_METHODS[1:]:
        methods = ", ".join(POSTHOC_METHODS[1:])
        raise _unreadable(name, f"after the + one of {methods}")
    grow = [key for key, method in DEBIAS_METHODS.items() if method.grows]
    if colon and debias not in grow:
        raise _unreadable(name, f"a strength with {', '.join(grow)} only")
    try:
        number = float(strength) if colon else None
    except ValueError:
        raise _unreadable(name, "a number after the colon") from None
    variant = Variant(debias, number, posthoc or NONE)
    variant.settings(DebiasConfig())  # Refuses what is out of range.
    return variant


def parse_variants(names, base: DebiasConfig) -> list[Variant]:
    """Reads variants of the settings `base`, and puts `none` first.

    Raises `UserError` if a name can't be read, or two mean the same.
    """
    variants, known = [Variant()], {}
    for name in names:
        variant = parse_variant(name)
        settings = variant.settings(base)
        if settings in known:
            raise UserError(
                "Expected each variant once. Received: "
                f"{known[settings]} and {name}, which are the same"
            )
        known[settings] = name
        if not variant.is_none:
            variants.append(variant)
    return variants


def _unreadable(name, expected):
    return UserError(
        "A variant is named method[:strength][+posthoc], such as "
        f"conditional_grl:0.5+conditional_leace. Expected {expected}. "
        f"Received: {name!r}"
    )
