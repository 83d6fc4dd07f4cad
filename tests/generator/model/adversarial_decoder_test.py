import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy import stats
from scipy.special import log_softmax

from tests.generator.model.networks import make_classifier
from tests.generator.model.networks import make_inputs
from tests.generator.model.networks import make_vae
from tests.generator.model.networks import randomize
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.generator.config import VaeModelConfig
from tp_keras.generator.model import AdversarialDecoder
from tp_keras.generator.model import adversarial_decoder
from tp_keras.generator.model.adversarial_decoder import drop_labels
from tp_keras.generator.model.critic import CRITIC_OUTER
from tp_keras.generator.model.geometry import as_pixels
from tp_keras.generator.model.geometry import scale_pixels
from tp_keras.generator.model.networks import DECODER_OUTER
from tp_keras.models.optimizers import FusedAdamW
from tp_keras.tasks import MISSING

SETTINGS = VaeModelConfig(
    critic_channels=(8, 8),
    penalty_weight=200.0,
    attribute_weight=5.0,
    attribute_smoothing=0.2,
)
# All values that are told apart by weights of their own.
WEIGHTS = {
    "critic": 1.0,
    "penalty": 200.0,
    "adversarial": 1.0,
    "attribute": 5.0,
}

each_size = pytest.mark.parametrize(
    "grown", [False, True], ids=["half", "full"]
)


def make_model(grown=True, schema=SCHEMA, tasks=(), **settings):
    vae = make_vae(grown=grown, schema=schema)
    settings = dataclasses.replace(SETTINGS, **settings)
    return AdversarialDecoder(vae, make_classifier(schema, tasks), settings)


def step(model, inputs, training=False):
    """Outputs, loss and the values of a batch."""
    for metric in model.metrics:
        metric.reset_state()
    outputs = model(inputs, training=training)
    loss = model.compute_loss(inputs, None, outputs, None, training)
    values = {name: float(v) for name, v in model.get_metrics_result().items()}
    return outputs, loss, values


def test_labels_are_left_out_each_on_its_own():
    labels = {name: np.zeros(4000, np.int32) for name in "abc"}
    dropped = drop_labels(labels, 0.15, keras.random.SeedGenerator(0))
    hidden = np.stack([np.asarray(v) == MISSING for v in dropped.values()])
    np.testing.assert_allclose(hidden.mean(axis=1), 0.15, atol=0.02)
    assert hidden.all(axis=0).mean() == pytest.approx(0.15**3, abs=0.004)


def test_labels_are_left_out_in_training_alone():
    model, inputs = make_model(label_dropout=0.9), make_inputs(8)
    for training, some in ((True, True), (False, False)):
        told = model(inputs, training=training)["labels"]
        missing = [np.asarray(told[n]) != inputs[n] for n in told]
        assert np.any(missing) == some


@pytest.mark.parametrize("training", [False, True])
def test_all_are_new_and_have_the_labels_of_the_batch(training, monkeypatch):
    model, asked = make_model(label_dropout=0.4), []

    def draw(latents, labels, training):
        asked.append((np.asarray(latents), labels, training))
        return latents

    monkeypatch.setattr(model.vae, "draw", draw)
    inputs = {name: np.arange(2000) for name in SCHEMA.conditions}
    # What is seen in them has no part in it.
    images = np.zeros((2000, 1, 1, 3), np.uint8)
    outputs = model({"image": images, **inputs}, training=training)
    ((latents, told, was_trained),) = asked
    assert was_trained == training
    assert set(outputs) == {"drawn", "labels"}
    np.testing.assert_array_equal(outputs["drawn"], latents)
    assert latents.shape == (2000, 4)
    assert stats.kstest(latents.ravel(), "norm").pvalue > 0.05
    for name, values in told.items():
        left = np.asarray(values)
        np.testing.assert_array_equal(outputs["labels"][name], left)
        known = left != MISSING
        assert known.mean() == pytest.approx(0.6 if training else 1, abs=0.05)
        np.testing.assert_array_equal(left[known], inputs[name][known])


@each_size
def test_the_loss_is_the_weighted_sum_of_its_terms(grown, monkeypatch):
    model, inputs = make_model(grown), make_inputs(8)
    # Of a fresh critic the slope is next to nothing.
    randomize(model.critic_variables, scale=0.2)
    same = lambda pictures, changes: pictures  # noqa: E731
    monkeypatch.setattr(adversarial_decoder, "change", same)
    # So that nothing but the disturbance is drawn.
    monkeypatch.setattr(adversarial_decoder, "draw_changes", lambda *args: None)

    def of_size(images):
        if not grown:
            images = images.reshape(8, 54, 2, 42, 2, 3).mean(axis=(2, 4))
        return scale_pixels(images)

    real = of_size(inputs["image"].astype(np.float32))
    drawn = of_size(make_portraits(8, seed=5).images.astype(np.float32))
    told = {name: tf.constant(inputs[name]) for name in SCHEMA.conditions}
    outputs = {"drawn": drawn, "labels": told}
    model.seed_generator.state.assign([7, 0])
    loss = model.compute_loss(inputs, None, outputs)
    values = {name: float(v) for name, v in model.get_metrics_result().items()}
    maps, logits = model.network(as_pixels(drawn, not grown))
    true_maps, _ = model.network(as_pixels(real, not grown))

    # === The cross-entropy of what was asked ===
    right = []
    for name in SCHEMA.conditions:
        logs = log_softmax(np.asarray(logits[name]), axis=1)
        for row, label in enumerate(inputs[name]):
            # A fifth of the label is spread over all classes.
            mixed = 0.8 * logs[row, label] + 0.2 * logs[row].mean()
            right += [-mixed] if label >= 0 else []
    assert values["attribute"] == pytest.approx(np.mean(right), rel=1e-3)

    # === The critics ===
    critic = model.critic if grown else model.half_critic

    def scores(pictures, maps):
        named = {f"map_{i}": each for i, each in enumerate(maps)}
        seen = {n: named[n] for n in list(named)[: model.seen_maps]}
        return (
            critic({"picture": pictures, **told}),
            model.map_critic({**seen, **told}),
        )

    def mean(critics, function):
        return np.mean(
            [
                np.mean([function(np.asarray(s)).mean() for s in c])
                for c in critics
            ]
        )

    true_scores, made_scores = scores(real, true_maps), scores(drawn, maps)
    true, false = mean(true_scores, lambda x: x), mean(made_scores, lambda x: x)
    assert values["adversarial"] == pytest.approx(-false, abs=1e-4)
    assert values["advantage"] == pytest.approx(true - false, abs=1e-4)
    hinge = mean(true_scores, lambda x: np.maximum(1 - x, 0))
    hinge += mean(made_scores, lambda x: np.maximum(1 + x, 0))
    assert values["critic"] == pytest.approx(hinge, rel=1e-3)
    # A fourth of the real ones, disturbed by as much.
    seed = keras.random.SeedGenerator(0)
    seed.state.assign([7, 0])
    noise = keras.random.normal(real[:2].shape, stddev=0.03, seed=seed)
    disturbed = critic(
        {
            "picture": real[:2] + noise,
            **{name: told[name][:2] for name in told},
        }
    )
    penalty = sum(
        np.mean(np.square(one[:2] - other))
        for one, other in zip(true_scores[0], disturbed, strict=True)
    )
    assert values["penalty"] == pytest.approx(penalty, rel=1e-2)

    # === How far they are from their mean, at half of the size ===
    rows, columns = real.shape[1] // 2, real.shape[2] // 2
    spread, true_spread = (
        np.reshape(each, (8, rows, 2, columns, 2, 3))
        .mean(axis=(2, 4))
        .std(axis=0)
        .mean()
        for each in (drawn, real)
    )
    assert values["variety"] == pytest.approx(spread / true_spread, rel=1e-3)
    terms = [weight * values[name] for name, weight in WEIGHTS.items()]
    total = sum(terms)
    # None is too small to be missed.
    assert min(np.abs(terms)) > 1e-3 * abs(total)
    assert float(loss) == pytest.approx(total, rel=1e-4)
    assert float(loss) == pytest.approx(values["loss"], rel=1e-6)


def test_critics_and_decoder_learn_by_their_own_terms_alone(monkeypatch):
    inputs = {n: tf.constant(v) for n, v in make_inputs(8).items()}

    def slopes(penalty_weight=0.0, attribute_weight=0.0):
        model = make_model(
            penalty_weight=penalty_weight, attribute_weight=attribute_weight
        )
        with tf.GradientTape() as tape:
            outputs = model(inputs)
            loss = model.compute_loss(inputs, None, outputs)
        parts = model.critic_variables, model.vae.trainable_variables
        found = tape.gradient(loss, [[v.value for v in p] for p in parts])
        return [
            [0.0 if g is None else float(tf.norm(g)) for g in part]
            for part in found
        ]

    critics, own = slopes()
    assert max(critics) > 1e-4 and max(own) > 1e-4
    # Without the critics' loss they don't move, without the decoder's it
    # doesn't.
    zero = lambda *args: 0.0  # noqa: E731
    with monkeypatch.context() as patch:
        patch.setattr(adversarial_decoder.losses, "critic_hinge", zero)
        critics, own = slopes()
        assert max(critics) == 0.0 and max(own) > 1e-4
    with monkeypatch.context() as patch:
        patch.setattr(adversarial_decoder.losses, "mean_score", zero)
        critics, own = slopes(penalty_weight=1.0)
        assert max(critics) > 1e-4 and max(own) == 0.0
        patch.setattr(adversarial_decoder.losses, "critic_hinge", zero)
        critics, own = slopes(attribute_weight=1.0)
        assert max(critics) == 0.0 and max(own) > 1e-4


@each_size
def test_decoder_and_critics_learn_what_this_size_has(grown):
    # From the other size, as a training comes to it.
    model = make_model(not grown)
    model.set_stage(grown)

    def learned(part, outer):
        return {
            (layer.name in outer)
            for layer in part.layers
            for variable in layer.variables
            if any(variable is each for each in model.trainable_variables)
        }

    expected = {False, True} if grown else {False}
    assert learned(model.vae.decoder, DECODER_OUTER) == expected
    assert learned(model.critic, CRITIC_OUTER) == expected
    assert learned(model.map_critic, ()) == {False}
    assert learned(model.vae.encoder, ()) == set()
    assert model.vae.grown == grown


def test_it_looks_at_the_conditions_that_the_classifier_answers():
    inputs = make_inputs(4, schema=EVERY_KIND)

    def look(*tasks):
        *_, values = step(make_model(schema=EVERY_KIND, tasks=tasks), inputs)
        assert np.isfinite(list(values.values())).all()
        return values["attribute"]

    # Neither a number nor flags are drawn; two classes are.
    assert look("age", "signs") == 0.0
    assert look("age", "signs", "smile") > 0.1


def values_of(variables):
    return [np.array(variable) for variable in variables]


@pytest.mark.large
@each_size
def test_training_looks_through_a_classifier_that_stays(grown, tmp_path):
    model = make_model(grown, EVERY_KIND, penalty_weight=2.0)
    staying = model.network._classifier.weights + model.vae.encoder.weights
    before = values_of(staying)
    first_kernel = model.vae.decoder.get_layer("inner").kernel
    kernel = np.array(first_kernel)
    norm = model.vae.decoder.get_layer("half_first").norm
    statistics = values_of(norm.non_trainable_variables)
    model.compile(FusedAdamW(3e-3, weight_decay=0.0, beta_1=0.0))
    inputs = make_inputs(9, schema=EVERY_KIND)
    # The validation has a batch of eight and one of a single portrait.
    options = {"validation_batch_size": 8, "batch_size": 9, "verbose": 0}
    history = model.fit(
        inputs, validation_data=(inputs,), epochs=8, **options
    ).history
    assert all(np.isfinite(values).all() for values in history.values())
    assert history["critic"][-1] < history["critic"][0]
    assert "val_critic" in history
    assert np.abs(first_kernel - kernel).max() > 1e-3
    for a, b in zip(before, values_of(staying), strict=True):
        np.testing.assert_array_equal(a, b)
    # What is drawn with follows what was trained on.
    for a, b in zip(
        statistics, values_of(norm.non_trainable_variables), strict=True
    ):
        assert np.abs(a - b).max() > 1e-3
    # The file holds the generator alone.
    model.vae.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    for a, b in zip(model.vae.weights, loaded.weights, strict=True):
        np.testing.assert_array_equal(a, b)
