import keras
import numpy as np
import pytest
from scipy import stats

from tests.generator.model.networks import LATENT_SIZE
from tests.generator.model.networks import make_inputs
from tests.generator.model.networks import make_vae
from tests.generator.model.networks import randomize
from tp_keras.generator.model import LikelihoodObjective
from tp_keras.generator.model.geometry import halve

# Of uniform noise that makes whole numbers a density.
NOISE = (np.arange(100) + 0.5) / 100 - 0.5


@pytest.fixture(scope="module")
def vae():
    vae = make_vae()
    randomize(vae.encoder.trainable_variables)
    randomize(vae.half_decoder.trainable_variables, seed=1)
    return vae


def elbo_terms(pixels, drawn, outputs, deviation):
    """Negative log density of a value and KL of a portrait, from scipy."""
    nll = -np.mean(
        [stats.norm(drawn, deviation).logpdf(pixels + u) for u in NOISE]
    )
    mean = np.asarray(outputs["mean"], np.float64)
    variance = np.exp(np.asarray(outputs["log_variance"], np.float64))
    kl = -0.5 * (1 + np.log(variance) - mean**2 - variance)
    return nll, kl.sum(axis=1).mean()


@pytest.mark.parametrize("grown", [False, True])
def test_the_loss_of_validation_is_the_bound(vae, grown):
    vae.set_stage(grown)
    inputs = make_inputs()
    outputs = vae(inputs, training=False)
    images = inputs["image"].astype(np.float32)
    if grown:
        pixels, drawn = images, np.asarray(outputs["image"])
    else:
        pixels = np.asarray(halve(images)) - 127.5
        drawn = np.asarray(outputs["half"]) * 127.5
    vae.pixel_variance.assign(70.0**2)
    vae.kl_weight.assign(0.5)
    nll, kl = elbo_terms(pixels, drawn, outputs, 70.0)
    loss, values = LikelihoodObjective()(vae, inputs["image"], outputs, False)
    assert float(values["nll"]) == pytest.approx(nll, rel=1e-4)
    assert float(values["kl"]) == pytest.approx(kl, rel=1e-4)
    dimensions = 108 * 84 * 3 if grown else 54 * 42 * 3
    assert float(loss) == pytest.approx(nll + 0.5 * kl / dimensions, rel=1e-4)
    error = np.sqrt(np.mean((pixels - drawn) ** 2))
    assert float(values["rmse"]) == pytest.approx(error, rel=1e-4)
    # Validation leaves what training follows.
    assert float(vae.pixel_variance) == 70.0**2
    vae.set_stage(False)


def test_training_takes_and_follows_the_best_variance(vae):
    inputs = make_inputs()
    outputs = vae(inputs, training=True)
    vae.pixel_variance.assign(100.0)
    vae.kl_weight.assign(1.0)
    _, values = LikelihoodObjective()(vae, inputs["image"], outputs, True)
    best = float(values["rmse"]) ** 2 + 1 / 12
    expected = 0.5 * (np.log(2 * np.pi * best) + 1)
    assert float(values["nll"]) == pytest.approx(expected, rel=1e-5)
    assert float(vae.pixel_variance) == pytest.approx(
        0.98 * 100 + 0.02 * best, rel=1e-5
    )


def test_a_given_variance_is_taken_instead(vae):
    inputs = make_inputs()
    outputs = dict(vae(inputs, training=False))
    # Of the scale from 0 to 1.
    variance = (0.2 * 255) ** 2
    for training in (False, True):
        objective = LikelihoodObjective(0.04)
        _, values = objective(vae, inputs["image"], outputs, training)
        error = float(values["rmse"]) ** 2 + 1 / 12
        expected = 0.5 * (np.log(2 * np.pi * variance) + error / variance)
        assert float(values["nll"]) == pytest.approx(expected, rel=1e-5)
    # Unused latents are not active.
    mean = np.zeros((len(inputs["image"]), LATENT_SIZE), np.float32)
    mean[:, 0] = 3.0  # The same for all portraits tells nothing of one.
    mean[:, 1] = np.arange(len(mean))
    outputs["mean"] = keras.ops.convert_to_tensor(mean)
    _, values = LikelihoodObjective()(vae, inputs["image"], outputs, False)
    assert float(values["active_latents"]) == 1.0
