"""Importing this package registers every layer and model with Keras."""

from tp_keras.models.backbone import PortraitBackbone
from tp_keras.models.classifier import PortraitClassifier
from tp_keras.models.factory import create_backbone
from tp_keras.models.presets import BACKBONE_PRESETS
from tp_keras.models.presets import DEFAULT_BACKBONE

__all__ = [
    "BACKBONE_PRESETS",
    "DEFAULT_BACKBONE",
    "PortraitBackbone",
    "PortraitClassifier",
    "create_backbone",
]
