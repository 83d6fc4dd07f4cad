from tp_keras.models.layers.fused_batch_normalization import (
    FusedBatchNormalization,
)
from tp_keras.models.layers.merged_convolution import MergedConvolution2D

__all__ = ["FusedBatchNormalization", "MergedConvolution2D"]
