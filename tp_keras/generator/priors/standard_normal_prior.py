"""The prior of training: N(0, I) for all labels."""

from tp_keras.generator.priors.prior import Prior
from tp_keras.generator.priors.prior import scaled
from tp_keras.generator.priors.prior import standard_normal_log_density
from tp_keras.registration import register


@register
class StandardNormalPrior(Prior):
    """N(0, I): what the latents should follow, and don't.

    Args:
        latent_size: Int, at least 1. Length of the latents.
        **kwargs: Those of `keras.layers.Layer`.
    """

    def __init__(self, latent_size, **kwargs):
        super().__init__(latent_size, **kwargs)
        self.built = True

    def sample(self, normal, uniform, labels, temperature):
        return scaled(self.check_size(normal), temperature)

    def log_density(self, latents, labels):
        return standard_normal_log_density(self.check_size(latents))
