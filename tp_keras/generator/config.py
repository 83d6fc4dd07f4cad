"""The settings of a generator's training and evaluation, frozen dataclasses.

Every field is a flag of `training.train_vae` or of `training.evaluate_vae`, and
the text below it the flag's help.
"""

import dataclasses

from tp_keras.config import PRECISIONS
from tp_keras.config import AugmentConfig
from tp_keras.config import DataConfig
from tp_keras.config import check_choice
from tp_keras.config import check_range
from tp_keras.config import limit_warmup
from tp_keras.errors import UserError

PRIORS = ("standard_normal", "gaussian_mixture")

# For the generator and the classifier in its loss, and for the judge of its
# portraits.
GENERATOR_SPLIT = "train[:50%]"
JUDGE_SPLIT = "train[50%:]"


@dataclasses.dataclass(frozen=True)
class VaeModelConfig:
    """What the generator is built of, and what it is trained for."""

    classifier_run: str = ""
    """Folder of the run of the classifier that looks at what is drawn."""
    latent_size: int = 64
    """Length of the latent vectors."""
    encoder_channels: tuple[int, ...] = (48, 96)
    """Channels of the encoder at a quarter of the size and innermost."""
    decoder_channels: tuple[int, ...] = (128, 64, 32, 8)
    """Channels of the decoder innermost, at a quarter, at half and at full
    size."""
    critic_channels: tuple[int, ...] = (64, 128)
    """Channels of the critic at a quarter of the size and innermost."""
    label_dropout: float = 0.15
    """Probability that a known label is left out in training."""
    penalty_weight: float = 2.0
    """Weight of the slope of the critic at real portraits."""
    attribute_weight: float = 0.1
    """Weight of the labels that the classifier reads in new portraits."""
    attribute_smoothing: float = 0.1
    """Share of the label that is spread over all classes there: more certainty
    than that doesn't pay."""
    feature_weight: float = 2.0
    """Weight of the feature maps of portraits that are drawn again, for the
    encoder, as are the following ones."""
    colour_weight: float = 5.0
    """Weight of their colours, at half of the size."""
    latent_weight: float = 0.01
    """Weight of how little it foretells the latents of new portraits."""
    beta: float = 0.0009
    """Weight of the KL, in nats."""
    prior: str = "standard_normal"
    """The prior of new portraits: standard_normal, which the critics have seen,
    a gaussian_mixture that is fitted afterwards, or `auto`, which keeps what
    foretells held-out portraits better."""

    def __post_init__(self):
        """Refuses what can't be built."""
        check_choice(self, "prior", ("auto", *PRIORS))
        check_range(
            self,
            latent_size=(1, 4096),
            label_dropout=(0.0, 0.99),
            penalty_weight=(0.0, 1e6),
            feature_weight=(0.0, 1e6),
            colour_weight=(0.0, 1e6),
            attribute_weight=(0.0, 1e6),
            latent_weight=(0.0, 1e6),
            attribute_smoothing=(0.0, 0.9),
            beta=(0.0, 1e6),
        )
        for name, count in (
            ("encoder_channels", 2),
            ("decoder_channels", 4),
            ("critic_channels", 2),
        ):
            channels = getattr(self, name)
            if len(channels) != count or min(channels) < 4:
                raise UserError(
                    f"Expected {count} numbers of channels, at least 4 each. "
                    f"Received: {name}={channels}"
                )


@dataclasses.dataclass(frozen=True)
class VaeTrainingConfig:
    """How it is trained."""

    half_epochs: int = 12
    """Epochs at half the size."""
    full_epochs: int = 3
    """Epochs at full size, after the model has grown."""
    encoder_epochs: int = 2
    """Epochs of the encoder, for the decoder that was trained."""
    passes_per_epoch: int = 1
    """Passes over the training portraits in an epoch."""
    batch_size: int = 32
    """Portraits in a step."""
    learning_rate: float = 5e-4
    """Peak of the learning rate at half the size and of the encoder, half of
    that at full size; a cosine leads to 0 in each."""
    critic_rate: float = 1.5
    """Learning rate of the critics, as a share of that."""
    warmup_epochs: float = 1.0
    """Epochs in which the learning rate grows from 0; at most half of those at
    half the size."""
    averaging: float = 0.05
    """Over which share of its steps the weights of a stage are averaged, by a
    moving average, which is what is kept; 0 switches it off."""
    precision: str = "auto"
    """Arithmetic of the convolutions: `float32` or `bfloat16`; `auto` takes the
    faster."""
    seed: int = 0
    """Seed of weights, order, augmentation and noise."""

    def __post_init__(self):
        """Refuses what can't be trained."""
        check_choice(self, "precision", PRECISIONS)
        check_range(
            self,
            half_epochs=(1, 100_000),
            full_epochs=(0, 100_000),
            encoder_epochs=(1, 100_000),
            passes_per_epoch=(1, 100_000),
            batch_size=(4, 100_000),
            learning_rate=(1e-9, 10.0),
            critic_rate=(1e-6, 1e6),
            warmup_epochs=(0.0, 100_000),
            averaging=(0.0, 0.5),
            seed=(0, 2**31 - 1),
        )
        limit_warmup(self, self.half_epochs)

    @property
    def epochs(self) -> int:
        """Epochs of all stages."""
        return self.half_epochs + self.full_epochs + self.encoder_epochs


@dataclasses.dataclass(frozen=True)
class VaeExperimentConfig:
    """Everything that a generator's run depends on."""

    run_dir: str = "runs/vae/default"
    """Folder of the run: settings, history, model and pictures. The same
    command resumes what lies there."""
    data: DataConfig = dataclasses.field(
        default_factory=lambda: DataConfig(train_split=GENERATOR_SPLIT)
    )
    augment: AugmentConfig = dataclasses.field(
        default_factory=lambda: AugmentConfig(
            # Where a portrait lies in its frame is part of what is learned.
            shift=0.02,
            zoom=0.03,
            rotation=2.0,
            brightness=0.0,
        )
    )
    model: VaeModelConfig = dataclasses.field(default_factory=VaeModelConfig)
    training: VaeTrainingConfig = dataclasses.field(
        default_factory=VaeTrainingConfig
    )

    def __post_init__(self):
        """Refuses what can't be drawn like."""
        if len(self.data.datasets) > 1:
            raise UserError(
                "A generator draws portraits like those of one data set. "
                "Expected a single name. "
                f"Received: dataset={', '.join(self.data.datasets)}"
            )


@dataclasses.dataclass(frozen=True)
class GenerationSettings:
    """How much is drawn for a figure, and where chance starts."""

    temperature: float = 1.0
    """Scale of the noise of the generated portraits; figures of others than 1
    don't compare."""
    samples_per_cell: int = 200
    """Portraits generated for each cell, a combination of the classes that the
    generator is told."""
    min_count: int = 20
    """Real test portraits that a cell needs for its fidelity to be measured."""
    network_epochs: int = 8
    """Passes in which the small networks are trained."""
    max_test: int = 2000
    """Test portraits used at most; as many are generated."""
    max_training: int = 5000
    """Training portraits used at most: by eigenfaces, by the classifiers that
    are trained on candidates, and by the search for copies."""
    seed: int = 0
    """Where chance starts."""

    def __post_init__(self):
        """Refuses what can't be measured."""
        most = 10**9
        check_range(
            self,
            temperature=(1e-6, 10.0),
            samples_per_cell=(2, most),
            min_count=(1, most),
            network_epochs=(1, most),
            max_test=(65, most),
            max_training=(65, most),
            seed=(0, most),
        )

    @property
    def caption(self) -> str:
        """What stands on every picture of generated portraits."""
        return f"temperature {self.temperature:g}, seed {self.seed}"
