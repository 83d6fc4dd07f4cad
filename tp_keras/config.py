"""The settings of an experiment, as frozen dataclasses.

Every field is a flag of `python -m training.train`, and the text below it the
flag's help. A file of `training/configs/` gives an experiment its values.
"""

import dataclasses
import os
import typing

from tp_keras.debias_config import DebiasConfig
from tp_keras.errors import UserError
from tp_keras.errors import check_choice
from tp_keras.errors import check_range
from tp_keras.errors import check_types

DEFAULT_BACKBONE = "portrait_s"

STORAGES = ("auto", "memory", "disk")

FLOAT32 = "float32"
BFLOAT16 = "bfloat16"
PRECISIONS = ("auto", FLOAT32, BFLOAT16)

OPTIMIZERS = ("adamw", "muon", "sing")
# Settings of models that may name a file or folder.
PATHS = ("backbone", "from_run", "classifier_run")
# What may change from start to resumption and from host to host.
FREE_FIELDS = ("run_dir", "data_dir", "storage")

# What a head tells numbers by; see `tp_keras.models.kinds`.
NUMBER_HEADS = ("distribution", "ordinal", "regression")


def limit_warmup(settings, epochs):
    """Cuts `warmup_epochs` to half of the epochs, and so what a run tells."""
    if settings.warmup_epochs > epochs / 2:
        object.__setattr__(settings, "warmup_epochs", epochs / 2)


def _each(value, count) -> tuple[str, ...]:
    """Returns a value for each of some data sets."""
    return (value,) * count if isinstance(value, str) else tuple(value)


@dataclasses.dataclass(frozen=True)
class DataConfig:
    """Which prepared data sets, and where their decoded pixels lie."""

    data_dir: str = "data/tfds"
    """Folder of prepared TFDS data sets, or the folder of one version."""
    dataset: str | tuple[str, ...] = "tiny_portraits/synthetic"
    """Name of the data set and its configuration; several are trained on
    jointly, and the first says who is protected."""
    train_split: str | tuple[str, ...] = "train"
    """What is trained on: a split, or a part of one such as `train[:50%]`. With
    several data sets one for all, or one for each."""
    validation_split: str | tuple[str, ...] = "validation"
    """What is validated on, likewise, and left out of the training. Where a
    data set has no `validation`, `train[90%:]` takes its place."""
    storage: str = "auto"
    """Decoded pixels in `memory`, or on `disk` as a mapped file that later runs
    reuse; `auto` takes memory up to 512 MB and half of what is free."""
    labels: tuple[str, ...] = ()
    """Learn from portraits with these labels alone, such as mood=calm,merry or
    age=18-. A data set without such a task is taken whole."""
    mixing: float = 1.0
    """Share of each of several data sets in the batches, in proportion to
    `count ** mixing`: 1 takes every portrait as often, 0 every data set."""
    shards: int = 1
    """Parts of the training portraits, each with as many rows in every batch;
    hosts share them, and what is learned depends on the shards alone."""

    def __post_init__(self):
        check_choice(self, "storage", STORAGES)
        check_range(self, mixing=(0.0, 1.0), shards=(1, 100_000))
        names = self.datasets
        if not names or len(set(names)) < len(names):
            raise UserError(
                "Expected the name of a data set, or several different ones. "
                f"Received: dataset={', '.join(names) or 'none'}"
            )
        for field in ("dataset", "train_split", "validation_split"):
            values = _each(getattr(self, field), len(names))
            if len(values) != len(names):
                raise UserError(
                    f"Expected one {field} for all data sets, or one for each "
                    f"of {', '.join(names)}. "
                    f"Received: {field}={', '.join(values) or 'none'}"
                )
            # What is said once is said in one way.
            if len(set(values)) == 1:
                values = values[0]
            object.__setattr__(self, field, values)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of all data sets."""
        return _each(self.dataset, 1)

    @property
    def parts(self) -> tuple["DataConfig", ...]:
        """The same settings for each data set alone."""
        count = len(self.datasets)
        splits = self.train_split, self.validation_split
        return tuple(
            dataclasses.replace(
                self, dataset=name, train_split=train, validation_split=held
            )
            for name, train, held in zip(
                self.datasets, *(_each(s, count) for s in splits), strict=True
            )
        )

    @property
    def first(self) -> "DataConfig":
        """The same settings for the first data set alone."""
        return self.parts[0]

    def part(self, split: str) -> str | tuple[str, ...]:
        """Returns what stands for a split: `train`, `validation` are open."""
        parts = {"train": self.train_split, "validation": self.validation_split}
        return parts.get(split, split)

    def selection(self, split: str) -> dict:
        """Returns what else it needs to take some of its portraits alone."""
        is_trained_on = split in ("train", "validation")
        return {"labels": self.labels} if self.labels and is_trained_on else {}

    def location(self, split: str) -> tuple:
        """Returns what `load_portraits` needs to find a split's portraits."""
        return self.data_dir, self.dataset, self.part(split), self.storage


@dataclasses.dataclass(frozen=True)
class AugmentConfig:
    """How much a training portrait is changed at random.

    Of what the labels are not told by: colours stay as they are by default, but
    for a cast of the light, and eyes are never covered alone. What is safe for
    a label that nobody explains is measured by `training.safe_augmentations`.
    """

    flip: bool = True
    """Mirror every second portrait."""
    shift: float = 0.05
    """Largest shift, as a share of width and height."""
    zoom: float = 0.1
    """Largest zoom, in or out, as a share of the size."""
    rotation: float = 8.0
    """Largest rotation, in degrees."""
    brightness: float = 0.2
    """Largest change of the brightness, as a share of it."""
    contrast: float = 0.0
    """Largest change of the contrast, as a share of it."""
    erasing: float = 0.0
    """Probability that a rectangle of the portrait is painted over."""
    closeup: float = 0.0
    """Probability that a portrait is framed closer, up to twice as close, in
    place of the zoom: others frame faces otherwise."""
    blur: float = 0.0
    """Probability that a portrait is blurred, as one is that was small."""
    cast: float = 0.0
    """Largest change of each colour channel by itself, as a share of it."""
    hue: float = 0.0
    """Largest turn of all hues, in degrees."""
    saturation: float = 0.0
    """Largest change of the saturation, as a share of it."""
    grey: float = 0.0
    """Probability that a portrait loses its colours."""
    covered_eyes: float = 0.0
    """Probability that a bar is painted over where the eyes are."""

    def __post_init__(self):
        check_range(
            self,
            shift=(0.0, 0.5),
            zoom=(0.0, 0.5),
            rotation=(0.0, 45.0),
            brightness=(0.0, 1.0),
            contrast=(0.0, 1.0),
            erasing=(0.0, 1.0),
            closeup=(0.0, 1.0),
            blur=(0.0, 1.0),
            cast=(0.0, 0.5),
            hue=(0.0, 180.0),
            saturation=(0.0, 1.0),
            grey=(0.0, 1.0),
            covered_eyes=(0.0, 1.0),
        )


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """What the classifier is built of."""

    backbone: str = DEFAULT_BACKBONE
    """Our portrait_xs, portrait_s, portrait_m or mobilenet_025, the name of a
    model of keras.applications, such as MobileNetV2(alpha=0.35), or a file of
    a model of your own that ends in .keras."""
    from_run: str = ""
    """Folder of a finished run to go on from: weights of layers of the same
    name and shape are taken over."""
    tasks: tuple[str, ...] = ()
    """The tasks to learn; all that the data set has where none is given."""
    embedding_size: int = 32
    """Length of the embedding; each guarded task reads an equal part."""
    number_head: str = "distribution"
    """How numbers are learned: as the mean of a `distribution` over them, by
    how many of them are passed (`ordinal`), or as they are (`regression`)."""
    dropout_rate: float = 0.2
    """Dropout before the heads."""

    def __post_init__(self):
        check_choice(self, "number_head", NUMBER_HEADS)
        check_range(
            self,
            embedding_size=(1, 4096),
            dropout_rate=(0.0, 0.9),
        )


@dataclasses.dataclass(frozen=True)
class TrainingConfig:
    """How it is trained."""

    epochs: int = 30
    """Epochs to train, each with validation, backup and a row of history."""
    passes_per_epoch: int = 1
    """Passes over the training portraits in an epoch: with few portraits
    several, lest more time goes into what ends an epoch."""
    batch_size: int = 64
    """Portraits in a step."""
    optimizer: str = "adamw"
    """`adamw`, or `muon`, which updates the kernels of convolutions by
    orthogonal matrices, and needs fewer passes; all else is AdamW's. `sing` is
    AdamW on gradients of one length, at about ten times its learning rate."""
    learning_rate: float = 2e-3
    """Peak of the learning rate, after the warm-up; a cosine leads to 0."""
    warmup_epochs: float = 2.0
    """Epochs in which the learning rate grows from 0; at most half of all."""
    weight_decay: float = 0.05
    """AdamW's decay of the kernels; biases and norms are left out."""
    averaging: float = 0.99
    """Share of the old in the moving average of the weights, which is what is
    validated and kept; 0 switches it off."""
    freeze_trunk_epochs: int = 0
    """Epochs in which the backbone stays as it is, for one that is trained
    already: the heads alone learn, which also takes less time."""
    trunk_learning_rate: float = 1.0
    """Learning rate of the backbone afterwards, as a share of the others'."""
    label_smoothing: float = 0.05
    """Share of the target that is spread over all classes."""
    class_balance: float = 0.0
    """Exponent b of the weights `count ** -b` of the classes in the loss; 1
    gives each class the same sum, 0 leaves them as they are."""
    score: str = "accuracy"
    """What the best epoch, stopping early and a search go by: `accuracy`, the
    mean over the tasks, or `neutral_accuracy`, which is the mean of the groups'
    accuracies less what they differ by; of one task with its name and _ in
    front. Of a `loss`, and of errors, less is better."""
    patience: int = 0
    """Epochs without a better validation score before it stops; 0: never."""
    precision: str = "auto"
    """Arithmetic of the backbone: `float32`, or `bfloat16`, which is refused
    where it is slower; `auto` takes it where it is faster."""
    seed: int = 0
    """Seed of weights, order and augmentation."""

    def __post_init__(self):
        check_choice(self, "precision", PRECISIONS)
        check_choice(self, "optimizer", OPTIMIZERS)
        check_range(
            self,
            epochs=(1, 100_000),
            passes_per_epoch=(1, 100_000),
            batch_size=(1, 100_000),
            learning_rate=(1e-9, 10.0),
            warmup_epochs=(0.0, 100_000),
            weight_decay=(0.0, 10.0),
            averaging=(0.0, 0.99999),
            freeze_trunk_epochs=(0, 100_000),
            trunk_learning_rate=(1e-6, 10.0),
            label_smoothing=(0.0, 0.9),
            class_balance=(0.0, 1.0),
            patience=(0, 100_000),
            seed=(0, 2**31 - 1),
        )
        limit_warmup(self, self.epochs)


@dataclasses.dataclass(frozen=True)
class ExperimentConfig:
    """Everything that a run depends on."""

    run_dir: str = "runs/default"
    """Folder of the run: settings, history, model and figures. The same
    command resumes what lies there."""
    data: DataConfig = dataclasses.field(default_factory=DataConfig)
    augment: AugmentConfig = dataclasses.field(default_factory=AugmentConfig)
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    debias: DebiasConfig = dataclasses.field(default_factory=DebiasConfig)
    training: TrainingConfig = dataclasses.field(default_factory=TrainingConfig)


def config_from_dict(cls, values: typing.Mapping):
    """Returns the config of class `cls` that `dataclasses.asdict` told.

    A field that is missing was added since, and has its default; one that is
    unknown, or of another type, is a `UserError`.
    """
    check_types(cls, values)
    hints = {field.name: field.type for field in dataclasses.fields(cls)}
    arguments = {}
    for name, value in values.items():
        if dataclasses.is_dataclass(hints.get(name)):
            value = config_from_dict(hints[name], value)
        elif isinstance(value, list):
            value = tuple(value)
        arguments[name] = value
    try:
        return cls(**arguments)
    except TypeError as error:
        raise UserError(
            f"Expected the settings {sorted(hints)}. Received: {sorted(values)}"
        ) from error


def config_differences(first, second, ignore=()) -> list[str]:
    """Returns `field: first against second` of what differs, but `ignore`."""
    differences = []
    for field in dataclasses.fields(first):
        a, b = getattr(first, field.name), getattr(second, field.name)
        if field.name in ignore or a == b:
            continue
        if field.name in PATHS and _is_same_place(a, b):
            continue
        if dataclasses.is_dataclass(a):
            differences += config_differences(a, b, ignore)
        else:
            differences.append(f"{field.name}: {a} against {b}")
    return differences


def _is_same_place(first, second):
    """Whether a path is another by another name, or what was moved there."""
    moved = not os.path.exists(first) and os.path.exists(second)
    if moved and os.path.basename(first) == os.path.basename(second):
        return True
    return os.path.realpath(first) == os.path.realpath(second)
