"""Densities of latents given labels; importing registers them with Keras."""

from tp_keras.generator.priors.draw import draw_latents
from tp_keras.generator.priors.fitting import PRIOR_KINDS
from tp_keras.generator.priors.fitting import FittedPrior
from tp_keras.generator.priors.fitting import choose_prior
from tp_keras.generator.priors.fitting import fit_priors
from tp_keras.generator.priors.flow_prior import FlowPrior
from tp_keras.generator.priors.gaussian_mixture_prior import (
    GaussianMixturePrior,
)
from tp_keras.generator.priors.held_out import held_out_log_density
from tp_keras.generator.priors.latents import Latents
from tp_keras.generator.priors.latents import encode_latents
from tp_keras.generator.priors.prior import Prior
from tp_keras.generator.priors.standard_normal_prior import StandardNormalPrior

__all__ = [
    "PRIOR_KINDS",
    "FittedPrior",
    "FlowPrior",
    "GaussianMixturePrior",
    "Latents",
    "Prior",
    "StandardNormalPrior",
    "choose_prior",
    "draw_latents",
    "encode_latents",
    "fit_priors",
    "held_out_log_density",
]
