"""The settings of a training without labels, frozen dataclasses.

Every field is a flag of `training.pretrain`, and the text below it the flag's
help.
"""

import dataclasses

from tp_keras.config import DEFAULT_BACKBONE
from tp_keras.config import OPTIMIZERS
from tp_keras.config import PRECISIONS
from tp_keras.config import AugmentConfig
from tp_keras.config import DataConfig
from tp_keras.config import limit_warmup
from tp_keras.errors import check_choice
from tp_keras.errors import check_range


@dataclasses.dataclass(frozen=True)
class ViewConfig:
    """What student and teacher see of a portrait."""

    local_views: int = 2
    """Views of a part of the portrait, which the student alone sees. Small
    networks learn more from few large ones than from many small ones."""
    local_size: float = 0.5
    """Their height and width, as a share of the portrait's."""
    local_shift: float = 0.25
    """How far their middle may lie from that of the portrait, as a share of
    its size."""

    def __post_init__(self):
        check_range(
            self,
            local_views=(0, 16),
            local_size=(0.1, 1.0),
            local_shift=(0.0, 0.5),
        )


@dataclasses.dataclass(frozen=True)
class PretrainModelConfig:
    """What learns."""

    backbone: str = DEFAULT_BACKBONE
    """Our portrait_xs, portrait_s, portrait_m or mobilenet_025, or the name of
    a model of keras.applications, such as MobileNetV2(alpha=0.35)."""
    hidden_size: int = 256
    """Units of the two hidden layers between features and prototypes."""
    bottleneck_size: int = 64
    """Length of the vectors that are held against the prototypes."""
    prototypes: int = 512
    """Directions that a portrait is told by; with many portraits more."""

    def __post_init__(self):
        check_range(
            self,
            hidden_size=(1, 16_384),
            bottleneck_size=(2, 4096),
            prototypes=(2, 65_536),
        )


@dataclasses.dataclass(frozen=True)
class PretrainTrainingConfig:
    """How it learns."""

    epochs: int = 10
    """Epochs to train, each with a row of history, a backup and a look at what
    the features know."""
    passes_per_epoch: int = 2
    """Passes over the portraits in an epoch."""
    batch_size: int = 64
    """Portraits in a step, each in all of its views."""
    optimizer: str = "adamw"
    """`adamw`, `muon` or `sing`; see `training.train`."""
    learning_rate: float = 2e-3
    """Peak of the learning rate, after the warm-up; a cosine leads to 0."""
    warmup_epochs: float = 1.0
    """Epochs in which the learning rate grows from 0; at most half of all."""
    weight_decay: float = 0.05
    """Decay of the kernels; biases and norms are left out."""
    teacher_momentum: float = 0.99
    """Share of the old in the teacher's weights, a moving average of the
    student's, at the beginning; a cosine leads to 1."""
    student_temperature: float = 0.1
    """Temperature of the student's answers."""
    teacher_temperature: float = 0.04
    """That of the teacher's. Lower ones sharpen: what keeps all answers from
    being alike on every prototype."""
    center_momentum: float = 0.9
    """Share of the old in the running mean of the teacher's answers, which is
    subtracted: what keeps one prototype from being the answer to all."""
    precision: str = "auto"
    """Arithmetic of the backbone: `float32`, or `bfloat16`, which is refused
    where it is slower; `auto` takes it where it is faster."""
    seed: int = 0
    """Seed of weights, order and views."""

    def __post_init__(self):
        check_choice(self, "precision", PRECISIONS)
        check_choice(self, "optimizer", OPTIMIZERS)
        check_range(
            self,
            epochs=(1, 100_000),
            passes_per_epoch=(1, 100_000),
            batch_size=(2, 100_000),
            learning_rate=(1e-9, 10.0),
            warmup_epochs=(0.0, 100_000),
            weight_decay=(0.0, 10.0),
            teacher_momentum=(0.0, 1.0),
            student_temperature=(1e-3, 10.0),
            teacher_temperature=(1e-3, 10.0),
            center_momentum=(0.0, 1.0),
            seed=(0, 2**31 - 1),
        )
        limit_warmup(self, self.epochs)

    # What `Trainer` asks for besides: the teacher is the average.
    averaging = 0.0


@dataclasses.dataclass(frozen=True)
class PretrainConfig:
    """Everything that a training without labels depends on."""

    run_dir: str = "runs/pretrain/default"
    """Folder of the run: settings, history, the backbone. The same command
    resumes what lies there."""
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    # What a view changes, the network learns to overlook: so colours stay.
    augment: AugmentConfig = dataclasses.field(
        default_factory=lambda: AugmentConfig(
            shift=0.1,
            zoom=0.15,
            rotation=10.0,
            brightness=0.4,
            contrast=0.3,
            closeup=0.5,
            blur=0.3,
            cast=0.05,
        )
    )
    views: ViewConfig = dataclasses.field(default_factory=ViewConfig)
    model: PretrainModelConfig = dataclasses.field(
        default_factory=PretrainModelConfig
    )
    training: PretrainTrainingConfig = dataclasses.field(
        default_factory=PretrainTrainingConfig
    )
