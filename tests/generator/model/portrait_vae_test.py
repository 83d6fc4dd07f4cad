import itertools

import keras
import numpy as np
import pytest

from tests.generator.model.networks import LATENT_SIZE
from tests.generator.model.networks import make_inputs
from tests.generator.model.networks import make_vae
from tests.generator.model.networks import randomize
from tests.generator.priors.prior_kinds import make_labels
from tests.generator.priors.prior_kinds import make_noise
from tests.generator.priors.prior_kinds import make_prior
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.generator.conditions import get_conditions
from tp_keras.generator.conditions import one_hot_labels
from tp_keras.generator.model import Eigenfaces
from tp_keras.generator.model import networks
from tp_keras.generator.model.geometry import as_pixels
from tp_keras.generator.model.geometry import halve
from tp_keras.generator.model.geometry import scale_pixels
from tp_keras.generator.training.trainer import fit_eigenfaces
from tp_keras.models.optimizers import FusedAdamW
from tp_keras.runs.precision import in_float32
from tp_keras.runs.precision import layers_in
from tp_keras.tasks import MISSING

TASK_NAMES = SCHEMA.conditions


def outer_variables(vae):
    return [
        variable
        for part, names in (
            (vae.encoder, networks.ENCODER_OUTER),
            (vae._decoder, networks.DECODER_OUTER),
        )
        for layer in part.layers
        if layer.name in names
        for variable in layer.variables
    ]


def inner_variables(vae):
    outer = {id(variable) for variable in outer_variables(vae)}
    parts = (*vae.encoder.variables, *vae._decoder.variables)
    return [variable for variable in parts if id(variable) not in outer]


@pytest.fixture(scope="module")
def trained():
    """As training at 54x42 would leave it: all but the outermost moved."""
    vae = make_vae()
    # Large enough for a detail to come through to the latents.
    randomize(inner_variables(vae), scale=0.2)
    return vae


def one_hot(labels):
    return np.asarray(one_hot_labels(labels, get_conditions(SCHEMA)))


@pytest.fixture(scope="module")
def eigenfaces():
    return fit_eigenfaces(make_portraits(40), LATENT_SIZE, seed=0)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_an_initialised_model_is_the_linear_one(eigenfaces, precision):
    with layers_in(precision):
        vae = make_vae()
    vae.initialize(eigenfaces)
    portraits = make_portraits(6, seed=3)
    images, labels = portraits.images, portraits.labels
    flat = np.asarray(halve(scale_pixels(images))).reshape(6, -1)
    centre = one_hot(labels) @ eigenfaces.label_means
    means = (flat - centre) @ eigenfaces.encoder_kernel
    found, log_variances = vae.encode(images, labels)
    np.testing.assert_allclose(found, means, atol=1e-4)
    expected = np.tile(eigenfaces.log_variance, (6, 1))
    np.testing.assert_allclose(log_variances, expected, atol=1e-4)
    drawn = (centre + means @ eigenfaces.decoder_kernel).reshape(6, 54, 42, 3)
    expected = np.asarray(as_pixels(drawn.astype(np.float32)))
    found = np.asarray(vae.reconstruct(images, labels))
    np.testing.assert_allclose(found, expected, atol=5e-3)


def test_the_linear_path_is_fitted_to_portraits_and_their_mirrors(eigenfaces):
    portraits = make_portraits(40)
    half = np.asarray(halve(scale_pixels(portraits.images)))
    both = np.concatenate([half, half[:, :, ::-1]]).reshape(80, -1)
    both_labels = np.tile(one_hot(portraits.labels), (2, 1))
    expected = Eigenfaces.fit(both, both_labels, LATENT_SIZE, seed=0)
    for name in ("label_means", "basis", "variances"):
        pair = [np.abs(getattr(each, name)) for each in (eigenfaces, expected)]
        np.testing.assert_allclose(*pair, atol=1e-4)


def test_growing_keeps_weights_latents_and_pictures(trained):
    inputs = make_inputs()
    images, labels = inputs["image"], {n: inputs[n] for n in TASK_NAMES}
    latents = np.random.default_rng(0).normal(size=(6, LATENT_SIZE))
    latents = latents.astype(np.float32)
    half = trained.draw(latents, labels, False)["half"]
    means, _ = trained.encode(images, labels)
    trained.set_stage(True)
    try:
        drawn = trained.draw(latents, labels, False)
        np.testing.assert_array_equal(drawn["half"], half)
        np.testing.assert_array_equal(drawn["image"], as_pixels(half))
        decoded = trained.decode(latents, labels)
        np.testing.assert_array_equal(decoded, drawn["image"])
        np.testing.assert_array_equal(trained.encode(images, labels)[0], means)
    finally:
        trained.set_stage(False)
    # A detail that a picture of 54x42 hasn't moves nothing before it.
    checks = np.indices((108, 84)).sum(axis=0) % 2 * 20
    images = (images // 2 + 20).astype(np.uint8)
    detailed = images + np.where(checks, 10, -10)[None, :, :, None]
    found, expected = (
        trained.encode(each.astype(np.uint8), labels)[0]
        for each in (detailed, images)
    )
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("modulation", [True, False])
def test_the_outer_layers_learn_once_it_has_grown(modulation):
    vae = make_vae(modulation=modulation)
    outer = {id(v) for v in outer_variables(vae)}
    # A block of FiLM is what takes part of it away.
    assert len(outer) == (9 if modulation else 7)
    assert not outer & {id(v) for v in vae.trainable_variables}
    vae.set_stage(True)
    assert outer <= {id(v) for v in vae.trainable_variables}
    assert vae.dimensions == 27_216
    vae.set_stage(False)
    assert vae.dimensions == 6_804


@pytest.mark.large
def test_fit_lowers_the_loss_of_training_and_validation():
    vae = make_vae(schema=EVERY_KIND, grown=True)
    inputs = make_inputs(16, schema=EVERY_KIND)
    vae.compile(FusedAdamW(3e-3, weight_decay=0.0))
    history = vae.fit(
        inputs, validation_data=(inputs,), batch_size=8, epochs=8, verbose=0
    ).history
    for name in ("loss", "rmse", "val_loss", "val_rmse"):
        assert np.isfinite(history[name]).all()
        assert history[name][-1] < history[name][0]


def test_labels_are_left_out_in_training_alone(trained):
    labels = {name: np.zeros(4000, np.int32) for name in TASK_NAMES}
    dropped = trained._drop_labels(labels)
    hidden = np.stack([np.asarray(v) == MISSING for v in dropped.values()])
    np.testing.assert_allclose(hidden.mean(axis=1), 0.15, atol=0.02)
    # Each label on its own.
    assert hidden.all(axis=0).mean() == pytest.approx(0.15**3, abs=0.004)
    inputs = make_inputs()
    outputs = trained(inputs, training=False)
    for name in TASK_NAMES:
        np.testing.assert_array_equal(outputs["labels"][name], inputs[name])


def test_unknown_labels_are_encoded_and_drawn_like_classes(trained):
    inputs = make_inputs()
    labels = {n: np.zeros(6, np.int32) for n in TASK_NAMES}
    pictures = [trained.reconstruct(inputs["image"], labels)]
    for name in TASK_NAMES:
        told = {**labels, name: np.full(6, MISSING, np.int32)}
        pictures.append(trained.edit(inputs["image"], labels, told))
    assert np.isfinite(pictures).all()
    # Each of them counts.
    for picture, other in itertools.combinations(pictures, 2):
        assert np.abs(picture - other).max() > 1e-3


def test_generate_draws_from_the_prior():
    vae = make_vae(prior=make_prior("gaussian_mixture", LATENT_SIZE))
    randomize(inner_variables(vae))
    normal, uniform = make_noise(3, LATENT_SIZE)
    temperature = np.array([1.0, 0.5, 0.8], np.float32)
    labels = make_labels(3)
    latents = vae.prior.sample(normal, uniform, labels, temperature)
    together = np.asarray(vae.generate(normal, uniform, labels, temperature))
    np.testing.assert_array_equal(together, vae.decode(latents, labels))
    # A row doesn't depend on the others.
    one = slice(1, 2)
    labels = {name: values[one] for name, values in labels.items()}
    alone = vae.generate(normal[one], uniform[one], labels, temperature[one])
    np.testing.assert_allclose(alone[0], together[1], atol=1e-3)


def test_the_running_gaussian_follows_the_latents():
    vae = make_vae()
    rng = np.random.default_rng(0)
    scale = np.tril(rng.normal(size=(LATENT_SIZE, LATENT_SIZE)))
    latents = (rng.normal(size=(50, LATENT_SIZE)) @ scale.T + 2.0).astype("f")
    mean, covariance = np.zeros(LATENT_SIZE), np.eye(LATENT_SIZE)
    for _ in range(3):
        vae.update_latent_statistics(latents)
        mean = 0.98 * mean + 0.02 * latents.mean(axis=0)
        rest = latents - mean
        covariance = 0.98 * covariance + 0.02 * rest.T @ rest / 50
    np.testing.assert_allclose(vae.latent_mean, mean, rtol=1e-4)
    np.testing.assert_allclose(vae.latent_covariance, covariance, rtol=1e-4)

    vae.latent_mean.assign(latents.mean(axis=0))
    vae.latent_covariance.assign(scale @ scale.T)
    noise = rng.normal(size=(40_000, LATENT_SIZE)).astype("f")
    drawn = np.asarray(vae.draw_latents(noise))
    np.testing.assert_allclose(drawn.mean(0), latents.mean(0), atol=0.06)
    expected = scale @ scale.T + 0.01 * np.eye(LATENT_SIZE)
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.15)


@pytest.mark.parametrize(
    ("precision", "schema"), [("float32", EVERY_KIND), ("bfloat16", SCHEMA)]
)
def test_a_file_holds_weights_prior_and_stage(precision, schema, tmp_path):
    with layers_in(precision):
        vae = make_vae(
            schema=schema, grown=True, modulation=precision == "float32"
        )
    vae.prior = make_prior("gaussian_mixture", LATENT_SIZE, schema=schema)
    randomize(v for v in vae.variables if "seed" not in v.path)
    vae.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    assert loaded.grown and loaded.latent_size == LATENT_SIZE
    assert loaded.schema == vae.schema
    assert type(loaded.prior) is type(vae.prior)
    configs = [each.get_config() for each in (vae, loaded)]
    assert configs[0].pop("prior") and configs[1].pop("prior")
    assert configs[0] == configs[1]
    for a, b in zip(vae.weights, loaded.weights, strict=True):
        assert a.path == b.path
        np.testing.assert_array_equal(a, b)
    noise = make_noise(2, LATENT_SIZE)
    labels = {name: np.array([0, MISSING]) for name in schema.conditions}
    temperature = np.ones(2, np.float32)
    plain = in_float32(loaded)
    found, in_full, expected = (
        np.asarray(model.generate(*noise, labels, temperature))
        for model in (loaded, plain, vae)
    )
    np.testing.assert_allclose(found, expected, atol=1e-3)
    np.testing.assert_allclose(in_full, expected, atol=0.02 * np.ptp(expected))


def test_scaled_images_are_refused(trained):
    images = make_portraits(2).images / 255.0
    labels = dict.fromkeys(TASK_NAMES, np.zeros(2, np.int32))
    with pytest.raises(UserError, match="Expected pixels from 0 to 255"):
        trained.encode(images, labels)
