"""From a trained model to a bundle that TensorFlow Serving loads."""

from tp_keras.export.bundle import export_bundle
from tp_keras.export.folding import fold_batch_normalization
from tp_keras.export.publishing import bundle_size
from tp_keras.serving.locate import read_metadata

__all__ = [
    "bundle_size",
    "export_bundle",
    "fold_batch_normalization",
    "read_metadata",
]
