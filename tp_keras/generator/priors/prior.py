"""Priors of the latents, layers that draw and that judge; two kinds of them."""

import math

import keras
import numpy as np
from keras import ops

from tp_keras.generator.conditions import num_patterns
from tp_keras.generator.conditions import pattern_index
from tp_keras.registration import register

_LOG_TWO_PI = math.log(2.0 * math.pi)


class Prior(keras.layers.Layer):
    """Base of the densities p(z | labels) that a `PortraitVAE` draws from.

    A prior has no randomness of its own: noise comes in, latents go out, row by
    row, so that a portrait depends on its own noise alone. All weights exist
    from the constructor on, and it computes in float32 in any model. Args are
    the latent size and those of `keras.layers.Layer`.
    """

    def __init__(self, latent_size, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.latent_size = latent_size

    def sample(self, normal, uniform, labels, temperature):
        """Draws latents; at temperature 1 from exactly the density.

        Noise is float32, standard normal `[batch, latent_size]`, which positive
        temperatures `[batch]` scale, and uniform `[batch]` in [0, 1) for what
        is discrete. Labels are a dict, condition -> int32 `[batch]`.
        """
        raise NotImplementedError

    def log_density(self, latents, labels):
        """Returns log p(latents | labels) in nats, float32 `[batch]`."""
        raise NotImplementedError

    def call(self, normal, uniform, labels, temperature):
        return self.sample(normal, uniform, labels, temperature)

    def get_config(self):
        return {**super().get_config(), "latent_size": self.latent_size}

    def add_constant(self, name, shape, initializer="zeros"):
        """Adds a weight that is fitted in closed form, never by gradients."""
        return self.add_weight(
            shape, initializer, trainable=False, autocast=False, name=name
        )


@register
class StandardNormalPrior(Prior):
    """N(0, I), the prior of training: what latents should follow, and don't."""

    def __init__(self, latent_size, **kwargs):
        super().__init__(latent_size, **kwargs)
        self.built = True

    def sample(self, normal, uniform, labels, temperature):
        return scaled(normal, temperature)

    def log_density(self, latents, labels):
        return standard_normal_log_density(ops.cast(latents, "float32"))


@register
class GaussianMixturePrior(Prior):
    """p(z | c) = sum_k w_k(c) N(z; centre(c) + mean_k, scale_k scale_k^T).

    The pattern of labels c, unknown ones included, sets the centre and the
    weights; means and covariances are shared by all patterns, so that rare
    ones need few rows. Fresh from the constructor it is N(0, I). The fit after
    training (`fit_priors`) is from Ghosh et al., arXiv:1903.12436.
    """

    def __init__(self, latent_size, conditions, components=1, **kwargs):
        super().__init__(latent_size, **kwargs)
        self.conditions = dict(conditions)
        self.components = components

        def identity(shape, dtype=None):
            return ops.broadcast_to(ops.eye(latent_size, dtype=dtype), shape)

        square = (components, latent_size, latent_size)
        patterns = num_patterns(conditions)
        self.centers = self.add_constant("centers", (patterns, latent_size))
        self.weight_logits = self.add_constant(
            "weight_logits", (patterns, components)
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
            weights: Float `[patterns, components]`, positive; each row adds up
                to 1.
            component_means: Float `[components, latent_size]`.
            scales: float64 `[components, latent_size, latent_size]`. Lower
                triangular Cholesky factors of the covariances.
        """
        self.centers.assign(centers)
        self.weight_logits.assign(
            np.log(weights / weights.sum(axis=1, keepdims=True))
        )
        self.component_means.assign(component_means)
        self.scales.assign(scales)
        self.whiteners.assign(np.tril(np.linalg.inv(scales)))

    def sample(self, normal, uniform, labels, temperature):
        pattern = pattern_index(labels, self.conditions)
        # Where the uniform number falls on the stacked weights. The last
        # border is left out: rounded below 1, it would let a number fall
        # behind every component.
        borders = ops.cumsum(ops.exp(self._log_weights(pattern)), axis=-1)
        uniform = ops.expand_dims(ops.cast(uniform, "float32"), -1)
        component = ops.sum(
            ops.cast(uniform >= borders[:, :-1], "int32"), axis=-1
        )
        # All components are drawn and one is kept: one product of matrices
        # instead of a matrix gathered for every row.
        noise = scaled(normal, temperature)
        drawn = ops.einsum("bz,kyz->bky", noise, self.scales)
        drawn = drawn + self.component_means
        kept = ops.one_hot(component, self.components, dtype="float32")
        drawn = ops.sum(drawn * ops.expand_dims(kept, -1), axis=1)
        return ops.take(self.centers, pattern, axis=0) + drawn

    def log_density(self, latents, labels):
        pattern = pattern_index(labels, self.conditions)
        rest = ops.cast(latents, "float32")
        rest = rest - ops.take(self.centers, pattern, axis=0)
        rest = ops.expand_dims(rest, 1) - self.component_means
        whitened = ops.einsum("bkz,kyz->bky", rest, self.whiteners)
        volumes = ops.sum(log_diagonal(self.whiteners), axis=-1)
        return ops.logsumexp(
            self._log_weights(pattern)
            + standard_normal_log_density(whitened)
            + volumes,
            axis=-1,
        )

    def get_config(self):
        return {
            **super().get_config(),
            "conditions": dict(self.conditions),
            "components": self.components,
        }

    def _log_weights(self, pattern):
        return ops.log_softmax(ops.take(self.weight_logits, pattern, axis=0))


def standard_normal_log_density(x):
    """Returns the log density of N(0, I) over the last axis of `x`."""
    squares = ops.sum(ops.square(x), axis=-1)
    return -0.5 * (squares + x.shape[-1] * _LOG_TWO_PI)


def scaled(normal, temperature):
    """Returns `[batch, latent_size]` noise times `[batch]` temperatures."""
    temperature = ops.cast(temperature, "float32")
    return ops.cast(normal, "float32") * ops.expand_dims(temperature, -1)


def log_diagonal(matrices):
    """Returns the logarithm of the diagonals of `[..., size, size]`."""
    matrices = ops.convert_to_tensor(matrices)
    return ops.log(ops.diagonal(matrices, axis1=-2, axis2=-1))
