"""What every prior of the latents is: a layer that draws and that judges."""

import math

import keras
from keras import ops

from tp_keras.registration import register

_LOG_TWO_PI = math.log(2.0 * math.pi)


class Prior(keras.layers.Layer):
    """Base of the densities p(z | labels) that a `PortraitVAE` draws from.

    A prior has no randomness of its own: noise comes in, latents go out, row by
    row, so that a portrait depends on its own noise alone. All weights exist
    from the constructor on, and it computes in float32 in any model.

    Args:
        latent_size: Int. Length of the latents.
        **kwargs: Those of `keras.layers.Layer`.
    """

    def __init__(self, latent_size, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32"})
        self.latent_size = latent_size

    def sample(self, normal, uniform, labels, temperature):
        """Draws latents; at temperature 1 from exactly the density.

        Args:
            normal: Float32 `[batch, latent_size]`, standard normal noise.
            uniform: Float32 `[batch]` in [0, 1), for what is discrete.
            labels: Dict: condition -> int32 `[batch]`, -1 where unknown.
            temperature: Float32 `[batch]`, positive. Scales the noise.

        Returns:
            Latents, float32 `[batch, latent_size]`.
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
    """N(0, I), the prior of training: what latents should follow, and don't.

    Args:
        latent_size: Int. Length of the latents.
        **kwargs: Those of `keras.layers.Layer`.
    """

    def __init__(self, latent_size, **kwargs):
        super().__init__(latent_size, **kwargs)
        self.built = True

    def sample(self, normal, uniform, labels, temperature):
        return scaled(normal, temperature)

    def log_density(self, latents, labels):
        return standard_normal_log_density(ops.cast(latents, "float32"))


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
