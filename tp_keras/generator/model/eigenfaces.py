"""The closed-form linear VAE that the network starts from."""

import dataclasses

import numpy as np
from sklearn.decomposition import PCA

from tp_keras.errors import UserError

# Keeps the regression solvable where a class has no portrait at all.
_RIDGE = 0.1

# Few portraits lie on a plane of as many latents, and leave no noise at all.
_LEAST_NOISE = 1e-6


@dataclasses.dataclass(frozen=True)
class Eigenfaces:
    """Probabilistic PCA of portraits around the mean of their labels.

    `x = B onehot(y) + W z + noise` with z ~ N(0, I) and noise ~ N(0, s2 I). The
    maximum-likelihood solution is `W = U sqrt(L - s2)` of the eigenvectors U
    and eigenvalues L of the covariance of what the labels leave, and s2 the
    mean of the eigenvalues beyond (Tipping and Bishop, "Probabilistic Principal
    Component Analysis", 1999). It is also the optimum of a linear VAE (Lucas et
    al., arXiv:1911.02469), so a VAE that begins here begins trained.

    Attributes:
        label_means: float32 `[labels, pixels]`: B, by `one_hot_labels`.
        basis: float32 `[latents, pixels]`, orthonormal rows: U.
        variances: float32 `[latents]`, descending: L.
        noise: Float: s2.
    """

    label_means: np.ndarray
    basis: np.ndarray
    variances: np.ndarray
    noise: float

    @classmethod
    def fit(cls, pixels, one_hot, count, seed=0):
        """Fits so many latents to float32 `[portraits, pixels]`.

        Labels are float `[portraits, labels]`, by `one_hot_labels`; it takes
        more portraits than latents, else it raises a `UserError`.
        """
        if len(pixels) <= count:
            raise UserError(
                "The linear path of the model needs more portraits than it "
                f"has latents. Expected more than {count}. "
                f"Received: {len(pixels)} portraits"
            )
        one_hot = np.asarray(one_hot, np.float64)
        gram = one_hot.T @ one_hot + _RIDGE * np.eye(one_hot.shape[1])
        label_means = np.linalg.solve(gram, one_hot.T @ pixels)
        label_means = label_means.astype(np.float32)
        rest = pixels - one_hot.astype(np.float32) @ label_means
        # The ridge leaves a little of a mean.
        pca = PCA(count, svd_solver="randomized", random_state=seed).fit(rest)
        noise = max(float(pca.noise_variance_), _LEAST_NOISE)
        return cls(
            label_means,
            pca.components_.astype(np.float32),
            np.maximum(pca.explained_variance_, noise).astype(np.float32),
            noise,
        )

    @property
    def signal(self) -> np.ndarray:
        """`sqrt(L - s2)`: standard deviation of each latent in pixels."""
        return np.sqrt(np.maximum(self.variances - self.noise, 1e-12))

    @property
    def decoder_kernel(self) -> np.ndarray:
        """W `[latents, pixels]`: latents to pixels."""
        return (self.signal[:, None] * self.basis).astype(np.float32)

    @property
    def encoder_kernel(self) -> np.ndarray:
        """`[pixels, latents]`: pixels less label means to posterior means."""
        factor = self.signal / self.variances
        return (factor[:, None] * self.basis).T.astype(np.float32)

    @property
    def log_variance(self) -> np.ndarray:
        """Log variances `[latents]` of the posterior, equal for all."""
        return np.log(self.noise / self.variances).astype(np.float32)
