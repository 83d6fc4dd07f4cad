import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax
from scipy.special import softmax

from tests.generator.model.networks import make_classifier
from tests.generator.model.networks import make_inputs
from tests.generator.model.networks import make_vae
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.model import LikelihoodObjective
from tp_keras.generator.model import SharpObjective
from tp_keras.generator.model import objectives
from tp_keras.generator.model.losses import energy_distance
from tp_keras.models.optimizers import FusedAdamW


def test_each_row_gets_one_label_of_its_neighbour():
    labels = {name: np.arange(60) * 10 + i for i, name in enumerate("abc")}
    seed = keras.random.SeedGenerator(3)
    changed, exchanged = objectives.exchange_one(labels, seed)
    masks = {name: np.asarray(values) for name, values in exchanged.items()}
    assert (sum(mask.astype(int) for mask in masks.values()) == 1).all()
    # Each of the labels has its turn.
    assert min(mask.sum() for mask in masks.values()) > 8
    for name, values in labels.items():
        expected = np.where(masks[name], np.roll(values, 1), values)
        np.testing.assert_array_equal(changed[name], expected)


@pytest.fixture(scope="module")
def vae():
    return make_vae(grown=True)


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


def statistics(maps):
    """Mean and deviation of each channel, by NumPy."""
    columns = []
    for x in map(np.asarray, maps):
        columns.append(x.mean(axis=(1, 2)))
        columns.append(np.sqrt(x.var(axis=(1, 2)) + 1e-4))
    return np.concatenate(columns, axis=1)


def test_the_loss_is_the_weighted_sum_of_its_terms(
    vae, classifier, monkeypatch
):
    settings = VaeModelConfig(
        feature_weight=3.0,
        attribute_weight=5.0,
        moment_weight=7.0,
        attribute_smoothing=0.2,
    )
    objective = SharpObjective(classifier, settings)
    inputs = make_inputs(8)
    labels = {name: inputs[name] for name in SCHEMA.conditions}
    drawn = make_portraits(8, seed=5).images.astype(np.float32)
    rows = np.arange(8) % 2 == 0
    exchanged = dict(zip(labels, (rows, ~rows, np.zeros(8, bool)), strict=True))
    asked = []

    def draw(latents, labels, training):
        asked.append((np.asarray(latents), labels))
        return {"image": keras.ops.convert_to_tensor(drawn)}

    def exchange(labels, seed):
        return {
            name: keras.ops.where(exchanged[name], 0, values)
            for name, values in labels.items()
        }, exchanged

    outputs = vae(inputs, training=False)
    outputs = {**outputs, "labels": labels, "image": drawn[::-1].copy()}
    monkeypatch.setattr(objectives, "_JITTER", 0)
    monkeypatch.setattr(objectives, "exchange_one", exchange)
    monkeypatch.setattr(vae, "draw", draw)
    loss, values = objective(vae, inputs["image"], outputs, False)
    values = {name: float(value) for name, value in values.items()}
    base, _ = LikelihoodObjective()(vae, inputs["image"], outputs, False)
    real, true_logits = objective.network(inputs["image"].astype(np.float32))
    made, logits = objective.network(drawn)

    # === Half has a label exchanged, the others have new latents ===
    ((latents, told),) = asked
    first = np.arange(8) < 4
    for name, own in labels.items():
        expected = np.where(exchanged[name] & first, 0, own)
        np.testing.assert_array_equal(told[name], expected)
    same = (latents == np.asarray(outputs["latent"])).all(axis=1)
    np.testing.assert_array_equal(same, first)

    # === The error of reconstructions ===
    maps = zip(objective.network(outputs["image"])[0], real, strict=True)
    errors = [np.mean((x - y) ** 2) / np.mean(y**2) for x, y in maps]
    assert values["feature"] == pytest.approx(np.mean(errors), rel=1e-4)

    # === The cross-entropy of what was asked, and to the other answers ===
    right, kept = [], 0.0
    for name in logits:
        logs, own = log_softmax(logits[name], axis=1), np.asarray(told[name])
        rows = np.flatnonzero(own >= 0)
        # A fifth of the label is spread over all classes.
        mixed = 0.8 * logs[rows, own[rows]] + 0.2 * logs[rows].mean(axis=1)
        right += list(-mixed)
        terms = -(softmax(true_logits[name], axis=1) * logs).sum(axis=1)[:4]
        kept += terms[~exchanged[name][:4]].mean()
    assert values["attribute"] == pytest.approx(np.mean(right), rel=1e-4)
    assert values["kept"] == pytest.approx(kept, rel=1e-4)

    # === The distance of new portraits to real ones ===
    for maps in (real, made):
        found = objectives.channel_statistics(maps)
        expected = statistics(maps)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
    real, made = statistics(real), statistics(made)[4:]
    scale, centre = real.std(axis=0) + 1e-2, real.mean(axis=0)
    expected = energy_distance((real - centre) / scale, (made - centre) / scale)
    assert values["moment"] == pytest.approx(float(expected), rel=1e-3)

    weights = {"feature": 3.0, "attribute": 5.0, "kept": 2.5, "moment": 7.0}
    total = sum(weight * values[name] for name, weight in weights.items())
    assert float(loss) == pytest.approx(float(base) + total, rel=1e-5)


@pytest.mark.parametrize(("rows", "made"), [(4, 2), (3, 2), (1, 1)])
def test_fewer_portraits_may_be_drawn_than_there_are(
    rows, made, vae, classifier, monkeypatch
):
    inputs = make_inputs(rows)
    outputs = vae(inputs, training=False)
    counts = []

    def draw(latents, labels, training):
        counts.append({len(latents), *map(len, labels.values())})
        return {"image": outputs["image"][: len(latents)]}

    monkeypatch.setattr(vae, "draw", draw)
    objective = SharpObjective(classifier, VaeModelConfig(made_share=0.5))
    loss, _ = objective(vae, inputs["image"], outputs, False)
    assert counts == [{made}]
    assert np.isfinite(float(loss))


def test_both_pictures_are_moved_alike_before_a_look(vae, classifier):
    inputs = make_inputs(4)
    outputs = vae(inputs, training=False)
    outputs["image"] = inputs["image"].astype(np.float32)
    objective = SharpObjective(classifier, VaeModelConfig())
    for _ in range(3):
        _, values = objective(vae, inputs["image"], outputs, False)
        assert float(values["feature"]) == 0.0


def test_it_looks_at_the_conditions_that_the_classifier_answers():
    vae = make_vae(schema=EVERY_KIND, grown=True)
    inputs = make_inputs(4, schema=EVERY_KIND)
    outputs = vae(inputs, training=False)

    def look(*tasks):
        classifier = make_classifier(schema=EVERY_KIND, tasks=tasks)
        objective = SharpObjective(classifier, VaeModelConfig())
        _, values = objective(vae, inputs["image"], outputs, False)
        assert np.isfinite(list(map(float, values.values()))).all()
        return float(values["attribute"])

    # Neither a number nor flags are drawn; two classes are.
    assert look("age", "signs") == 0.0
    assert look("age", "signs", "smile") > 0.1


@pytest.mark.large
def test_training_looks_through_a_classifier_that_stays(tmp_path):
    classifier = make_classifier(schema=EVERY_KIND)
    before = classifier.get_weights()
    vae = make_vae(schema=EVERY_KIND)
    alone = vae.count_params()
    objective = SharpObjective(classifier, VaeModelConfig())
    vae.compile(FusedAdamW(3e-3, weight_decay=0.0), objective)
    inputs = make_inputs(9, schema=EVERY_KIND)
    # The validation has a batch of eight and one of a single portrait.
    options = {"validation_batch_size": 8, "batch_size": 9, "verbose": 0}
    history = vae.fit(
        inputs, validation_data=(inputs,), epochs=6, **options
    ).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert history["loss"][-1] < history["loss"][0]
    assert "val_moment" in history and "bits_per_dimension" not in history
    for a, b in zip(before, classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # The file holds the generator alone.
    vae.save(tmp_path / "vae.keras", include_optimizer=False)
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    assert loaded.count_params() == alone
    for a, b in zip(vae.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(a, b)


# === The network that it looks with ===


@pytest.fixture(scope="module")
def network(classifier, tmp_path_factory):
    """Of a classifier that comes from a file, as in a training."""
    path = tmp_path_factory.mktemp("classifier") / "model.keras"
    classifier.save(path)
    loaded = keras.saving.load_model(path, compile=False)
    return objectives.FeatureNetwork(loaded)


def test_it_answers_as_its_classifier(network, classifier):
    images = make_portraits(4).images
    expected = classifier(images, training=False)
    maps, logits = network(images.astype(np.float32))
    assert set(logits) == set(expected) == set(SCHEMA.task_names)
    for name, values in expected.items():
        np.testing.assert_allclose(logits[name], values, atol=1e-5)
    # One for each size of the trunk, and each of them sees something.
    sizes = [x.shape[1:3] for x in maps]
    assert len(set(sizes)) == len(sizes) >= 2
    assert all(np.ptp(x) > 0 for x in maps)


def test_its_gradient_reaches_every_picture(network):
    images = tf.constant(make_portraits(2).images.astype(np.float32) + 0.4)
    with tf.GradientTape() as tape:
        tape.watch(images)
        _, logits = network(images)
        total = tf.reduce_sum([tf.reduce_sum(x) for x in logits.values()])
    slopes = np.abs(tape.gradient(total, images).numpy())
    assert (slopes.max(axis=(1, 2, 3)) > 0).all()
    # Between two whole numbers it sees a difference, too.
    shifted = network(images + 0.2)[1]
    assert any(np.abs(shifted[n] - logits[n]).max() > 0 for n in logits)


def test_a_backbone_without_maps_is_refused():
    inputs = keras.Input((4,))
    backbone = keras.Model(inputs, keras.layers.Dense(2)(inputs), name="other")
    classifier = types.SimpleNamespace(backbone=backbone, tasks=())
    with pytest.raises(UserError, match="portrait_s. Received: backbone=other"):
        objectives.FeatureNetwork(classifier)


def test_feature_error_by_hand():
    target = [np.array([[[[3.0]]]]), np.array([[[[1.0], [2.0]]]])]
    drawn = [np.array([[[[0.0]]]]), np.array([[[[1.0], [3.0]]]])]
    # 9 / 9, and (0 + 1) / 2 over (1 + 4) / 2.
    found = float(objectives.feature_error(drawn, target))
    assert found == pytest.approx((1 + 0.2) / 2, rel=1e-5)
    assert float(objectives.feature_error(target, target)) == 0.0
