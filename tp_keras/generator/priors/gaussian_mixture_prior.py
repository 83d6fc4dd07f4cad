"""A mixture of Gaussians around a centre that the labels set."""

import keras
import numpy as np

from tp_keras.errors import UserError
from tp_keras.generator.priors.label_patterns import NUM_PATTERNS
from tp_keras.generator.priors.label_patterns import pattern_index
from tp_keras.generator.priors.prior import Prior
from tp_keras.generator.priors.prior import check_positive
from tp_keras.generator.priors.prior import log_diagonal
from tp_keras.generator.priors.prior import scaled
from tp_keras.generator.priors.prior import standard_normal_log_density
from tp_keras.registration import register


@register
class GaussianMixturePrior(Prior):
    """p(z | c) = sum_k w_k(c) N(z; centre(c) + mean_k, scale_k scale_k^T).

    The pattern of labels c, unknown ones included, sets the centre and the
    weights; means and covariances are shared by all patterns, so that rare
    ones need few rows. Fresh from the constructor it is N(0, I);
    `fit_priors` fits it.

    The fit of a Gaussian mixture after training is from Ghosh et al., From
    variational to deterministic autoencoders, 2019, arXiv:1903.12436.

    Args:
        latent_size: Int, at least 1. Length of the latents.
        components: Int, at least 1. Number of Gaussians.
        **kwargs: Those of `keras.layers.Layer`.

    Raises:
        UserError: If a size is not a positive integer.
    """

    def __init__(self, latent_size, components=1, **kwargs):
        super().__init__(latent_size, **kwargs)
        check_positive(components=components)
        self.components = components
        identities = np.tile(
            np.eye(latent_size, dtype=np.float32), (components, 1, 1)
        )

        def identity(shape, dtype=None):
            return keras.ops.cast(identities, dtype)

        square = (components, latent_size, latent_size)
        self.centers = self.add_constant("centers", (NUM_PATTERNS, latent_size))
        self.weight_logits = self.add_constant(
            "weight_logits", (NUM_PATTERNS, components)
        )
        self.component_means = self.add_constant(
            "component_means", (components, latent_size)
        )
        self.scales = self.add_constant("scales", square, identity)
        # The inverse of each scale: a product is quicker than a solution.
        self.whiteners = self.add_constant("whiteners", square, identity)
        self.built = True

    def assign_parameters(self, centers, weights, component_means, scales):
        """Sets all parameters.

        Args:
            centers: Float `[patterns, latent_size]`, by `pattern_index`.
            weights: Float `[patterns, components]`, positive. Each row adds
                up to 1.
            component_means: Float `[components, latent_size]`.
            scales: Float `[components, latent_size, latent_size]`. Lower
                triangular Cholesky factors of the covariances.

        Raises:
            UserError: If a value is not finite, a weight not positive or a
                scale singular.
        """
        parts = (centers, weights, component_means, scales)
        if not all(np.isfinite(part).all() for part in parts):
            raise UserError(
                "Expected finite parameters of a mixture. Received: NaN or "
                "infinity"
            )
        diagonals = np.diagonal(scales, axis1=1, axis2=2)
        if np.min(weights) <= 0 or np.min(diagonals) <= 0:
            raise UserError(
                "Expected positive weights and scales of a positive diagonal. "
                f"Received: weights from {np.min(weights):g}, diagonals from "
                f"{np.min(diagonals):g}"
            )
        weights = np.asarray(weights, np.float64)
        self.centers.assign(centers)
        self.weight_logits.assign(
            np.log(weights / weights.sum(axis=1, keepdims=True))
        )
        self.component_means.assign(component_means)
        self.scales.assign(np.tril(scales))
        self.whiteners.assign(
            np.tril(np.linalg.inv(np.asarray(np.tril(scales), np.float64)))
        )

    def sample(self, normal, uniform, labels, temperature):
        noise = scaled(self.check_size(normal), temperature)
        pattern = pattern_index(labels)
        component = self._component(pattern, uniform)
        # All components are drawn and one is kept: one product of matrices
        # instead of a matrix gathered for every row.
        drawn = keras.ops.einsum("bz,kyz->bky", noise, self.scales)
        drawn = drawn + self.component_means
        kept = keras.ops.one_hot(component, self.components, dtype="float32")
        drawn = keras.ops.sum(drawn * keras.ops.expand_dims(kept, -1), axis=1)
        return keras.ops.take(self.centers, pattern, axis=0) + drawn

    def log_density(self, latents, labels):
        pattern = pattern_index(labels)
        latents = self.check_size(latents)
        rest = latents - keras.ops.take(self.centers, pattern, axis=0)
        rest = keras.ops.expand_dims(rest, 1) - self.component_means
        whitened = keras.ops.einsum("bkz,kyz->bky", rest, self.whiteners)
        volumes = keras.ops.sum(log_diagonal(self.whiteners), axis=-1)
        return keras.ops.logsumexp(
            self._log_weights(pattern)
            + standard_normal_log_density(whitened)
            + volumes,
            axis=-1,
        )

    def get_config(self):
        return {**super().get_config(), "components": self.components}

    def _log_weights(self, pattern):
        return keras.ops.log_softmax(
            keras.ops.take(self.weight_logits, pattern, axis=0)
        )

    def _component(self, pattern, uniform):
        """Where the uniform number falls on the stacked weights."""
        borders = keras.ops.cumsum(
            keras.ops.exp(self._log_weights(pattern)), axis=-1
        )
        uniform = keras.ops.cast(uniform, "float32")
        # The last border is left out: rounded below 1, it would let a number
        # fall behind every component.
        passed = keras.ops.expand_dims(uniform, -1) >= borders[:, :-1]
        return keras.ops.sum(keras.ops.cast(passed, "int32"), axis=-1)
