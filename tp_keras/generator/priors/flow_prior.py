"""A conditional flow that bends a Gaussian into the shape of the latents."""

import keras
import numpy as np

from tp_keras.errors import UserError
from tp_keras.generator.model.conditions import OneHotLabels
from tp_keras.generator.priors.coupling import Coupling
from tp_keras.generator.priors.label_patterns import NUM_PATTERNS
from tp_keras.generator.priors.label_patterns import SIZES
from tp_keras.generator.priors.label_patterns import pattern_index
from tp_keras.generator.priors.prior import Prior
from tp_keras.generator.priors.prior import check_positive
from tp_keras.generator.priors.prior import log_diagonal
from tp_keras.generator.priors.prior import scaled
from tp_keras.generator.priors.prior import standard_normal_log_density
from tp_keras.registration import register


@register
class FlowPrior(Prior):
    """p(z | c) by an invertible network from z to standard normal noise.

    First z is whitened by a Gaussian fit whose centre depends on the labels,
    then each coupling learns what the Gaussian leaves over. A fresh flow over
    a Gaussian fit is that Gaussian; fresh from the constructor it is N(0, I).

    A flow as the prior of a conditional VAE is from arXiv:2511.08946.

    Args:
        latent_size: Int, at least 2. Length of the latents.
        couplings: Int, at least 1. Number of steps.
        width: Int, at least 1. Units of the hidden layers.
        dropout_rate: Float in [0, 1). Dropout while it is fitted.
        seed: Int. Of the rotations and the first weights.
        **kwargs: Those of `keras.layers.Layer`.

    Raises:
        UserError: If a size is not a positive integer, or there is one
            coordinate only: a coupling needs two.
    """

    def __init__(
        self,
        latent_size,
        couplings=6,
        width=128,
        dropout_rate=0.0,
        seed=0,
        **kwargs,
    ):
        super().__init__(latent_size, **kwargs)
        check_positive(couplings=couplings, width=width)
        if latent_size < 2 or not 0.0 <= dropout_rate < 1.0:
            raise UserError(
                "Expected a latent size of at least 2 and a dropout rate in "
                f"[0, 1). Received: latent_size={latent_size}, "
                f"dropout_rate={dropout_rate}"
            )
        self.couplings = couplings
        self.width = width
        self.dropout_rate = dropout_rate
        self.seed = seed
        square = (latent_size, latent_size)
        self.centers = self.add_constant("centers", (NUM_PATTERNS, latent_size))
        self.scale = self.add_constant("scale", square, "identity")
        self.whitener = self.add_constant("whitener", square, "identity")
        self._one_hot = OneHotLabels(dtype="float32", name="one_hot")
        self.steps = [
            Coupling(
                latent_size,
                sum(SIZES),
                width,
                dropout_rate,
                seed=1000 * seed + 10 * step,
                name=f"coupling_{step}",
            )
            for step in range(couplings)
        ]
        self.built = True

    def assign_gaussian(self, centers, scale):
        """Sets the Gaussian that the flow starts from.

        Args:
            centers: Float `[patterns, latent_size]`, by `pattern_index`.
            scale: Float `[latent_size, latent_size]`. Lower triangular
                Cholesky factor of the covariance.

        Raises:
            UserError: If a value is not finite or the scale singular.
        """
        scale = np.tril(np.asarray(scale, np.float64))
        if not (np.isfinite(centers).all() and np.isfinite(scale).all()):
            raise UserError(
                "Expected a finite Gaussian. Received: NaN or infinity"
            )
        if np.diagonal(scale).min() <= 0:
            raise UserError(
                "Expected a scale of positive diagonal. "
                f"Received: {np.diagonal(scale).min():g} in it"
            )
        self.centers.assign(centers)
        self.scale.assign(scale)
        self.whitener.assign(np.tril(np.linalg.inv(scale)))

    def sample(self, normal, uniform, labels, temperature):
        x = scaled(self.check_size(normal), temperature)
        conditions = self._one_hot(labels)
        for step in reversed(self.steps):
            x = step.inverse(x, conditions)
        x = keras.ops.matmul(x, keras.ops.transpose(self.scale))
        return x + self._center(labels)

    def log_density(self, latents, labels, training=False):
        x = self.check_size(latents) - self._center(labels)
        x = keras.ops.matmul(x, keras.ops.transpose(self.whitener))
        volume = keras.ops.sum(log_diagonal(self.whitener))
        conditions = self._one_hot(labels)
        for step in self.steps:
            x, step_volume = step(x, conditions, training=training)
            volume = volume + step_volume
        return standard_normal_log_density(x) + volume

    def get_config(self):
        return {
            **super().get_config(),
            "couplings": self.couplings,
            "width": self.width,
            "dropout_rate": self.dropout_rate,
            "seed": self.seed,
        }

    def _center(self, labels):
        return keras.ops.take(self.centers, pattern_index(labels), axis=0)
