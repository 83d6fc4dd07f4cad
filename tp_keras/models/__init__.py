"""The classifier, and what it is built of."""

from tp_keras.models.backbone import PortraitBackbone
from tp_keras.models.classifier import PortraitClassifier
from tp_keras.models.factory import create_backbone
from tp_keras.models.presets import BACKBONE_PRESETS

__all__ = [
    "BACKBONE_PRESETS",
    "PortraitBackbone",
    "PortraitClassifier",
    "create_backbone",
]
