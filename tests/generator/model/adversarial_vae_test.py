import dataclasses

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
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.model import AdversarialVAE
from tp_keras.generator.model import adversarial_vae
from tp_keras.generator.model.adversarial_vae import drop_labels
from tp_keras.generator.model.adversarial_vae import exchange_one
from tp_keras.generator.model.geometry import scale_pixels
from tp_keras.models.optimizers import FusedAdamW
from tp_keras.tasks import MISSING

SETTINGS = VaeModelConfig(
    critic_channels=(8, 8),
    penalty_weight=2.0,
    feature_weight=3.0,
    colour_weight=11.0,
    attribute_weight=5.0,
    edit_weight=7.0,
    attribute_smoothing=0.2,
    beta=0.5,
)
# All values that are told apart by weights of their own.
WEIGHTS = {
    "critic": 1.0,
    "penalty": 2.0,
    "adversarial": 1.0,
    "attribute": 5.0,
    "edited": 7.0,
    "kept": 3.5,
    "feature": 3.0,
    "colour": 11.0,
    "kl": 0.5,
}


def make_model(grown=True, schema=SCHEMA, tasks=(), **settings):
    vae = make_vae(grown=grown, schema=schema)
    settings = dataclasses.replace(SETTINGS, **settings)
    return AdversarialVAE(vae, make_classifier(schema, tasks), settings)


@pytest.fixture(scope="module")
def model():
    return make_model()


def step(model, inputs, training=False):
    """Outputs, loss and the values of a batch."""
    for metric in model.metrics:
        metric.reset_state()
    outputs = model(inputs, training=training)
    loss = model.compute_loss(inputs, None, outputs, None, training)
    values = {name: float(v) for name, v in model.get_metrics_result().items()}
    return outputs, loss, values


def test_each_row_gets_one_label_of_its_neighbour():
    labels = {name: np.arange(60) * 10 + i for i, name in enumerate("abc")}
    seed = keras.random.SeedGenerator(3)
    changed, exchanged = exchange_one(labels, seed)
    masks = {name: np.asarray(values) for name, values in exchanged.items()}
    assert (sum(mask.astype(int) for mask in masks.values()) == 1).all()
    # Each of the labels has its turn.
    assert min(mask.sum() for mask in masks.values()) > 8
    for name, values in labels.items():
        expected = np.where(masks[name], np.roll(values, 1), values)
        np.testing.assert_array_equal(changed[name], expected)


def test_labels_are_left_out_each_on_its_own():
    labels = {name: np.zeros(4000, np.int32) for name in "abc"}
    dropped = drop_labels(labels, 0.15, keras.random.SeedGenerator(0))
    hidden = np.stack([np.asarray(v) == MISSING for v in dropped.values()])
    np.testing.assert_allclose(hidden.mean(axis=1), 0.15, atol=0.02)
    assert hidden.all(axis=0).mean() == pytest.approx(0.15**3, abs=0.004)


def test_labels_are_left_out_in_training_alone(monkeypatch):
    model, inputs = make_model(label_dropout=0.9), make_inputs(8)
    for training, some in ((True, True), (False, False)):
        told = model(inputs, training=training)["labels"]
        missing = [np.asarray(told[n]) != inputs[n] for n in told]
        assert np.any(missing) == some


def test_half_is_new_half_is_edited_and_half_is_drawn_again(model, monkeypatch):
    inputs, asked = make_inputs(8), []

    def draw(latents, labels, training):
        asked.append((np.asarray(latents), labels))
        return latents

    monkeypatch.setattr(model.vae, "draw", draw)
    outputs = model(inputs)
    ((latents, told),) = asked
    assert latents.shape == (12, 4)
    np.testing.assert_array_equal(outputs["drawn"], latents)
    # About their means, by no more than the posterior is wide.
    deviations = np.exp(0.5 * np.asarray(outputs["log_variance"]))
    means = np.asarray(outputs["mean"])
    for part, rows in ((slice(4, 8), slice(4, 8)), (slice(8, 12), slice(4))):
        noise = (latents[part] - means[rows]) / deviations[rows]
        assert np.abs(noise).max() < 5
    for name in SCHEMA.conditions:
        own, exchanged = inputs[name], np.asarray(outputs["exchanged"][name])
        edited = np.where(exchanged, np.roll(own, 1), own)
        expected = np.concatenate([own[:4], edited[4:], own[:4]])
        np.testing.assert_array_equal(told[name], expected)


def test_the_loss_is_the_weighted_sum_of_its_terms(model, monkeypatch):
    inputs = make_inputs(8)
    drawn = scale_pixels(make_portraits(12, seed=5).images)
    same = lambda pictures, changes: pictures  # noqa: E731
    monkeypatch.setattr(adversarial_vae, "change", same)
    monkeypatch.setattr(model.vae, "draw", lambda *args: drawn)
    model.kl_weight.assign(0.25)
    outputs, loss, values = step(model, inputs)
    model.kl_weight.assign(1.0)
    real = scale_pixels(inputs["image"])
    maps, logits = model.network((np.asarray(drawn) + 1) * 127.5)
    true_maps, true_logits = model.network((np.asarray(real) + 1) * 127.5)

    # === Portraits drawn again ===
    errors = [
        np.mean((x[8:] - y[:4]) ** 2) / np.mean(np.square(y[:4]))
        for x, y in zip(maps, true_maps, strict=True)
    ]
    assert values["feature"] == pytest.approx(np.mean(errors), rel=1e-3)
    halved = [
        np.asarray(each).reshape(4, 54, 2, 42, 2, 3).mean(axis=(2, 4))
        for each in (drawn[8:], real[:4])
    ]
    expected = np.mean((halved[0] - halved[1]) ** 2)
    assert values["colour"] == pytest.approx(expected, rel=1e-3)

    # === The cross-entropy of what was asked, and to the other answers ===
    right, edited, kept = [], [], 0.0
    for name in SCHEMA.conditions:
        logs = log_softmax(np.asarray(logits[name])[:8], axis=1)
        own = np.asarray(outputs["told"][name])[:8]
        exchanged = np.asarray(outputs["exchanged"][name])
        for row in np.flatnonzero(own >= 0):
            # A fifth of the label is spread over all classes.
            mixed = 0.8 * logs[row, own[row]] + 0.2 * logs[row].mean()
            if row < 4:
                right.append(-mixed)
            elif exchanged[row]:
                edited.append(-mixed)
        before = softmax(np.asarray(true_logits[name]), axis=1)
        terms = -(before * logs).sum(axis=1)[4:]
        stays = ~exchanged[4:]
        kept += terms[stays].mean() if stays.any() else 0.0
    assert values["attribute"] == pytest.approx(np.mean(right), rel=1e-3)
    assert values["edited"] == pytest.approx(np.mean(edited), rel=1e-3)
    assert values["kept"] == pytest.approx(kept, rel=1e-3)

    # === The critics ===
    def scores(pictures, maps, labels):
        named = {f"map_{i}": each for i, each in enumerate(maps)}
        seen = {n: named[n] for n in list(named)[: model.seen_maps]}
        return (
            model.critic({"picture": pictures, **labels}),
            model.map_critic({**seen, **labels}),
        )

    made = {n: each[:8] for n, each in outputs["told"].items()}
    true_scores = scores(real, true_maps, outputs["labels"])
    made_scores = scores(drawn[:8], [each[:8] for each in maps], made)

    def mean(critics, function):
        return np.mean(
            [
                np.mean([function(np.asarray(s)).mean() for s in c])
                for c in critics
            ]
        )

    true, false = mean(true_scores, lambda x: x), mean(made_scores, lambda x: x)
    assert values["adversarial"] == pytest.approx(-false, abs=1e-4)
    assert values["advantage"] == pytest.approx(true - false, abs=1e-4)
    hinge = mean(true_scores, lambda x: np.maximum(1 - x, 0))
    hinge += mean(made_scores, lambda x: np.maximum(1 + x, 0))
    assert values["critic"] == pytest.approx(hinge, rel=1e-3)
    assert 0 < values["penalty"] < 1

    means, logs = (np.asarray(outputs[n]) for n in ("mean", "log_variance"))
    kl = 0.5 * (means**2 + np.exp(logs) - logs - 1).sum(axis=1).mean()
    assert values["kl"] == pytest.approx(kl, rel=1e-4)
    weights = {**WEIGHTS, "kl": 0.25 * WEIGHTS["kl"]}
    total = sum(weight * values[name] for name, weight in weights.items())
    assert float(loss) == pytest.approx(total, rel=1e-4)


def test_critics_and_decoder_learn_by_their_own_terms_alone(monkeypatch):
    inputs = {n: tf.constant(v) for n, v in make_inputs(8).items()}

    def slopes(**weights):
        model = make_model(**weights)
        with tf.GradientTape() as tape:
            outputs = model(inputs)
            loss = model.compute_loss(inputs, None, outputs)
        parts = model.critic_variables, model.vae.trainable_variables
        found = tape.gradient(loss, [[v.value for v in p] for p in parts])
        return [
            [0.0 if g is None else float(tf.norm(g)) for g in part]
            for part in found
        ]

    off = dict.fromkeys(
        (
            *("feature_weight", "colour_weight", "attribute_weight"),
            *("edit_weight", "beta"),
        ),
        0.0,
    )
    critics, own = slopes(penalty_weight=0.0, **off)
    assert max(critics) > 1e-4 and max(own) > 1e-4
    # Without the critics' loss they don't move, without the decoder's it
    # doesn't.
    zero = lambda *args: 0.0  # noqa: E731
    with monkeypatch.context() as patch:
        patch.setattr(adversarial_vae.losses, "critic_hinge", zero)
        critics, own = slopes(penalty_weight=0.0, **off)
        assert max(critics) == 0.0 and max(own) > 1e-4
    with monkeypatch.context() as patch:
        patch.setattr(adversarial_vae.losses, "mean_score", zero)
        critics, own = slopes(penalty_weight=1.0, **off)
        assert max(critics) > 1e-4 and max(own) == 0.0


def test_it_looks_at_the_conditions_that_the_classifier_answers():
    inputs = make_inputs(4, schema=EVERY_KIND)

    def look(*tasks):
        *_, values = step(make_model(schema=EVERY_KIND, tasks=tasks), inputs)
        assert np.isfinite(list(values.values())).all()
        return values["attribute"]

    # Neither a number nor flags are drawn; two classes are.
    assert look("age", "signs") == 0.0
    assert look("age", "signs", "smile") > 0.1


@pytest.mark.large
@pytest.mark.parametrize("grown", [False, True])
def test_training_looks_through_a_classifier_that_stays(grown, tmp_path):
    model = make_model(grown, EVERY_KIND, beta=0.01)
    classifier = model.network._classifier
    before = classifier.get_weights()
    model.compile(FusedAdamW(3e-3, weight_decay=0.0, beta_1=0.0))
    inputs = make_inputs(9, schema=EVERY_KIND)
    # The validation has a batch of eight and one of a single portrait.
    options = {"validation_batch_size": 8, "batch_size": 9, "verbose": 0}
    history = model.fit(
        inputs, validation_data=(inputs,), epochs=8, **options
    ).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert history["colour"][-1] < history["colour"][0]
    assert "val_critic" in history
    for a, b in zip(before, classifier.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # The file holds the generator alone.
    model.vae.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    for a, b in zip(model.vae.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(a, b)
