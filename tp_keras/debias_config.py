"""The settings of debiasing, and the methods that there are."""

import dataclasses
import typing

from tp_keras.errors import check_choice
from tp_keras.errors import check_range


class DebiasMethod(typing.NamedTuple):
    """A method: its class, and whether it has a strength, which grows."""

    layer: str = "Plain"  # In `tp_keras.debiasing.methods`.
    grows: bool = False


DEBIAS_METHODS = {
    "none": DebiasMethod(),
    "reweigh": DebiasMethod("Reweigh"),
    "subsample": DebiasMethod(),  # Trains on chosen rows.
    "group_dro": DebiasMethod("GroupDro"),
    "grl": DebiasMethod("ReversedGradient", grows=True),
    "conditional_grl": DebiasMethod("ConditionalReversedGradient", grows=True),
    "conditional_mmd": DebiasMethod("ConditionalMmd", grows=True),
    "domain_independent": DebiasMethod("DomainIndependent"),
}
DEBIAS_SCOPES = ("branch", "network")
POSTHOC_METHODS = (
    "none",
    "dfr",
    "leace",
    "conditional_leace",
    "conditional_leace+dfr",
)


@dataclasses.dataclass(frozen=True)
class DebiasConfig:
    """What is done, in training and after it, about groups in guarded tasks."""

    debias: str = "none"
    """Method of the training: none, reweigh, subsample, group_dro, grl (a
    reversed gradient), conditional_grl, conditional_mmd (a distance between
    groups) or domain_independent."""
    posthoc: str = "none"
    """What is done to the trained classifier: none, dfr (its last layer levels
    the groups), leace (the group is erased from what is linear),
    conditional_leace or conditional_leace+dfr."""
    debias_scope: str = "branch"
    """`branch` trains the guarded layers anew with the method, on a trunk that
    was trained plainly and stays; `network` trains all layers with it."""
    strength: float = 0.25
    """Final strength (lambda) of a reversed gradient or of a penalty."""
    ramp: float = 0.5
    """Share of the training over which the strength grows from 0."""
    branch_embedding_size: int = 16
    """Length of the embedding of such layers, an equal part for each task: a
    short part holds what its task needs and little else."""
    branch_steps: int = 4000
    """Steps of the training of a branch."""
    branch_batch_size: int = 128
    """Portraits in such a step."""
    adversaries: int = 1
    """Adversaries that read the group from a part of the embedding."""
    adversary_units: tuple[int, ...] = (128, 128)
    """Hidden layers of an adversary."""
    adversary_steps: int = 5
    """Steps of the adversaries before each one of the classifier."""
    adversary_learning_rate: float = 2e-3
    """Learning rate of the adversaries."""
    largest_weight: float = 20.0
    """Limit of the weight of a portrait of a rare group."""
    group_step: float = 0.02
    """Step of the weights of the groups in group_dro."""

    def __post_init__(self):
        check_choice(self, "debias", DEBIAS_METHODS)
        check_choice(self, "posthoc", POSTHOC_METHODS)
        check_choice(self, "debias_scope", DEBIAS_SCOPES)
        check_range(
            self,
            strength=(0.0, 1000.0),
            ramp=(0.0, 1.0),
            adversaries=(1, 100),
            branch_embedding_size=(1, 4096),
            branch_steps=(1, 10_000_000),
            branch_batch_size=(1, 100_000),
            adversary_steps=(1, 1000),
            adversary_learning_rate=(1e-9, 10.0),
            largest_weight=(1.0, 1e6),
            group_step=(0.0, 10.0),
        )

    @property
    def trains_branch(self) -> bool:
        """Whether guarded layers are trained anew after the training."""
        return self.debias != "none" and self.debias_scope == "branch"

    @property
    def has_second_stage(self) -> bool:
        """Whether a classifier is changed after its training."""
        return self.trains_branch or self.posthoc != "none"

    @property
    def in_training(self) -> "DebiasConfig":
        """What concerns the training of all layers."""
        if self.trains_branch:
            return dataclasses.replace(self, debias="none")
        return self
