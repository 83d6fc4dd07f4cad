import dataclasses
import types

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from tests.generator.priors.prior_kinds import CONDITIONS
from tests.generator.priors.prior_kinds import draw
from tests.generator.priors.prior_kinds import make_labels
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.generator.priors import Latents
from tp_keras.generator.priors import StandardNormalPrior
from tp_keras.generator.priors import encode_latents
from tp_keras.generator.priors import fit_priors
from tp_keras.generator.priors.mixture_fit import MixtureSettings
from tp_keras.generator.priors.mixture_fit import fit_mixture

# Women and men: other means, and covariances that are turned.
MEANS = np.array([[-2.0, 0.0], [2.0, 1.0]])
COVARIANCES = np.array([[[1.0, 0.8], [0.8, 1.0]], [[1.0, -0.8], [-0.8, 1.0]]])


def make_latents(means, log_variance, labels, portraits=None):
    rows = np.arange(len(means)) if portraits is None else portraits
    log_variances = np.broadcast_to(log_variance, np.shape(means))
    return Latents(means, log_variances, labels, rows, CONDITIONS)


def two_classes(portraits, seed=0):
    """Latents of women and a quarter of men, the gender told and untold.

    The posteriors are part of it: means vary less than what is drawn.
    """
    rng = np.random.default_rng(seed)
    gender = (rng.random(portraits) < 0.25).astype(np.int32)
    variance = 0.1
    factors = np.linalg.cholesky(COVARIANCES - variance * np.eye(2))
    means = MEANS[gender] + np.einsum(
        "nij,nj->ni", factors[gender], rng.normal(size=(portraits, 2))
    )
    labels = make_labels(2 * portraits, hair_color=-1, hair_type=-1)
    labels["gender"] = np.concatenate([gender, np.full_like(gender, -1)])
    return make_latents(
        np.tile(means, (2, 1)),
        np.log(variance),
        labels,
        np.tile(np.arange(portraits), 2),
    )


def true_log_density(latents):
    """Of draws at [rows, 2]: by gender, and of both together."""
    by_gender = np.stack(
        [
            multivariate_normal(mean, covariance).logpdf(latents)
            for mean, covariance in zip(MEANS, COVARIANCES, strict=True)
        ]
    )
    shares = np.log([[0.75], [0.25]])
    return *by_gender, logsumexp(by_gender + shares, axis=0)


def told(rows, gender):
    return make_labels(rows, gender=gender, hair_color=-1, hair_type=-1)


def test_two_classes_and_their_union_are_recovered():
    mixture = fit_mixture(two_classes(2000), MixtureSettings(4, 2.0, 10.0))
    prior = mixture.prior(CONDITIONS)
    unseen = two_classes(2000, seed=1)
    for gender in (0, 1, -1):
        rows = unseen.labels["gender"] == gender
        drawn = unseen.take(rows).draw(np.random.default_rng(0))
        expected = true_log_density(drawn)[gender]
        found = prior.log_density(drawn, told(len(drawn), gender))
        # What is lost is the divergence from truth: none but an error of fit.
        assert np.mean(expected - found) == pytest.approx(0.0, abs=0.12)
        # The other way round: draws of the prior are likely in truth.
        again = draw(prior, told(4000, gender))
        level = true_log_density(again)[gender].mean()
        assert level == pytest.approx(expected.mean(), abs=0.35)


def test_attributes_that_go_together_move_the_centre_of_either():
    # Hair colour alone shifts the latents, but nine of ten women are blond
    # and nine of ten men black: who asks for a woman gets the shift.
    rng = np.random.default_rng(0)
    count = 4000
    gender = rng.integers(0, 2, count)
    usual = np.where(gender == 0, 2, 0)
    color = np.where(rng.random(count) < 0.9, usual, 2 - usual)
    means = rng.normal(size=(count, 3)) + np.array([4.0, 0, 0]) * (
        color[:, None] == 2
    )
    labels = make_labels(count, hair_type=-1)
    labels |= {"gender": gender, "hair_color": color}
    known = {name: np.tile(value, 3) for name, value in labels.items()}
    known["hair_color"][count : 2 * count] = -1
    known["gender"][2 * count :] = -1
    latents = make_latents(
        np.tile(means, (3, 1)), -4.0, known, np.tile(np.arange(count), 3)
    )
    mixture = fit_mixture(latents, MixtureSettings(2, 3.0, 10.0))
    prior = mixture.prior(CONDITIONS)
    for gender, color, expected in (
        (0, -1, 3.6),
        (1, -1, 0.4),
        (-1, 2, 4.0),
        (1, 2, 4.0),
        (0, 0, 0.0),
    ):
        asked = {"gender": gender, "hair_color": color, "hair_type": -1}
        mean = draw(prior, make_labels(4000, **asked)).mean(axis=0)
        np.testing.assert_allclose(mean, [expected, 0, 0], atol=0.2)


def test_components_are_those_of_scikit_learn():
    # Without labels, shrinkage and noise both maximise the same likelihood.
    rng = np.random.default_rng(0)
    means = np.concatenate(
        [
            rng.normal(size=(600, 2)) * [1.0, 0.3],
            rng.normal(size=(300, 2)) @ [[0.5, 0.4], [0.0, 0.2]] + [5.0, 2.0],
        ]
    )
    latents = make_latents(means, -20.0, told(900, -1))
    mixture = fit_mixture(latents, MixtureSettings(2, 1e-6, 1e-3))
    ours = mixture.prior(CONDITIONS)
    theirs = GaussianMixture(2, random_state=0).fit(means)
    found = np.asarray(ours.log_density(latents.means, latents.labels))
    expected = theirs.score_samples(means).mean()
    assert found.mean() == pytest.approx(expected, abs=0.01)
    found = np.asarray(ours.component_means) + np.asarray(ours.centers)[0]
    found, expected = (x[np.argsort(x[:, 0])] for x in (found, theirs.means_))
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_few_rows_of_many_latents_choose_no_more_than_a_gaussian():
    rng = np.random.default_rng(0)
    latents = make_latents(rng.normal(size=(200, 24)), -1.0, make_labels(200))
    kinds = ["standard_normal", "gaussian_mixture"]
    fitted = fit_priors(latents, kinds, progress=False)
    normal, mixture = (facts["log_density_nats"] for _, facts in fitted)
    # The truth is N(0, (1 + 1/e) I): 24 latents of it, in nats.
    truth = -12.0 * np.log(2 * np.pi * np.e * (1 + np.exp(-1)))
    assert mixture > truth - 2.0
    assert mixture > normal - 1.0


def test_all_kinds_are_fitted_twice_alike():
    latents = two_classes(400)
    fitted, again = (
        fit_priors(latents, seed=5, progress=False) for _ in range(2)
    )
    kinds = ["standard_normal", "gaussian_mixture"]
    assert [facts["kind"] for _, facts in fitted] == kinds
    levels = [facts["log_density_nats"] for _, facts in fitted]
    for (prior, facts), (twin, twin_facts) in zip(fitted, again, strict=True):
        assert facts["held_out_portraits"] == 40
        low, high = facts["interval"]
        assert low < facts["log_density_nats"] < high
        assert twin_facts == facts
        for a, b in zip(prior.weights, twin.weights, strict=True):
            np.testing.assert_array_equal(a, b)
    assert levels[1] > levels[0] + 1.0


def test_held_out_density_is_the_mean_over_draws_and_rows_of_a_portrait():
    # E log N(z; 0, 1) over z ~ N(m, v) is -(log 2 pi + m^2 + v) / 2; the same
    # three posteriors a thousand times stand for as many draws.
    count = 1000
    latents = make_latents(
        np.tile([[0.0], [3.0], [1.0]], (count, 1)),
        np.tile(np.log([[0.5], [0.1], [0.2]]), (count, 1)),
        make_labels(3 * count),
        np.tile([7, 2, 7], count),
    )
    found = latents.log_densities(StandardNormalPrior(1))
    levels = -0.5 * (np.log(2 * np.pi) + np.array([0.5, 9.1, 1.2]))
    expected = [levels[1], (levels[0] + levels[2]) / 2]
    np.testing.assert_allclose(found, expected, atol=0.08)
    # Parts share no portrait and weigh each alike.
    latents = two_classes(50)
    rest, held_out = latents.split(0.2, 0)
    assert not set(rest.portraits) & set(held_out.portraits)
    assert len(np.unique(held_out.portraits)) == 10
    assert len(rest) + len(held_out) == 100
    assert latents.weights.sum() == pytest.approx(50)


def test_portraits_are_encoded_with_fewer_and_fewer_labels():
    images = np.zeros((300, 2, 2, 3), np.uint8)
    images[:, 0, 0, 0] = np.arange(300) % 256
    labels = make_labels(300)
    batches = []

    def encode(batch, told):
        batches.append(len(batch))
        means = batch[:, 0, 0, :1] + np.zeros((1, 4), np.float32)
        return means, means + np.stack([told["gender"]] * 4, axis=1)

    made = make_portraits(300)
    portraits = dataclasses.replace(made, images=images, labels=labels)
    latents = encode_latents(
        types.SimpleNamespace(encode=encode, schema=SCHEMA, latent_size=4),
        portraits,
        progress=False,
    )
    assert batches == [128, 128, 44] * 3
    assert len(latents) == 900 and set(latents.labels) == set(labels)
    np.testing.assert_array_equal(latents.portraits, np.tile(range(300), 3))
    levels = np.tile(np.arange(300) % 256, 3)
    np.testing.assert_array_equal(latents.means[:, 0], levels)
    # The encoder was told what the row says.
    told = latents.log_variances[:, 0] - levels
    np.testing.assert_array_equal(told, latents.labels["gender"])
    for name, values in labels.items():
        found = latents.labels[name].reshape(3, 300)
        np.testing.assert_array_equal(found[0], values)
        known = np.broadcast_to(values >= 0, (2, 300))
        assert set(found[1:][~known]) == {-1}
        left_out = found[1:][known] == -1
        assert 0.35 < left_out.mean() < 0.65
        kept = np.broadcast_to(values, (2, 300))[found[1:] >= 0]
        np.testing.assert_array_equal(found[1:][found[1:] >= 0], kept)


def test_a_fit_needs_portraits_and_finite_latents():
    latents = two_classes(5)
    for name in ("means", "log_variances"):
        with pytest.raises(UserError, match="Expected finite latents"):
            dataclasses.replace(latents, **{name: np.full((10, 2), np.inf)})
    with pytest.raises(UserError, match="at least 100 portraits .* 99"):
        fit_priors(two_classes(99), progress=False)
