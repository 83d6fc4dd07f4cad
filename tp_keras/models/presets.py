"""The named backbones."""

BACKBONE_PRESETS = {
    # MobileNet with a quarter of the channels: the reference that others know.
    "mobilenet_025": {
        "block_type": "separable",
        "stem_channels": 8,
        "stages": (
            (16, 1, 1),
            (32, 2, 2),
            (64, 2, 2),
            (128, 6, 2),
            (256, 2, 2),
        ),
    },
    # Found by `training.tune` (Hyperband, 60 s a trial, real portraits): of 13
    # trials the best, and the fastest. A stem of 4x4 pixels leaves no map that
    # is large enough to make depthwise convolutions slow.
    "portrait_xs": {
        "block_type": "separable",
        "stem_channels": 16,
        "stem_kernel_size": 4,
        "stem_stride": 4,
        "stages": ((32, 1, 1), (64, 1, 2), (96, 1, 2), (128, 1, 2)),
    },
    # Dense convolutions with multiples of 16 channels: as many of them as
    # twice the training speed of MobileNet 0.25 and 400 kB in int8 allow.
    "portrait_s": {
        "block_type": "merged",
        "stem_channels": 16,
        "stages": ((32, 0, 2), (64, 1, 2), (96, 2, 2)),
    },
    # What the same kind of network gains from more of everything.
    "portrait_m": {
        "block_type": "residual",
        "stem_channels": 16,
        "stages": ((32, 1, 2), (64, 1, 2), (96, 1, 2), (128, 1, 2)),
    },
}
