"""Features of unit variance, few enough for distances between samples."""

import dataclasses

import numpy as np
from sklearn.decomposition import PCA

from tp_keras.errors import UserError

FEATURE_SIZE = 64

# A direction of less variance, in parts of the largest, is rounding, not
# content: dividing by its deviation would make it count as much as any other.
_LEAST_VARIANCE = 1e-9


@dataclasses.dataclass(frozen=True)
class Whitening:
    """Projects features to their principal directions, each of variance 1.

    A distance on such features doesn't depend on the scale of a layer, nor on
    how many channels say the same.

    Attributes:
        mean: float32 `[channels]`.
        projection: float32 `[channels, size]`.
    """

    mean: np.ndarray
    projection: np.ndarray

    @classmethod
    def fit(cls, features, size=FEATURE_SIZE):
        """Fits the whitening of the features of reference portraits.

        Args:
            features: Float array `[count, channels]`.
            size: Int. How many directions to keep, as far as there are such
                with any variance.

        Raises:
            UserError: If there are not more rows than directions.

        Example:
            >>> whitening = Whitening.fit(features)
            >>> whitening(features).std(0)
            array([1., 1., ...
        """
        features = np.asarray(features, np.float64)
        count, channels = features.shape
        if count <= size:
            raise UserError(
                f"Expected more than {size} reference portraits to whiten "
                f"features to {size} directions. Received: {count} portraits"
            )
        pca = PCA(min(size, channels), svd_solver="covariance_eigh")
        variances = pca.fit(features).explained_variance_
        kept = variances > _LEAST_VARIANCE * variances[0]
        projection = pca.components_[kept].T / np.sqrt(variances[kept])
        return cls(pca.mean_.astype(np.float32), projection.astype(np.float32))

    def __call__(self, features) -> np.ndarray:
        """Returns whitened features: float32 `[count, size]`."""
        return (np.asarray(features, np.float32) - self.mean) @ self.projection
