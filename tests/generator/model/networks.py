"""Networks small enough to build in every test."""

import keras
import numpy as np

from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.generator.model import PortraitVAE
from tp_keras.models import PortraitBackbone
from tp_keras.models import PortraitClassifier

LATENT_SIZE = 4


def make_vae(seed=0, schema=SCHEMA, **settings):
    """An untrained generator, small enough for every test."""
    keras.utils.set_random_seed(seed)
    settings = {
        "latent_size": LATENT_SIZE,
        "encoder_channels": (4, 8),
        "decoder_channels": (8, 4, 4),
        **settings,
    }
    return PortraitVAE(schema, **settings)


def make_classifier(seed=0, schema=SCHEMA, **settings):
    """An untrained classifier that has seen the mean of some pictures."""
    keras.utils.set_random_seed(seed)
    backbone = PortraitBackbone(
        block_type="separable",
        stem_channels=8,
        stages=((16, 1, 4),),
        image_shape=schema.image_shape,
    )
    classifier = PortraitClassifier(backbone, schema, **settings)
    rng = np.random.default_rng(seed)
    for layer in classifier.backbone.layers:
        if hasattr(layer, "moving_mean"):
            shape = layer.moving_mean.shape
            layer.moving_mean.assign(rng.normal(size=shape))
            layer.moving_variance.assign(rng.uniform(0.5, 2.0, size=shape))
    return classifier


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
        variable.assign(rng.normal(0.0, scale, variable.shape))
