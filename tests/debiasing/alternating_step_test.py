"""Adversaries that are ahead, by a second road and on a case one can solve."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from sklearn.linear_model import LogisticRegression

from tests.portrait_factory import HAIR_TYPE
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.debias_config import DebiasConfig
from tp_keras.debiasing.alternating_step import alternating_step
from tp_keras.debiasing.debiased_classifier import DebiasedClassifier
from tp_keras.models.guarded_branch import GuardedBranch
from tp_keras.models.optimizers import FusedAdamW
from tp_keras.tasks import PROTECTED

CLASSES = HAIR_TYPE.num_classes
NAME = HAIR_TYPE.name
# As many women as men of each class, so that no method weighs a task's rows.
LABELS = np.tile(np.arange(CLASSES), 40).astype("int32")
GENDERS = np.repeat([0, 1], 20 * CLASSES).astype("int32")
LEARNING_RATE = 0.1


def make_model(
    debias, size=4, labels=LABELS, genders=GENDERS, steps=0, **settings
):
    keras.utils.set_random_seed(0)
    branch = GuardedBranch((1, 1, 6), [HAIR_TYPE], size, 0.0)
    train = make_portraits(1).take(np.zeros(len(labels), int))
    train.labels.update({NAME: labels, SCHEMA.protected: genders})
    return DebiasedClassifier(
        branch,
        train,
        DebiasConfig(debias=debias, **{"adversary_units": (8,), **settings}),
        steps,
    )


def make_batch(labels=LABELS, genders=GENDERS, seed=0):
    """Features without a pattern; the first row has no label of hair."""
    features = np.random.default_rng(seed).normal(size=(len(labels), 1, 1, 6))
    weights = np.ones(len(labels), "float32")
    weights[0] = 0.0
    return (
        tf.constant(features.astype("float32")),
        {NAME: labels, PROTECTED: genders},
        {NAME: weights, PROTECTED: np.ones(len(labels), "float32")},
    )


def values_of(variables):
    return [np.array(variable) for variable in variables]


def adversary_loss_by_formulas(part, weights, labels, genders, known):
    """Dense, ReLU, dense; the mean over the rows of hair labels."""
    kernel, bias, last_kernel, last_bias = weights
    x = tf.concat([part, tf.one_hot(labels, CLASSES)], axis=1)
    logits = tf.nn.relu(x @ kernel + bias) @ last_kernel + last_bias
    rows = tf.nn.sparse_softmax_cross_entropy_with_logits(genders, logits)
    # All groups are of one size: a known row weighs 1.
    return tf.reduce_sum(known * rows) / tf.reduce_sum(known)


def test_one_step_against_a_second_road():
    model = make_model("conditional_grl", strength=0.7, adversary_steps=3)
    model.compile(keras.optimizers.SGD(LEARNING_RATE))
    twin = make_model("conditional_grl").classifier
    twin.set_weights(model.classifier.get_weights())
    adversary = values_of(model.adversary_variables)
    batch = make_batch()
    x, known = batch[0], batch[2][NAME]
    alternating_step(model, batch)

    # One forward pass, and Adam three times on what it gave.
    outputs = keras.Model(
        twin.input, [twin.output[NAME], twin.embedding_parts[NAME]]
    )
    with tf.GradientTape() as tape:
        logits, part = outputs(x, training=True)
        with tape.stop_recording():
            adversary = adapted(adversary, part, known)
        rows = tf.nn.sparse_softmax_cross_entropy_with_logits(LABELS, logits)
        loss = tf.reduce_sum(known * rows) / tf.reduce_sum(known)
        # The ramp ends a little below the strength.
        strength = 0.7 * float(np.tanh(5))
        loss -= strength * adversary_loss_by_formulas(
            part, adversary, LABELS, GENDERS, known
        )
    gradients = tape.gradient(loss, [v.value for v in twin.trainable_variables])
    for variable, gradient in zip(
        twin.trainable_variables, gradients, strict=True
    ):
        variable.assign(variable - LEARNING_RATE * gradient)

    for found, expected in zip(
        model.adversary_variables, adversary, strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-6)
    for found, expected in zip(
        model.classifier.weights, twin.weights, strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert int(model.adversary_optimizer.iterations) == 3
    assert int(model.optimizer.iterations) == 1


def adapted(weights, part, known):
    """Returns the weights after three steps of Adam."""
    variables = [keras.Variable(values) for values in weights]
    optimizer = keras.optimizers.Adam(2e-3, beta_1=0.5)
    for _ in range(3):
        with tf.GradientTape() as tape:
            values = [variable.value for variable in variables]
            loss = adversary_loss_by_formulas(
                part, values, LABELS, GENDERS, known
            )
        optimizer.apply(tape.gradient(loss, values), variables)
    return values_of(variables)


@pytest.mark.parametrize("debias", ["none", "conditional_grl"])
def test_a_negative_label_is_a_row_of_weight_zero(debias):
    x, labels, weights = make_batch()
    negative = np.where(weights[NAME] > 0, LABELS, -1)
    found = []
    for batch in ((x, labels, weights), (x, {**labels, NAME: negative})):
        model = make_model(debias)
        model.compile(keras.optimizers.SGD(LEARNING_RATE))
        logs = model.train_step(batch)
        found.append(
            [*model.get_weights(), logs[f"{NAME}_accuracy"], logs["loss"]]
        )
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_without_strength_the_classifier_learns_as_without_adversaries():
    """Statistics of the batches included: they move once in a step."""
    plain = make_model("none")
    debiased = make_model("conditional_grl", strength=0.0, adversary_steps=4)
    for model in (plain, debiased):
        model.compile_for_training(FusedAdamW(1e-2, weight_decay=0.1))
        model.classifier.set_weights(plain.classifier.get_weights())
    start = plain.classifier.get_weights()
    for seed in range(3):
        plain.train_step(make_batch(seed=seed))
        debiased.train_step(make_batch(seed=seed))
    moved = False
    for before, a, b in zip(
        start,
        plain.classifier.get_weights(),
        debiased.classifier.get_weights(),
        strict=True,
    ):
        np.testing.assert_allclose(a, b, atol=1e-6)
        moved |= np.abs(a - before).max() > 1e-2
    assert moved
    assert int(debiased.adversary_optimizer.iterations) == 12
    assert int(debiased.optimizer.iterations) == int(debiased.steps) == 3


def test_a_backup_holds_the_state_of_both_optimizers(tmp_path):
    first, second = (make_model("conditional_grl") for _ in range(2))
    for model in (first, second):
        model.compile_for_training(FusedAdamW(1e-2))
    first.train_step(make_batch(seed=0))
    first.save_weights(tmp_path / "x.weights.h5")
    second.load_weights(tmp_path / "x.weights.h5")
    for model in (first, second):
        model.train_step(make_batch(seed=1))
    state = [
        [*model.weights, *model.optimizer.variables]
        + model.adversary_optimizer.variables
        for model in (first, second)
    ]
    for a, b in zip(*state, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-7)
    assert int(second.adversary_optimizer.iterations) == 10


def separable_case(count, seed):
    """One direction tells the class, another the gender; here most of the
    first class are men, and most of the second women."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count).astype("int32")
    genders = np.where(rng.random(count) < 0.8, 1 - labels, labels)
    features = rng.normal(0, 0.2, size=(count, 1, 1, 6)).astype("float32")
    features[:, 0, 0, 0] = 2 * labels - 1 + rng.normal(0, 0.4, count)
    features[:, 0, 0, 1] += 2 * genders - 1
    return features, labels, genders.astype("int32")


def test_gender_beside_the_class_is_unlearned_and_the_class_is_not():
    features, labels, genders = separable_case(2000, 0)
    others, other_labels, other_genders = separable_case(2000, 1)
    probe, accuracy = {}, {}
    for debias in ("none", "conditional_grl"):
        model = make_model(
            debias,
            size=16,
            labels=labels,
            genders=genders,
            strength=1.0,
            adversary_units=(16,),
            adversary_learning_rate=1e-2,
            # Half of these: the strength grows over 60.
            steps=120,
        )
        model.compile_for_training(FusedAdamW(1e-2))
        ones = np.ones(len(labels), "float32")
        model.fit(
            features,
            {NAME: labels, PROTECTED: genders},
            sample_weight={NAME: ones, PROTECTED: ones},
            batch_size=100,
            epochs=12,
            verbose=0,
        )
        seen = model(features, training=False)[f"{NAME}_part"].numpy()
        found = model(others, training=False)
        hits = found[NAME].numpy().argmax(1) == other_labels
        accuracy[debias] = hits.mean()
        probe[debias] = conditional_probe(
            (seen, labels, genders),
            (found[f"{NAME}_part"].numpy(), other_labels, other_genders),
        )
    assert probe["none"] > 0.97
    assert probe["conditional_grl"] < 0.62
    assert accuracy["none"] > 0.98
    assert accuracy["conditional_grl"] > 0.98


def conditional_probe(train, test):
    """How well gender is read inside a class, both genders weighing alike."""
    scores = []
    for label in (0, 1):
        (x, genders), (other_x, other_genders) = (
            (features[labels == label], groups[labels == label])
            for features, labels, groups in (train, test)
        )
        reader = LogisticRegression(class_weight="balanced").fit(x, genders)
        hits = reader.predict(other_x) == other_genders
        scores += [hits[other_genders == gender].mean() for gender in (0, 1)]
    return np.mean(scores)
