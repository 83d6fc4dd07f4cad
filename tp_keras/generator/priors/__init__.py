"""Densities of latents given labels; importing registers them with Keras."""

from tp_keras.generator.priors.fitting import fit_priors
from tp_keras.generator.priors.latents import Latents
from tp_keras.generator.priors.latents import encode_latents
from tp_keras.generator.priors.prior import GaussianMixturePrior
from tp_keras.generator.priors.prior import Prior
from tp_keras.generator.priors.prior import StandardNormalPrior

__all__ = [
    "GaussianMixturePrior",
    "Latents",
    "Prior",
    "StandardNormalPrior",
    "encode_latents",
    "fit_priors",
]
