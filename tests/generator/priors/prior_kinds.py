"""Priors of every kind with weights that are not those of a beginning."""

import numpy as np

from tests.portrait_factory import SCHEMA
from tp_keras.generator.conditions import get_conditions
from tp_keras.generator.conditions import num_patterns
from tp_keras.generator.config import PRIORS as KINDS  # noqa: F401
from tp_keras.generator.priors import GaussianMixturePrior
from tp_keras.generator.priors import StandardNormalPrior

CONDITIONS = get_conditions(SCHEMA)
NUM_PATTERNS = num_patterns(CONDITIONS)


def make_prior(kind, size=3, seed=0, schema=SCHEMA):
    rng = np.random.default_rng(seed)
    conditions = get_conditions(schema)
    if kind == "standard_normal":
        return StandardNormalPrior(size, name="prior")
    centers = rng.normal(size=(num_patterns(conditions), size))
    prior = GaussianMixturePrior(size, conditions, 4, name="prior")
    prior.assign_parameters(
        centers,
        rng.dirichlet(np.full(4, 3.0), len(centers)),
        rng.normal(size=(4, size)),
        np.stack([make_scale(size, rng) for _ in range(4)]),
    )
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
        name: rng.integers(-1, count, rows)
        for name, count in CONDITIONS.items()
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


def draw(prior, labels, seed=0):
    """Draws at temperature 1, a row for each of the labels."""
    rows = len(labels["gender"])
    noise = make_noise(rows, prior.latent_size, seed)
    drawn = prior.sample(*noise, labels, np.ones(rows, np.float32))
    return np.asarray(drawn)
