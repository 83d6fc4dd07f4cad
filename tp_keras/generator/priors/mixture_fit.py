"""Fits Gaussians to latents: one given the labels, and mixtures of them."""

import dataclasses

import numpy as np
import threadpoolctl
from scipy.linalg import solve_triangular
from scipy.special import logsumexp
from sklearn.cluster import KMeans
from sklearn.covariance import LedoitWolf
from sklearn.linear_model import Ridge

from tp_keras.generator.conditions import pattern_classes
from tp_keras.generator.priors.prior import GaussianMixturePrior

# Draws of the posteriors that are fitted to: enough of them to show their
# noise, few enough for minutes.
_MOST_ROWS = 24_000
_MOST_DRAWS = 4

_MOST_ITERATIONS = 40
_LEAST_GAIN = 0.01

# Portraits with which a pattern believes its own weights by half.
_WEIGHT_PRIOR = 4.0

_LOG_TWO_PI = np.log(2.0 * np.pi)


@dataclasses.dataclass(frozen=True)
class ConditionalGaussian:
    """p(z | c) = N(centre(c), scale scale^T).

    The centre, float64 `[patterns, latent_size]`, is a ridge regression on the
    classes, on pairs of them and on the whole pattern, unknown a class like
    others. So a pattern with many portraits has a centre of its own, and one
    with few falls back on its pairs and classes. The covariance of the means is
    shrunk by Ledoit and Wolf's formula (2004), and the variance of the
    posteriors is added exactly; the scale is its lower triangular root.
    """

    centers: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, latents, ridge) -> "ConditionalGaussian":
        """Fits to `Latents`.

        The ridge is as many portraits as a deviation of the centre needs to be
        believed by half.
        """
        patterns, weights = latents.patterns, latents.weights
        overall = np.average(latents.means, axis=0, weights=weights)
        features = _features(pattern_classes(latents.conditions))
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
        variances = np.exp(latents.log_variances.astype(np.float64))
        noise = np.average(variances, axis=0, weights=weights)
        covariance = covariance + np.diag(noise + 1e-6)
        return cls(centers, np.linalg.cholesky(covariance))

    def whiten(self, samples, patterns) -> np.ndarray:
        """Returns samples in units of the Gaussian, float32 `[rows, size]`."""
        whitener = np.linalg.inv(self.scale).astype(np.float32)
        rest = samples - self.centers[patterns].astype(np.float32)
        return rest @ whitener.T


@dataclasses.dataclass(frozen=True)
class MixtureSettings:
    """What is chosen on rows left out of the fit.

    The shrinkage is as many portraits as a covariance needs to be believed by
    half, against the pooled one; for the ridge see `ConditionalGaussian`.
    """

    components: int
    shrinkage: float
    ridge: float


@dataclasses.dataclass(frozen=True)
class Mixture:
    """A mixture in the coordinates of a `ConditionalGaussian`, the base.

    Weights are float64 `[patterns, components]`, means `[components, size]`,
    scales `[components, size, size]`, lower triangular.
    """

    base: ConditionalGaussian
    weights: np.ndarray
    means: np.ndarray
    scales: np.ndarray

    def log_density(self, samples, patterns) -> np.ndarray:
        """Returns log p(z | c) of samples `[rows, size]` in nats."""
        joint = self.joint(self.base.whiten(samples, patterns), patterns)
        volume = np.log(np.diagonal(self.base.scale)).sum()
        return logsumexp(joint, axis=1) - volume

    def joint(self, x, patterns) -> np.ndarray:
        """Returns log p(x, k | c) of whitened rows, `[rows, components]`."""
        columns = []
        identity = np.eye(x.shape[1])
        for mean, scale in zip(self.means, self.scales, strict=True):
            whitener = solve_triangular(scale, identity, lower=True)
            rest = (x - mean.astype(x.dtype)) @ whitener.T.astype(x.dtype)
            squares = np.einsum("nd,nd->n", rest, rest).astype(np.float64)
            volume = np.log(np.diagonal(scale)).sum()
            columns.append(-0.5 * (squares + x.shape[1] * _LOG_TWO_PI) - volume)
        return np.stack(columns, axis=1) + np.log(self.weights[patterns])

    def prior(self, conditions) -> GaussianMixturePrior:
        """Returns it as a layer."""
        count, size = self.means.shape
        layer = GaussianMixturePrior(size, conditions, count, name="prior")
        layer.assign_parameters(
            self.base.centers,
            self.weights,
            self.means @ self.base.scale.T,
            self.base.scale @ self.scales,
        )
        return layer


# Threads of many small products wait for each other more than they work.
@threadpoolctl.threadpool_limits.wrap(limits=1)
def fit_mixture(latents, settings, seed=0) -> Mixture:
    """Fits a mixture to draws of posteriors.

    Every portrait weighs 1, whatever the number of its rows. Each covariance
    is the maximum a posteriori under an inverse Wishart prior around the
    pooled covariance within components, so a small component can't overfit.
    """
    rng = np.random.default_rng(seed)
    base = ConditionalGaussian.fit(latents, settings.ridge)
    draws = int(np.clip(_MOST_ROWS // len(latents), 1, _MOST_DRAWS))
    patterns = np.tile(latents.patterns, draws)
    weights = np.tile(latents.weights, draws) / draws
    x = np.concatenate(
        [base.whiten(latents.draw(rng), latents.patterns) for _ in range(draws)]
    )
    classes = pattern_classes(latents.conditions)
    if settings.components == 1:
        ones = np.ones((len(classes), 1))
        means, scales = np.zeros((1, latents.size)), np.eye(latents.size)[None]
        return Mixture(base, ones, means, scales)
    clusters = KMeans(settings.components, n_init=1, random_state=seed).fit(
        x[: len(latents)], sample_weight=latents.weights
    )
    responsibilities = np.eye(settings.components)[clusters.predict(x)]
    before = -np.inf
    for _ in range(_MOST_ITERATIONS):
        shares = weights[:, None] * responsibilities
        mixture = _maximize(
            base, x, shares, settings.shrinkage, patterns, classes
        )
        joint = mixture.joint(x, patterns)
        evidence = logsumexp(joint, axis=1)
        responsibilities = np.exp(joint - evidence[:, None])
        level = np.average(evidence, weights=weights)
        if level < before + _LEAST_GAIN:
            break
        before = level
    return mixture


def _maximize(base, x, shares, shrinkage, patterns, classes):
    shares = shares.astype(np.float32)
    totals = shares.sum(axis=0, dtype=np.float64)
    means = shares.T @ x / (totals + 1.0)[:, None]
    scatters = []
    for share, total, mean in zip(shares.T, totals, means, strict=True):
        # Sum of w (x - m)(x - m)^T, where m is the shrunk mean.
        moment = (share @ x)[:, None] * mean
        scatters.append(
            (x.T * share) @ x - moment - moment.T + total * np.outer(mean, mean)
        )
    scatters, total = np.stack(scatters), totals.sum() + shrinkage
    pooled = scatters.sum(axis=0) + shrinkage * np.eye(x.shape[1])
    covariances = scatters + shrinkage * (pooled / total)
    covariances /= totals[:, None, None] + shrinkage
    weights = _pattern_weights(shares, patterns, classes)
    return Mixture(base, weights, means, np.linalg.cholesky(covariances))


def _pattern_weights(shares, patterns, all_classes):
    """Weights of components: a pattern believes its own or its classes'."""
    counts = np.zeros((len(all_classes), shares.shape[1]))
    np.add.at(counts, patterns, shares)
    total = counts.sum(axis=0) + 1.0
    total = total / total.sum()
    by_class = []
    for classes in all_classes.T:
        table = np.zeros((classes.max() + 1, shares.shape[1]))
        np.add.at(table, classes, counts)
        by_class.append(_smoothed(table, total)[classes])
    return _smoothed(counts, np.mean(by_class, axis=0))


def _smoothed(counts, expected):
    counts = counts + _WEIGHT_PRIOR * expected
    return counts / counts.sum(axis=1, keepdims=True)


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
