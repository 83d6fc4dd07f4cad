"""What a sweep compares, how it measures and what it chooses by."""

import dataclasses

from tp_keras.config import DebiasConfig
from tp_keras.config import check_range
from tp_keras.errors import UserError

# The methods once, the conditional adversary with three strengths, what acts
# after training by itself, and both together.
DEFAULT_VARIANTS = (
    "none",
    "reweigh",
    "subsample",
    "group_dro",
    "domain_independent",
    "grl:0.25",
    "conditional_mmd:2",
    "conditional_grl:0.1",
    "conditional_grl:0.25",
    "conditional_grl:0.5",
    "none+dfr",
    "none+leace",
    "none+conditional_leace",
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
        names = dataclasses.asdict(self)
        check_range(self, **dict.fromkeys(names, (1, 10**6)))


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
        if (base.debias, base.posthoc) != ("none", "none"):
            raise UserError(
                "Expected the methods of a sweep as variants. Received: "
                f"debias={base.debias}, posthoc={base.posthoc}"
            )
        if base.debias_scope != "branch":
            raise UserError(
                "A sweep trains guarded layers on trunks that stay. Expected "
                f"debias_scope=branch. Received: {base.debias_scope}"
            )
