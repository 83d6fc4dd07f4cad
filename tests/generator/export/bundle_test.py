import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from tests.export.networks import random_portraits
from tests.generator.export.vae_networks import LATENT_SIZE
from tests.generator.export.vae_networks import make_trained_vae
from tests.picture_factory import encode
from tests.picture_factory import exif
from tests.picture_factory import stored
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.rounding import float32_error
from tp_keras.errors import UserError
from tp_keras.export import read_metadata
from tp_keras.generator.export.bundle import expected_answers
from tp_keras.generator.export.keyed_noise import row_seeds
from tp_keras.generator.export.signatures import make_vae_signatures
from tp_keras.serving import CSession
from tp_keras.serving import check_answers
from tp_keras.serving.check import check_content
from tp_keras.tasks import Schema


@pytest.fixture(scope="module")
def session(vae_bundle):
    with CSession(vae_bundle, threads=1) as session:
        yield session


def strings(names):
    return np.array([name.encode() for name in names], object)


def labels(count, prefix="", **given):
    return {
        prefix + task: strings([given.get(task, "unknown")] * count)
        for task in SCHEMA.conditions
    }


def request(count, seed=0, temperature=1.0, **given):
    return {
        **labels(count, **given),
        "seed": row_seeds(seed, count),
        "temperature": np.full(count, temperature, np.float32),
    }


def part(inputs, rows):
    return {name: value[rows] for name, value in inputs.items()}


def decode_png(data):
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def test_agrees_with_keras_through_the_c_api(vae, vae_bundle):
    check_content(vae_bundle).require()
    expected = expected_answers(vae, random_portraits(5))
    differences = check_answers(vae_bundle, expected)
    assert set(differences) == set(read_metadata(vae_bundle)["signatures"])
    # Every kind of answer shows something, and in one row nothing.
    for _, outputs in expected.values():
        assert outputs["valid"].tolist() == [True] * 4 + [False]
        for name, values in outputs.items():
            assert not values[-1].any()
            assert name == "valid" or values[:-1].std() > 0.1
    # A wrong pixel or latent is seen.
    for signature in ("generate", "generate_bytes", "encode"):
        values, *_ = expected[signature][1].values()
        values[(1, *[0] * (values.ndim - 1))] += 4
        with pytest.raises(UserError, match=f"of '{signature}'"):
            check_answers(vae_bundle, {signature: expected[signature]})


def test_a_row_depends_on_its_seed_and_not_on_its_batch(session):
    inputs = request(64, gender="male")
    together = session.run("generate", inputs)
    assert together["image"].shape == (64, 108, 84, 3)
    for row in (0, 1, 33, 63):
        alone = session.run("generate", part(inputs, slice(row, row + 1)))
        # The noise is equal bit by bit; products may be summed otherwise, a
        # few of numbers up to 4 for each of the latents.
        latents = alone["latent"][0]
        error = float32_error(len(latents), 4.0)
        np.testing.assert_allclose(
            latents, together["latent"][row], rtol=0, atol=error
        )
        gap = alone["image"][0].astype(int) - together["image"][row]
        assert np.abs(gap).max() <= 1
    assert len(np.unique(together["latent"][:, 0])) == 64


def test_temperature_and_labels_count(session):
    def latents(**kwargs):
        return session.run("generate", request(64, **kwargs))["latent"]

    wide, narrow = latents(temperature=1.0), latents(temperature=0.5)
    # The prior scales its noise around the centre of one of its components.
    centres = np.unique((2 * narrow - wide).round(3), axis=0)
    assert 1 < len(centres) < 16
    assert np.abs(latents(gender="male") - latents(gender="female")).max() > 0.1


def test_files_are_edited_as_pixels(session):
    images = random_portraits(2)
    upright, turned = (Image.fromarray(image) for image in images)
    files = [encode(upright), encode(stored(turned, 6), exif=exif(6))]
    inputs = {**labels(3), **labels(3, "new_", gender="male")}
    found = session.run(
        "edit_bytes", {"image_bytes": [*files, b"no image"], **inputs}
    )
    assert found["valid"].tolist() == [True, True, False]
    expected = session.run("edit", {"image": images, **part(inputs, slice(2))})
    blank = np.zeros((108, 84, 3))
    for data, pixels in zip(
        found["image_bytes"], [*expected["image"], blank], strict=True
    ):
        np.testing.assert_array_equal(decode_png(data), pixels)


def test_a_bad_temperature_spoils_its_row_alone(session):
    inputs = request(6)
    expected = session.run("generate", inputs)
    inputs["temperature"][1:5] = 0.0, -1.0, np.nan, np.inf
    found = session.run("generate", inputs)
    assert found["valid"].tolist() == [True, *[False] * 4, True]
    assert not found["image"][1:5].any() and not found["latent"][1:5].any()
    np.testing.assert_array_equal(found["image"][5], expected["image"][5])
    files = session.run("generate_bytes", inputs)
    np.testing.assert_array_equal(files["valid"], found["valid"])
    assert not decode_png(files["image_bytes"][1]).any()


def test_an_unknown_class_spoils_its_row_alone(session):
    names = strings(["", "Female", "red", "n/a", "unknown ", "unknown"])
    expected = [False] * 5 + [True]
    images = random_portraits(6)
    latents = np.ones((6, LATENT_SIZE), np.float32)
    labelled = {"image": images, **labels(6)}
    for task in SCHEMA.conditions:
        for signature, inputs, name in (
            ("generate", request(6), task),
            ("decode", {"latent": latents, **labels(6)}, task),
            ("reconstruct", labelled, task),
            ("encode", labelled, task),
            ("edit", {**labelled, **labels(6, "new_")}, f"new_{task}"),
        ):
            outputs = session.run(signature, {**inputs, name: names})
            assert outputs.pop("valid").tolist() == expected, signature
            for value in outputs.values():
                assert not value[:5].any() and value[5].any()


def test_a_latent_that_is_no_number_and_an_image_of_another_size(session):
    latents = np.ones((4, LATENT_SIZE), np.float32)
    latents[:3, 3] = np.nan, np.inf, -np.inf
    outputs = session.run("decode", {"latent": latents, **labels(4)})
    assert outputs["valid"].tolist() == [False, False, False, True]
    assert not outputs["image"][:3].any()
    images = np.zeros((1, 108, 90, 3), np.uint8)
    with pytest.raises(UserError, match="TensorFlow refused it"):
        session.run("encode", {"image": images, **labels(1)})


def test_metadata(vae_bundle, vae):
    metadata = read_metadata(vae_bundle)
    assert Schema.from_dict(metadata["schema"]) == vae.schema
    assert metadata["latent_size"] == LATENT_SIZE
    assert metadata["prior"] == "GaussianMixturePrior"
    assert metadata["figures"] == [1]
    parts = vae.encoder, vae.decoder, vae.prior
    counts = [part.count_params() for part in parts]
    assert metadata["parameters"] == sum(counts)
    # Weights are stored once.
    data = (vae_bundle / "saved_model.pb").read_bytes()
    for part in parts:
        weights = max(part.get_weights(), key=lambda w: w.size)
        assert data.count(weights.tobytes()) == 1


@pytest.mark.parametrize("kind", ["gaussian_mixture", "standard_normal"])
def test_signatures_are_those_of_the_schema(kind):
    vae = make_trained_vae(kind, EVERY_KIND)
    signatures = make_vae_signatures(vae)
    images = np.full((2, 64, 48, 3), 90, np.uint8)
    expected = expected_answers(vae, images)
    for name, (inputs, outputs) in expected.items():
        if name.endswith("_bytes"):
            continue
        found = signatures[name].get_concrete_function()(
            **{k: tf.constant(v) for k, v in inputs.items()}
        )
        assert set(found) == set(outputs)
        for key, values in outputs.items():
            gap = np.abs(np.asarray(found[key], float) - values)
            assert gap.max() <= (1 if key == "image" else 1e-4), (name, key)
    names = {"new_origin", "new_smile", "origin", "smile"}
    assert names < set(expected["edit"][0])
