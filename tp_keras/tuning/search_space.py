"""What a search may choose from, and the experiment of one choice."""

import dataclasses

from tp_keras.config import ExperimentConfig
from tp_keras.errors import UserError

# Channels of each stage: the first has `width` of them.
_WIDTH_FACTORS = (1, 2, 3, 4)
# The first stage works on a quarter of height and width, the next on half of
# that, and so on.
_FIRST_STRIDE = 4
_STAGE_STRIDE = 2

# Stride of the stem -> its kernel: none that leaves pixels out.
_STEM_KERNELS = {2: 3, 4: 4}

# The vectors of this CPU hold 16 numbers: other widths leave lanes empty.
_WIDTH_UNIT = 16


@dataclasses.dataclass(frozen=True)
class SearchSpace:
    """Backbones, and the settings of their training.

    Of a list one is chosen, of a range `LOW HIGH` any number between; a list
    of one, or a range of equal ends, settles the matter.
    """

    backbones: tuple[str, ...] = ()
    """Whole backbones by name, such as 'MobileNetV2(alpha=0.35)'. With them
    blocks, widths and depths are not searched."""
    block_types: tuple[str, ...] = ()
    """Types of blocks: separable, residual, merged. Default: all."""
    stem_strides: tuple[int, ...] = (2, 4)
    """Strides of the first convolution: 2 with a 3x3 kernel, or 4 with a 4x4
    one, which leaves the first stage its resolution."""
    stem_channels: tuple[int, ...] = (16,)
    """Channels of the first convolution."""
    widths: tuple[int, ...] = (16, 32, 48)
    """Channels of the first stage; the others have 2, 3 and 4 times as many."""
    depths: tuple[int, ...] = (1, 2)
    """Blocks of a stage. The first stage has one at most: at its resolution a
    block costs the most."""
    learning_rates: tuple[float, float] = (1e-3, 8e-3)
    """Range of the peak of the learning rate."""
    augment_strengths: tuple[float, float] = (0.25, 1.5)
    """Range of the factor on shift, zoom, rotation and brightness of the
    base."""
    label_smoothings: tuple[float, float] = (0.0, 0.2)
    """Range of the label smoothing."""
    weight_decays: tuple[float, float] = (0.02, 0.5)
    """Range of the weight decay."""
    dropout_rates: tuple[float, float] = (0.0, 0.5)
    """Range of the dropout before the heads."""

    def __post_init__(self):
        """Refuses empty lists, reversed ranges and odd widths."""
        widths = range(_WIDTH_UNIT, 10**6, _WIDTH_UNIT)
        multiple = f"a multiple of {_WIDTH_UNIT}"
        for name, expected, valid in (
            ("stem_strides", "2 or 4", _STEM_KERNELS),
            ("depths", "at least 0", range(10**6)),
            ("stem_channels", multiple, widths),
            ("widths", multiple, widths),
        ):
            values = getattr(self, name)
            if not values or not all(value in valid for value in values):
                raise UserError(
                    f"Expected {name}, one or several, each {expected}. "
                    f"Received: {name}={values}"
                )
        for name, low, high in self._ranges():
            positive, field = name in _LOGARITHMIC, _RANGES[name]
            if not (0 < low <= high if positive else 0 <= low <= high):
                raise UserError(
                    f"Expected {field} as a range LOW HIGH of numbers "
                    f"{'above' if positive else 'of at least'} 0. "
                    f"Received: {field}={low} {high}"
                )

    def declare(self, hyperparameters) -> None:
        """Tells a `keras_tuner.HyperParameters` what may be chosen."""
        choices = {"backbone": self.backbones}
        if not self.backbones:
            choices = {
                "block_type": self.block_types or _all_block_types(),
                "stem_stride": self.stem_strides,
                "stem_channels": self.stem_channels,
                "width": self.widths,
                "depth": self.depths,
            }
        for name, values in choices.items():
            if len(set(values)) == 1:
                hyperparameters.Fixed(name, values[0])
            else:
                hyperparameters.Choice(name, list(values))
        for name, low, high in self._ranges():
            if low == high:
                hyperparameters.Fixed(name, low)
            else:
                sampling = "log" if name in _LOGARITHMIC else "linear"
                hyperparameters.Float(name, low, high, sampling=sampling)

    def backbone(self, values) -> str:
        """Returns the backbone of one choice, as settings name it."""
        if self.backbones:
            return values["backbone"]
        width, depth = values["width"], values["depth"]
        stride = values["stem_stride"]
        first, *others = (width * factor for factor in _WIDTH_FACTORS)
        stages = (
            (first, min(depth, 1), _FIRST_STRIDE // stride),
            *((channels, depth, _STAGE_STRIDE) for channels in others),
        )
        return (
            f'PortraitBackbone(block_type="{values["block_type"]}", '
            f"stem_channels={values['stem_channels']}, "
            f"stem_kernel_size={_STEM_KERNELS[stride]}, "
            f"stem_stride={stride}, stages={stages})"
        )

    def config(self, base: ExperimentConfig, values) -> ExperimentConfig:
        """Returns the experiment of one choice, all other settings from `base`.

        `values` are what was chosen, by name: a mapping, or a
        `keras_tuner.HyperParameters`.

        Raises:
            UserError: If a setting is out of its limits.
        """
        # Three digits are as much as a search can tell, and a reader wants.
        numbers = {name: float(f"{values[name]:.3g}") for name in _RANGES}
        strength, changes = numbers.pop("augment_strength"), {}
        dropout_rate = numbers.pop("dropout_rate")
        for name in ("shift", "zoom", "rotation", "brightness"):
            value = getattr(base.augment, name) * strength
            changes[name] = float(f"{value:.3g}")
        return dataclasses.replace(
            base,
            augment=dataclasses.replace(base.augment, **changes),
            model=dataclasses.replace(
                base.model,
                backbone=self.backbone(values),
                dropout_rate=dropout_rate,
            ),
            training=dataclasses.replace(base.training, **numbers),
        )

    def check(self, base: ExperimentConfig, image_shape) -> None:
        """Raises `UserError` if some choice couldn't be trained.

        Cheaper than a trial that fails in the middle of the night.
        """
        known = _all_block_types()
        unknown = [name for name in self.block_types if name not in known]
        if unknown:
            raise UserError(
                f"Expected block_types out of {', '.join(known)}. "
                f"Received: block_types={', '.join(unknown)}"
            )
        from tp_keras.models import create_backbone

        smallest = {
            "stem_stride": self.stem_strides[0],
            "stem_channels": self.stem_channels[0],
            "width": min(self.widths),
            "depth": min(self.depths),
        }
        for name in self.backbones or self.block_types or known:
            own = {**smallest, "block_type": name, "backbone": name}
            create_backbone(self.backbone(own), image_shape)
        for end in (1, 2):
            values = {row[0]: row[end] for row in self._ranges()}
            values["backbone"] = base.model.backbone
            dataclasses.replace(self, backbones=("any",)).config(base, values)

    def _ranges(self):
        """Returns `(name of the number, low, high)` of every range."""
        return [
            (name, *getattr(self, field)) for name, field in _RANGES.items()
        ]


# Name of the number -> field of its range.
_RANGES = {
    "learning_rate": "learning_rates",
    "augment_strength": "augment_strengths",
    "label_smoothing": "label_smoothings",
    "weight_decay": "weight_decays",
    "dropout_rate": "dropout_rates",
}
# Everything that may be chosen, in the order of the tables.
NAMES = (
    *("backbone", "block_type", "stem_stride", "stem_channels"),
    *("width", "depth"),
    *_RANGES,
)

# Of these the order of magnitude matters.
_LOGARITHMIC = ("learning_rate", "weight_decay")


def _all_block_types() -> tuple[str, ...]:
    # Imported here: flags and their help need no Keras.
    from tp_keras.models.backbone import BLOCK_TYPES

    return tuple(BLOCK_TYPES)
