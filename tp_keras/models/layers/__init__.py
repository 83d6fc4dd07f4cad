from tp_keras.models.layers.fused_batch_normalization import (
    FusedBatchNormalization,
)
from tp_keras.models.layers.gradient_reversal import GradientReversal

__all__ = ["FusedBatchNormalization", "GradientReversal"]
