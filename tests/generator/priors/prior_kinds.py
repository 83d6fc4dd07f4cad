"""Priors of every kind with weights that are not those of a beginning."""

import keras
import numpy as np

from tp_keras.generator.priors import FlowPrior
from tp_keras.generator.priors import GaussianMixturePrior
from tp_keras.generator.priors import StandardNormalPrior
from tp_keras.generator.priors.label_patterns import NUM_PATTERNS

KINDS = ("standard_normal", "gaussian_mixture", "flow")


def make_prior(kind, size=3, seed=0):
    rng = np.random.default_rng(seed)
    if kind == "standard_normal":
        return StandardNormalPrior(size, name="prior")
    centers = rng.normal(size=(NUM_PATTERNS, size))
    if kind == "gaussian_mixture":
        prior = GaussianMixturePrior(size, 4, name="prior")
        prior.assign_parameters(
            centers,
            rng.dirichlet(np.full(4, 3.0), NUM_PATTERNS),
            rng.normal(size=(4, size)),
            np.stack([make_scale(size, rng) for _ in range(4)]),
        )
        return prior
    prior = FlowPrior(size, couplings=3, width=8, seed=seed, name="prior")
    prior.assign_gaussian(centers, make_scale(size, rng))
    for variable in prior.trainable_variables:
        variable.assign(variable + 0.15 * rng.normal(size=variable.shape))
    return prior


def make_scale(size, rng):
    """A lower triangular matrix that is far from diagonal and not singular."""
    scale = np.tril(rng.normal(size=(size, size)))
    np.fill_diagonal(scale, rng.uniform(0.5, 1.5, size))
    return scale


def make_labels(rows, seed=0, **fixed):
    """Labels of all classes and unknown, but where one is given."""
    rng = np.random.default_rng(seed)
    labels = {
        "gender": rng.integers(-1, 2, rows),
        "hair_color": rng.integers(-1, 5, rows),
        "hair_type": rng.integers(-1, 3, rows),
    }
    for name, value in fixed.items():
        labels[name] = np.full(rows, value)
    return {name: value.astype(np.int32) for name, value in labels.items()}


def make_noise(rows, size=3, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.standard_normal((rows, size), np.float32),
        rng.random(rows, np.float32),
    )


@keras.saving.register_keras_serializable(package="tests")
class Holder(keras.Model):
    """A model that holds a prior as `PortraitVAE` does."""

    def __init__(self, prior, **kwargs):
        super().__init__(**kwargs)
        self.prior = prior
        self.built = True

    def get_config(self):
        return {
            **super().get_config(),
            "prior": keras.saving.serialize_keras_object(self.prior),
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        prior = keras.saving.deserialize_keras_object(config.pop("prior"))
        return cls(prior, **config)
