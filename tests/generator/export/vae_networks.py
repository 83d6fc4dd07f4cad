"""A small generator as training leaves it, for exports and servers."""

import numpy as np

from tests.export.networks import randomize_normalization
from tests.generator.model.networks import make_vae
from tests.generator.priors.prior_kinds import make_prior
from tests.portrait_factory import SCHEMA

LATENT_SIZE = 6

# What it would have learned from.
LABEL_COUNTS = [
    dict(zip((*SCHEMA.conditions, "count"), row, strict=True))
    for row in (
        ("female", "brown", "wavy", 6),
        ("male", "unknown", "straight", 3),
        ("male", "bald", "bald", 1),
    )
]


def make_trained_vae(kind="gaussian_mixture", schema=SCHEMA):
    """A `PortraitVAE` that differs from a fresh one in every weight."""
    vae = make_vae(schema=schema, latent_size=LATENT_SIZE, grown=True)
    vae.prior = make_prior(kind, LATENT_SIZE, schema=schema)
    # Untrained, what full size adds is zero, and latents tell next to nothing.
    generator = np.random.default_rng(0)
    for weight in vae.trainable_variables:
        weight.assign_add(generator.normal(0.0, 0.1, weight.shape))
    randomize_normalization(vae)
    return vae
