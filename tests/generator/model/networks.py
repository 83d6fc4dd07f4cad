"""Networks small enough to build in every test."""

import keras
import numpy as np

from tests.export import networks as classifiers
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.generator.model import PortraitVAE

LATENT_SIZE = 4


def make_vae(seed=0, schema=SCHEMA, **settings):
    """An untrained generator, small enough for every test."""
    keras.utils.set_random_seed(seed)
    settings = {
        "latent_size": LATENT_SIZE,
        "encoder_channels": (4, 8),
        "decoder_channels": (8, 4, 4, 4),
        **settings,
    }
    return PortraitVAE(schema, **settings)


def make_classifier(schema=SCHEMA, tasks=()):
    """An untrained classifier that has seen the mean of some pictures."""
    return classifiers.make_classifier(schema, tasks)


def make_inputs(count=6, seed=0, schema=SCHEMA):
    """A dict of images and labels, as the generator is trained on."""
    portraits = make_portraits(count, seed=seed, schema=schema)
    return {
        "image": portraits.images,
        **{name: portraits.labels[name] for name in schema.conditions},
    }


def randomize(variables, seed=0, scale=0.05):
    """Gives variables values as training might."""
    rng = np.random.default_rng(seed)
    for variable in variables:
        values = rng.normal(0.0, scale, variable.shape)
        # What multiplies features as they are normalised, or divides them.
        if variable.name in ("gamma", "moving_variance"):
            values = np.exp(values)
        variable.assign(values)
