import numpy as np
import pytest
import tensorflow as tf

from tests.export.networks import random_portraits
from tests.generator.export.vae_networks import LATENT_SIZE
from tp_keras.errors import UserError
from tp_keras.generator.export.keyed_noise import keyed_noise
from tp_keras.generator.export.keyed_noise import row_seeds
from tp_keras.serving import PortraitGenerator
from tp_keras.serving import Predictor

LABELS = {"gender": "male", "hair_color": "gray"}
NUMBERS = {"gender": 1, "hair_color": 3, "hair_type": -1}


@pytest.fixture(scope="module")
def generator(vae_bundle):
    return PortraitGenerator.load(vae_bundle.parent)


def numbers(count, **given):
    return {
        name: tf.fill((count,), value)
        for name, value in {**NUMBERS, **given}.items()
    }


def close(images, expected):
    """Says whether images are equal, up to a rounded level here and there."""
    expected = np.clip(np.rint(np.asarray(expected)), 0, 255)
    gap = np.abs(images.astype(int) - expected)
    return gap.max() <= 1 and gap.mean() < 0.01


def test_it_generates_as_the_model(generator, vae):
    seeds = row_seeds(4, 70)
    normal, uniform = keyed_noise(seeds, LATENT_SIZE)
    expected = vae.generate(normal, uniform, numbers(70), tf.fill((70,), 0.8))
    # More than one batch of the signature.
    images = generator.generate(LABELS, seeds, 0.8)
    assert images.dtype == np.uint8
    assert images.shape == (70, 108, 84, 3)
    assert close(images, expected)
    assert close(
        generator.generate(LABELS, seeds[68:], [0.8, 0.8]), images[68:]
    )
    latents = generator.sample(LABELS, seeds[68:], 0.8)
    assert latents.shape == (2, LATENT_SIZE)
    assert close(generator.decode(latents, LABELS), images[68:])


def test_encode_reconstruct_and_edit(generator, vae):
    images = random_portraits(3)
    mean, log_variance = generator.encode(images, LABELS)
    expected = vae.encode(tf.constant(images), numbers(3))
    np.testing.assert_allclose(mean, expected[0], atol=1e-4)
    np.testing.assert_allclose(log_variance, expected[1], atol=1e-4)
    again = generator.reconstruct(images, LABELS)
    assert close(again, generator.decode(mean, LABELS))
    edited = generator.edit(images, LABELS, {"gender": "female"})
    new = numbers(3, gender=0, hair_color=-1)
    assert close(edited, vae.decode(expected[0], new))


def test_labels_may_differ_from_row_to_row(generator):
    genders = ["male", "female", None, "unknown"]
    together = generator.generate({"gender": genders}, [5] * 4)
    for row, gender in enumerate(genders):
        assert close(
            generator.generate({"gender": gender}, [5])[0], together[row]
        )
    assert close(together[2], together[3])
    assert not close(together[0], together[1])


def test_nothing(generator):
    assert generator.generate({}, []).shape == (0, 108, 84, 3)
    assert generator.encode(random_portraits(0), {})[0].shape == (
        *(0, LATENT_SIZE),
    )


@pytest.mark.parametrize(
    ("labels", "seeds", "temperature", "message"),
    [
        ({"gender": "man"}, [1], 1.0, "Received: gender=man"),
        ({"hair_color": ["gray", "red"]}, [1, 2], 1.0, "hair_color=red"),
        ({"hair": "wavy"}, [1], 1.0, "Expected labels of gender"),
        ({"gender": ["male"]}, [1, 2], 1.0, "each of 2 rows"),
        ({}, [1], 0.0, "temperature=0.0"),
        ({}, [1], -0.5, "temperature=-0.5"),
        ({}, [1], float("nan"), "temperature=nan"),
        ({}, [1], float("inf"), "temperature=inf"),
        ({}, [1, 2, 3], [1.0, 0.5], "one for each seed"),
        ({}, [0.5], 1.0, "Expected integers"),
        ({}, 7, 1.0, "Expected integers"),
        ({}, [[7]], 1.0, "Expected integers"),
        ({}, [2**63], 1.0, "below 2"),
    ],
)
def test_what_cannot_be_generated(
    generator, labels, seeds, temperature, message
):
    with pytest.raises(UserError, match=message):
        generator.generate(labels, seeds, temperature)


def test_wrong_images_and_latents(generator):
    for images in (
        np.zeros((1, 108, 84, 3), "float32"),
        random_portraits(1)[0],
    ):
        for method, *arguments in (
            (generator.encode, {}),
            (generator.reconstruct, {}),
            (generator.edit, {}, {}),
        ):
            with pytest.raises(UserError, match="Received: dtype="):
                method(images, *arguments)
    for latents in (np.full((1, LATENT_SIZE), np.nan), np.zeros(LATENT_SIZE)):
        with pytest.raises(UserError, match="Expected finite latents"):
            generator.decode(latents, {})


def test_bundles_of_another_kind_are_told(bundle, vae_bundle, tmp_path):
    for path in (bundle, tmp_path):
        with pytest.raises(UserError, match="training.export_vae --run_dir R"):
            PortraitGenerator.load(path)
    with pytest.raises(UserError, match="'serve_bytes', as `python -m"):
        Predictor(vae_bundle)
