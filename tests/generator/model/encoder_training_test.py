import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats

from tests.generator.model.networks import make_classifier
from tests.generator.model.networks import make_inputs
from tests.generator.model.networks import make_vae
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.model import EncoderTraining
from tp_keras.generator.model import to_uint8
from tp_keras.models.optimizers import FusedAdamW
from tp_keras.tasks import MISSING

# Every term by a weight of its own.
WEIGHTS = {"feature": 3.0, "colour": 11.0, "kl": 0.5, "surprise": 7.0}
SETTINGS = VaeModelConfig(
    feature_weight=WEIGHTS["feature"],
    colour_weight=WEIGHTS["colour"],
    beta=WEIGHTS["kl"],
    latent_weight=WEIGHTS["surprise"],
)


def make_model(grown=True, schema=SCHEMA, **settings):
    """With a decoder whose portraits differ, as those of a trained one do."""
    vae = make_vae(grown=True, schema=schema)
    normalised = [la.norm for la in vae.decoder.layers if hasattr(la, "norm")]
    for norm in normalised:
        # So that a single batch gives it its statistics.
        norm.momentum = 0.0
    vae.draw(*make_latents(64, schema), training=True)
    vae.set_stage(grown)
    settings = dataclasses.replace(SETTINGS, **settings)
    return EncoderTraining(vae, make_classifier(schema), settings)


def make_latents(count, schema=SCHEMA):
    """Of new portraits, with their labels."""
    rng = np.random.default_rng(2)
    latents = rng.normal(size=(count, 4)).astype(np.float32)
    labels = make_portraits(count, schema=schema).labels
    return latents, {name: labels[name] for name in schema.conditions}


def values_of(variables):
    return [np.array(variable) for variable in variables]


def test_new_portraits_are_read_beside_real_ones(monkeypatch):
    model, decoded, read = make_model(label_dropout=0.0), [], []
    decode, encoder = model.vae.decode, model.vae.encoder

    def decode_far(latents, labels):
        # Beyond black and white.
        drawn = 9 * decode(latents, labels) - 800
        decoded.append((np.asarray(latents), labels, np.asarray(drawn)))
        return drawn

    def encode(inputs, training):
        read.append({n: np.asarray(each) for n, each in inputs.items()})
        return encoder(inputs, training=training)

    monkeypatch.setattr(model.vae, "decode", decode_far)
    # Out of Keras' sight.
    monkeypatch.setitem(model.vae.__dict__, "encoder", encode)
    inputs = make_inputs(8)
    outputs = model(inputs)
    (new, told, drawn), (_, told_again, again) = decoded
    assert drawn.min() < 0 and drawn.max() > 255
    np.testing.assert_array_equal(outputs["new"], new)
    np.testing.assert_array_equal(outputs["again"], again)
    (both,) = read
    # As a file would hold them.
    assert both["image"].dtype == np.uint8
    np.testing.assert_array_equal(both["image"][:8], inputs["image"])
    expected = np.clip(np.rint(drawn), 0, 255)
    np.testing.assert_array_equal(both["image"][8:], expected)
    for name in SCHEMA.conditions:
        own = inputs[name]
        np.testing.assert_array_equal(told[name], own)
        np.testing.assert_array_equal(told_again[name], own)
        np.testing.assert_array_equal(both[name], np.tile(own, 2))


@pytest.mark.parametrize("training", [False, True])
def test_latents_are_new_ones_and_those_of_the_encoder(training, monkeypatch):
    model, decoded = make_model(label_dropout=0.4), []

    def decode(latents, labels):
        decoded.append((np.asarray(latents), labels))
        return np.zeros((2000, 1, 1, 3), np.float32)

    def encode(inputs, training):
        encode.was_trained = training
        rows = np.ones((4000, 4), np.float32)
        return {"mean": 3 * rows, "log_variance": rows * np.log(4.0, dtype="f")}

    monkeypatch.setattr(model.vae, "decode", decode)
    monkeypatch.setitem(model.vae.__dict__, "encoder", encode)
    inputs = {name: np.arange(2000) for name in SCHEMA.conditions}
    images = np.zeros((2000, 1, 1, 3), np.uint8)
    model({"image": images, **inputs}, training=training)
    assert encode.was_trained == training
    (new, told), (own, again) = decoded
    assert stats.kstest(new.ravel(), "norm").pvalue > 0.05
    assert stats.kstest(own.ravel(), stats.norm(3, 2).cdf).pvalue > 0.05
    assert abs(stats.pearsonr(new.ravel(), own.ravel())[0]) < 0.03
    # Labels are left out in training alone, the same ones throughout.
    for name, values in told.items():
        left = np.asarray(values)
        np.testing.assert_array_equal(again[name], left)
        known = left != MISSING
        assert known.mean() == pytest.approx(0.6 if training else 1, abs=0.05)
        np.testing.assert_array_equal(left[known], inputs[name][known])


def test_the_loss_is_the_weighted_sum_of_its_terms():
    model, inputs = make_model(), make_inputs(8)
    rng = np.random.default_rng(1)
    mean, log_variance = rng.normal(size=(2, 16, 4)).astype(np.float32)
    # Of real portraits one latent tells nothing; of new ones it would.
    mean[:8, 2] = 0.05 * mean[:8, 2] + 0.3
    outputs = {
        "mean": mean,
        "log_variance": log_variance,
        "new": rng.normal(size=(8, 4)).astype(np.float32),
        "again": make_portraits(8, seed=5).images.astype(np.float32),
    }
    loss = model.compute_loss(inputs, None, outputs)
    values = {name: float(v) for name, v in model.get_metrics_result().items()}

    # === Portraits drawn again ===
    pairs = outputs["again"], inputs["image"].astype(np.float32)
    maps = [model.network(each)[0] for each in pairs]
    errors = [
        np.mean((x - y) ** 2) / np.mean(np.square(y))
        for x, y in zip(*maps, strict=True)
    ]
    assert values["feature"] == pytest.approx(np.mean(errors), rel=1e-3)
    again, real = (
        each.reshape(8, 54, 2, 42, 2, 3).mean(axis=(2, 4)) / 127.5
        for each in pairs
    )
    expected = np.mean((again - real) ** 2)
    assert values["colour"] == pytest.approx(expected, rel=1e-3)

    # === Latents, of real portraits and of new ones ===
    means, logs = mean[:8], log_variance[:8]
    kl = 0.5 * (means**2 + np.exp(logs) - logs - 1).sum(axis=1).mean()
    assert values["kl"] == pytest.approx(kl, rel=1e-4)
    posterior = stats.norm(mean[8:], np.exp(0.5 * log_variance[8:]))
    densities = posterior.logpdf(outputs["new"]) + 0.5 * np.log(2 * np.pi)
    surprise = -densities.sum(axis=1).mean()
    assert values["surprise"] == pytest.approx(surprise, rel=1e-4)
    assert values["active_latents"] == 3
    total = sum(weight * values[name] for name, weight in WEIGHTS.items())
    assert float(loss) == pytest.approx(total, rel=1e-4)
    assert float(loss) == pytest.approx(values["loss"], rel=1e-6)


def test_the_encoder_learns_by_every_term():
    inputs = {n: tf.constant(v) for n, v in make_inputs(4).items()}
    off = dict.fromkeys(
        ("feature_weight", "colour_weight", "beta", "latent_weight"), 0.0
    )

    def slopes(**weights):
        model = make_model(**{**off, **weights})
        with tf.GradientTape() as tape:
            loss = model.compute_loss(inputs, None, model(inputs))
        kernels = [model.vae.encoder.get_layer(n).kernel for n in heads]
        found = tape.gradient(loss, [v.value for v in kernels])
        return [float(tf.norm(each)) for each in found]

    heads = "half_convolution", "mean", "log_variance"
    assert max(slopes()) == 0.0
    for name in off:
        assert min(slopes(**{name: 1.0})) > 1e-6, name


@pytest.mark.parametrize("grown", [False, True])
def test_all_of_the_encoder_is_trained_and_nothing_else(grown):
    model = make_model(grown, EVERY_KIND)
    vae = model.vae
    # What reads details, too: it is shown whole portraits.
    found = {id(variable) for variable in model.trainable_variables}
    assert found == {id(variable) for variable in vae.encoder.weights}
    staying = vae.decoder.weights + model.network._classifier.weights
    before = values_of(staying), values_of(vae.encoder.weights)
    model.compile(FusedAdamW(1e-2, weight_decay=0.0), run_eagerly=True)
    inputs = make_inputs(8, schema=EVERY_KIND)
    model.fit(inputs, batch_size=4, verbose=0)
    # Statistics, too: it is trained for what draws.
    for a, b in zip(before[0], values_of(staying), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, variable in zip(before[1], vae.encoder.weights, strict=True):
        assert np.abs(a - variable).max() > 1e-4, variable.path


@pytest.mark.large
def test_portraits_that_are_drawn_again_become_like_them(tmp_path):
    model = make_model(schema=EVERY_KIND, beta=0.01, latent_weight=0.1)
    model.compile(FusedAdamW(3e-3, weight_decay=0.0))
    inputs = make_inputs(9, schema=EVERY_KIND)
    # The validation has a batch of eight and one of a single portrait.
    options = {"validation_batch_size": 8, "batch_size": 9, "verbose": 0}
    history = model.fit(
        inputs, validation_data=(inputs,), epochs=12, **options
    ).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert history["val_colour"][-1] < 0.95 * history["val_colour"][0]
    assert history["active_latents"][-1] > history["active_latents"][0] == 0
    # The file holds the generator alone.
    model.vae.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    for a, b in zip(model.vae.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.large
def test_latents_of_new_portraits_are_found_again():
    model = make_model(
        schema=EVERY_KIND, feature_weight=0.0, colour_weight=0.0, beta=0.0
    )
    model.compile(FusedAdamW(1e-2, weight_decay=0.0))
    inputs = make_inputs(32, schema=EVERY_KIND)
    model.fit(inputs, batch_size=32, epochs=30, verbose=0)
    # Others than it was trained on: those are new in each step.
    latents, labels = make_latents(64, EVERY_KIND)
    images = to_uint8(model.vae.decode(latents, labels))
    found, _ = model.vae.encode(images, labels)
    errors = np.square(found - latents).mean(axis=0)
    assert (errors < 0.5 * latents.var(axis=0)).all()
