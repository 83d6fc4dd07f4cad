"""The shared trunk: from the portrait to a map of features."""

import keras

from tp_keras.models.layer_settings import default_policy
from tp_keras.models.layer_settings import from_settings_config
from tp_keras.models.layer_settings import settings_config
from tp_keras.models.layers import FusedBatchNormalization
from tp_keras.models.layers import MergedConvolution2D
from tp_keras.registration import register

BLOCK_TYPES = ("separable", "residual", "merged")

# Mean and standard deviation of the pixels, about those of portraits.
PIXEL_MEAN = 117.0
PIXEL_SCALE = 70.0


@register
class PortraitBackbone(keras.Model):
    """A small convolutional trunk for thumbnails of faces, made for a CPU.

    Three kinds of blocks, each convolution followed by batch normalisation
    (`FusedBatchNormalization`) and ReLU:

    * `"separable"`: a depthwise 3x3 and a pointwise convolution (MobileNet,
      Howard et al., arXiv:1704.04861).
    * `"residual"`: one dense 3x3 convolution where a stage begins, then pairs
      of them with a shortcut around each pair (He et al., arXiv:1512.03385).
    * `"merged"`: one dense 3x3 convolution where a stage begins, then such
      with a pointwise and an identity branch, merged into one kernel
      (`MergedConvolution2D`).

    The dense ones are often the faster ones on a CPU, where depthwise
    convolutions reach a tenth of its peak. The first layer normalises the
    pixels, so that training, export and serving can't differ.

    Args:
        block_type: One of `BLOCK_TYPES`.
        stem_channels: Channels of the first convolution; `stem_kernel_size`
            and `stem_stride` are of it too.
        stages: Sequence of `(channels, blocks, stride)`. What begins a stage
            has the stride, and comes on top of the blocks except with
            `"separable"`, where it is the first of them.
        image_shape: Height, width and channels of the input.
        trainable: Whether its weights are trained.
        dtype: Policy of its layers, None for the global one.

    Input: `"image"`, uint8 (or float in 0..255) `[batch, height, width, 3]`.
    Output: float features `[batch, rows, columns, channels]`.
    """

    def __init__(
        self,
        block_type,
        stem_channels,
        stages,
        image_shape,
        stem_kernel_size=3,
        stem_stride=2,
        name="backbone",
        trainable=True,
        dtype=None,
    ):
        if block_type not in BLOCK_TYPES:
            raise ValueError(
                f"Expected a block type out of {BLOCK_TYPES}. "
                f"Received: block_type={block_type!r}"
            )
        stages = tuple(tuple(stage) for stage in stages)
        # A transition may be all of a stage.
        fewest = 1 if block_type == "separable" else 0
        if not stages or any(
            len(stage) != 3 or min(stage[0], stage[2]) < 1 or stage[1] < fewest
            for stage in stages
        ):
            raise ValueError(
                "Expected stages of (channels, blocks, stride), channels and "
                f"stride at least 1 and blocks at least {fewest}. "
                f"Received: stages={stages}"
            )

        # === Functional Model ===
        add_stage = {
            "separable": _separable_stage,
            "residual": _residual_stage,
            "merged": _merged_stage,
        }[block_type]
        with default_policy(dtype):
            image = keras.Input(image_shape, dtype="uint8", name="image")
            x = normalize_pixels(image)
            x = _convolution(
                x, stem_channels, stem_kernel_size, stem_stride, name="stem"
            )
            for number, (channels, blocks, stride) in enumerate(stages, 1):
                x = add_stage(x, channels, blocks, stride, f"stage{number}")
            super().__init__(inputs=image, outputs=x, name=name)
        if not trainable:
            # Once the layers are there: Keras' own argument misses them.
            self.trainable = False

        # === Config ===
        self.block_type = block_type
        self.stem_channels = stem_channels
        self.stages = stages
        self.stem_kernel_size = stem_kernel_size
        self.stem_stride = stem_stride
        self.image_shape = tuple(image_shape)

    # Not chained to super: the config of a functional model lists its layers,
    # which the constructor doesn't take.
    def get_config(self):
        return {
            "block_type": self.block_type,
            "stem_channels": self.stem_channels,
            "stages": self.stages,
            "stem_kernel_size": self.stem_kernel_size,
            "stem_stride": self.stem_stride,
            "image_shape": self.image_shape,
            **settings_config(self),
        }

    from_config = classmethod(from_settings_config)


def normalize_pixels(image):
    """Maps pixels 0..255 to about mean 0 and variance 1."""
    return keras.layers.Rescaling(
        1.0 / PIXEL_SCALE, offset=-PIXEL_MEAN / PIXEL_SCALE, name="normalize"
    )(image)


def _normalize_and_activate(x, name, activate=True):
    x = FusedBatchNormalization(name=f"{name}_normalization")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x) if activate else x


def _convolution(
    x,
    channels,
    kernel_size=3,
    strides=1,
    name="",
    activate=True,
    layer=keras.layers.Conv2D,
):
    x = layer(
        channels,
        kernel_size,
        strides=strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_convolution",
    )(x)
    return _normalize_and_activate(x, name, activate)


def _separable_stage(x, channels, blocks, stride, name):
    for block in range(1, blocks + 1):
        prefix = f"{name}_block{block}"
        x = keras.layers.DepthwiseConv2D(
            3,
            strides=stride if block == 1 else 1,
            padding="same",
            use_bias=False,
            depthwise_initializer="he_normal",
            name=f"{prefix}_depthwise_convolution",
        )(x)
        x = _normalize_and_activate(x, f"{prefix}_depthwise")
        x = _convolution(x, channels, kernel_size=1, name=f"{prefix}_pointwise")
    return x


def _residual_stage(x, channels, blocks, stride, name):
    x = _convolution(x, channels, strides=stride, name=f"{name}_transition")
    for block in range(1, blocks + 1):
        prefix = f"{name}_block{block}"
        shortcut = x
        x = _convolution(x, channels, name=f"{prefix}_first")
        x = _convolution(x, channels, name=f"{prefix}_second", activate=False)
        x = keras.layers.Add(name=f"{prefix}_add")([x, shortcut])
        x = keras.layers.ReLU(name=f"{prefix}_relu")(x)
    return x


def _merged_stage(x, channels, blocks, stride, name):
    x = _convolution(x, channels, strides=stride, name=f"{name}_transition")
    for block in range(1, blocks + 1):
        x = _convolution(
            x, channels, name=f"{name}_block{block}", layer=MergedConvolution2D
        )
    return x
