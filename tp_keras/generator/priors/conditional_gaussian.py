"""The Gaussian that every fitted prior starts from."""

import dataclasses

import numpy as np
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import Ridge


@dataclasses.dataclass(frozen=True)
class ConditionalGaussian:
    """p(z | c) = N(centre(c), scale scale^T).

    The centre is a ridge regression on the classes, on pairs of them and on
    the whole pattern, unknown a class like others. So a pattern with many
    portraits has a centre of its own, and one with few falls back on its pairs
    and classes. The covariance of the means is shrunk by Ledoit and Wolf's
    formula (2004), and the variance of the posteriors is added exactly.

    Attributes:
        centers: float64 `[patterns, latent_size]`.
        scale: float64 `[latent_size, latent_size]`, lower triangular.
    """

    centers: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, latents, ridge) -> "ConditionalGaussian":
        """Fits to `Latents`.

        Args:
            latents: `Latents`.
            ridge: Float. As many portraits as a deviation of the centre needs
                to be believed by half.
        """
        patterns, weights = latents.patterns, latents.weights
        overall = np.average(latents.means, axis=0, weights=weights)
        features = _features(latents.pattern_classes)
        # Rows of the same pattern are alike to the regression: one row of
        # their mean and weight each gives the same centres.
        sums = np.zeros((len(features), latents.size))
        np.add.at(sums, patterns, weights[:, None] * (latents.means - overall))
        totals = np.bincount(patterns, weights, minlength=len(features))
        seen = totals > 0
        regression = Ridge(alpha=ridge, fit_intercept=False).fit(
            features[seen],
            sums[seen] / totals[seen, None],
            sample_weight=totals[seen],
        )
        centers = overall + regression.predict(features)
        # A weighted row is worth its root of weight in a covariance.
        roots = np.sqrt(weights / weights.mean())[:, None]
        rest = roots * (latents.means - centers[patterns])
        covariance = LedoitWolf(assume_centered=True).fit(rest).covariance_
        noise = np.average(
            np.exp(latents.log_variances.astype(np.float64)),
            axis=0,
            weights=weights,
        )
        covariance = covariance + np.diag(noise + 1e-6)
        return cls(centers, np.linalg.cholesky(covariance))

    def whiten(self, samples, patterns) -> np.ndarray:
        """Returns samples in units of the Gaussian, float32 `[rows, size]`."""
        whitener = np.linalg.inv(self.scale).astype(np.float32)
        rest = samples - self.centers[patterns].astype(np.float32)
        return rest @ whitener.T

    @property
    def log_volume(self) -> float:
        """Log determinant of the scale."""
        return float(np.log(np.diagonal(self.scale)).sum())


def _features(classes):
    """One-hot classes, pairs and patterns: `[patterns, features]`."""
    pairs = [
        first * (second.max() + 1) + second
        for a, first in enumerate(classes.T)
        for second in classes.T[:a]
    ]
    columns = [*classes.T, *pairs, np.arange(len(classes))]
    return np.concatenate(
        [np.eye(column.max() + 1)[column] for column in columns], axis=1
    )
