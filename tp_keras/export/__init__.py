"""From a trained model to a bundle that TensorFlow Serving loads."""

from tp_keras.export.bundle import export_bundle
from tp_keras.export.folding import fold_batch_normalization
from tp_keras.export.publishing import bundle_size
from tp_keras.export.publishing import read_metadata
from tp_keras.export.vae_bundle import export_vae_bundle

__all__ = [
    "bundle_size",
    "export_bundle",
    "export_vae_bundle",
    "fold_batch_normalization",
    "read_metadata",
]
