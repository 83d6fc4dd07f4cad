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
from tp_keras.generator.model import networks
from tp_keras.generator.model.geometry import as_pixels
from tp_keras.generator.model.geometry import scale_pixels
from tp_keras.runs.precision import in_float32
from tp_keras.runs.precision import layers_in
from tp_keras.tasks import MISSING

TASK_NAMES = SCHEMA.conditions


def outer_variables(vae):
    return [
        variable
        for part, names in (
            (vae.encoder, networks.ENCODER_OUTER),
            (vae.decoder, networks.DECODER_OUTER),
        )
        for layer in part.layers
        if layer.name in names
        for variable in layer.variables
    ]


def inner_variables(vae):
    outer = {id(variable) for variable in outer_variables(vae)}
    parts = (*vae.encoder.variables, *vae.decoder.variables)
    return [variable for variable in parts if id(variable) not in outer]


@pytest.fixture(scope="module")
def trained():
    """As training at 54x42 would leave it: all but the outermost moved."""
    vae = make_vae()
    # Large enough for a detail to come through to the latents.
    randomize(inner_variables(vae), scale=0.2)
    return vae


def test_growing_keeps_weights_latents_and_pictures(trained):
    inputs = make_inputs()
    images, labels = inputs["image"], {n: inputs[n] for n in TASK_NAMES}
    latents = np.random.default_rng(0).normal(size=(6, LATENT_SIZE))
    latents = latents.astype(np.float32)
    half = trained.draw(latents, labels, False)
    means, _ = trained.encode(images, labels)
    trained.set_stage(True)
    try:
        decoded = trained.decode(latents, labels)
        np.testing.assert_array_equal(decoded, as_pixels(half))
        drawn = trained.draw(latents, labels, False)
        np.testing.assert_array_equal(drawn, scale_pixels(decoded))
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


def test_the_outer_layers_learn_once_it_has_grown():
    vae = make_vae()
    outer = outer_variables(vae)
    # Two of the encoder with three, of the decoder two with seven and one with
    # four.
    assert len(outer) == 3 + 2 * 7 + 4
    learned = {id(v) for v in outer if not v.name.startswith("moving_")}
    # A mean and a variance of what is normalised: they follow the batches.
    assert len(learned) == len(outer) - 2 * 2
    assert not learned & {id(v) for v in vae.trainable_variables}
    vae.set_stage(True)
    assert learned <= {id(v) for v in vae.trainable_variables}


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


@pytest.mark.parametrize(
    ("precision", "schema"), [("float32", EVERY_KIND), ("bfloat16", SCHEMA)]
)
def test_a_file_holds_weights_prior_and_stage(precision, schema, tmp_path):
    with layers_in(precision):
        vae = make_vae(schema=schema, grown=True)
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
