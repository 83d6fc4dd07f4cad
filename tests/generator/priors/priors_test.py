import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from tests.generator.priors.prior_kinds import CONDITIONS
from tests.generator.priors.prior_kinds import KINDS
from tests.generator.priors.prior_kinds import NUM_PATTERNS
from tests.generator.priors.prior_kinds import draw
from tests.generator.priors.prior_kinds import make_labels
from tests.generator.priors.prior_kinds import make_noise
from tests.generator.priors.prior_kinds import make_prior
from tp_keras.generator.conditions import pattern_index
from tp_keras.generator.priors import GaussianMixturePrior
from tp_keras.generator.priors import StandardNormalPrior


def ones(rows):
    return np.ones(rows, np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_densities_integrate_to_one_and_draws_follow_them(kind):
    prior = make_prior(kind, size=2)
    axis = np.linspace(-30, 30, 601)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    labels = make_labels(len(grid), gender=1, hair_color=-1, hair_type=2)
    density = np.exp(prior.log_density(grid.astype(np.float32), labels))
    assert density.sum() * 0.1**2 == pytest.approx(1.0, abs=1e-3)
    # The mean of f(z) / p(z) over draws of p is the integral of f, whatever p
    # is: here the densities of narrow Gaussians, whose integral is 1.
    rows = 40_000
    labels = make_labels(rows, gender=0, hair_color=3, hair_type=1)
    drawn = np.asarray(draw(prior, labels), np.float64)
    log_density = np.asarray(prior.log_density(drawn, labels), np.float64)
    for center in np.quantile(drawn, [0.3, 0.5, 0.7], axis=0):
        narrow = multivariate_normal(center, 0.09 * np.eye(2))
        ratio = np.exp(narrow.logpdf(drawn) - log_density)
        error = ratio.std() / np.sqrt(rows)
        assert ratio.mean() == pytest.approx(1.0, abs=5 * error)
        assert error < 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_does_not_depend_on_its_batch_mates(kind):
    prior = make_prior(kind)
    labels, (normal, uniform) = make_labels(30), make_noise(30)
    temperature = np.linspace(0.5, 1.2, 30, dtype=np.float32)
    drawn = prior.sample(normal, uniform, labels, temperature)
    density = prior.log_density(drawn, labels)
    alone = {name: values[[7]] for name, values in labels.items()}
    row = prior.sample(normal[[7]], uniform[[7]], alone, temperature[[7]])
    np.testing.assert_allclose(row[0], drawn[7], atol=1e-5)
    found = prior.log_density(row, alone)[0]
    np.testing.assert_allclose(found, density[7], atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_half_precision_of_the_model_is_not_that_of_the_prior(kind):
    labels, noise = make_labels(9), make_noise(9)
    expected = make_prior(kind).sample(*noise, labels, ones(9))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        prior = make_prior(kind)

        class Caller(keras.Model):
            def call(self, inputs):
                # Straight from a layer of half precision, as models do.
                return prior.sample(*noise, labels, ones(9))

        found = Caller()(np.zeros((9, 1), np.float32))
        # A graph computes the same.
        in_graph = tf.function(prior.sample)(*noise, labels, ones(9))
    finally:
        keras.config.set_dtype_policy(before)
    assert keras.backend.standardize_dtype(found.dtype) == "float32"
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(in_graph, expected, atol=1e-5)


def test_priors_have_the_density_of_scipy():
    labels = make_labels(40)
    latents = 2.0 * make_noise(40)[0]
    expected = multivariate_normal(np.zeros(3)).logpdf(latents)
    found = StandardNormalPrior(3).log_density(latents, labels)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    prior = make_prior("gaussian_mixture")
    logits = np.asarray(prior.weight_logits)
    means = np.asarray(prior.component_means)
    scales = np.asarray(prior.scales, np.float64)
    squares = scales @ scales.swapaxes(1, 2)
    expected = []
    patterns = np.asarray(pattern_index(labels, CONDITIONS))
    for row, pattern in enumerate(patterns):
        center = np.asarray(prior.centers)[pattern]
        parts = [
            multivariate_normal.logpdf(latents[row], center + mean, square)
            for mean, square in zip(means, squares, strict=True)
        ]
        weights = logits[pattern] - logsumexp(logits[pattern])
        expected.append(logsumexp(weights + parts))
    np.testing.assert_allclose(
        prior.log_density(latents, labels), expected, rtol=1e-4, atol=1e-4
    )


def test_the_mixture_draws_components_by_their_weights():
    prior = GaussianMixturePrior(1, CONDITIONS, 3)
    weights = np.tile([0.25, 0.5, 0.25], (NUM_PATTERNS, 1))
    men = make_labels(1, gender=1, hair_color=0, hair_type=0)
    weights[np.asarray(pattern_index(men, CONDITIONS))] = [0.5, 0.25, 0.25]
    means = np.array([[10.0], [20.0], [30.0]])
    centers = np.zeros((NUM_PATTERNS, 1))
    prior.assign_parameters(centers, weights, means, np.ones((3, 1, 1)))
    uniform = np.float32([0.0, 0.24, 0.26, 0.51, 0.74, 0.76, 1.0 - 2**-24])
    still = np.zeros((7, 1), np.float32)
    for gender, expected in (
        (0, [10, 10, 20, 20, 20, 30, 30]),
        (1, [10, 10, 10, 20, 20, 30, 30]),
    ):
        labels = make_labels(7, gender=gender, hair_color=0, hair_type=0)
        found = prior.sample(still, uniform, labels, ones(7))
        np.testing.assert_array_equal(np.ravel(found), expected)


@pytest.mark.parametrize("kind", ["standard_normal", "gaussian_mixture"])
def test_temperature_scales_around_the_centre_of_the_component(kind):
    prior = make_prior(kind)
    labels, (normal, uniform) = make_labels(9), make_noise(9)
    centers = prior.sample(0.0 * normal, uniform, labels, ones(9))
    whole = prior.sample(normal, uniform, labels, ones(9)) - centers
    half = prior.sample(normal, uniform, labels, 0.5 * ones(9)) - centers
    np.testing.assert_allclose(half, 0.5 * whole, atol=1e-6)


def test_every_label_matters_to_the_mixture():
    latents = make_noise(1)[0]
    prior = make_prior("gaussian_mixture")
    told = {"gender": 0, "hair_color": 1, "hair_type": 1}
    expected = prior.log_density(latents, make_labels(1, **told))
    for name in told:
        other = make_labels(1, **{**told, name: -1})
        assert abs(prior.log_density(latents, other) - expected) > 1e-3
