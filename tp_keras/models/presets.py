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
    # Dense convolutions with multiples of 16 channels.
    "portrait_xs": {
        "block_type": "merged",
        "stem_channels": 16,
        "stages": ((32, 0, 2), (48, 1, 2), (64, 1, 2)),
    },
    "portrait_s": {
        "block_type": "merged",
        "stem_channels": 16,
        "stages": ((32, 0, 2), (64, 1, 2), (96, 2, 2)),
    },
    "portrait_m": {
        "block_type": "residual",
        "stem_channels": 16,
        "stages": ((32, 1, 2), (64, 1, 2), (96, 1, 2), (128, 1, 2)),
    },
}
