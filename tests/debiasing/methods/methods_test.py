"""Each method on a case whose answer is known."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tp_keras.config import DebiasConfig
from tp_keras.debiasing.methods import METHODS
from tp_keras.debiasing.methods.conditional_mmd import conditional_mmd
from tp_keras.tasks import HAIR_TYPE

COUNTS = np.array([[30, 10], [20, 60], [0, 15]])
LABELS = np.array([0, 0, 1, 1, 2, 0])
GENDERS = np.array([0, 1, 0, 1, 1, 0])
# The last row has no label, the fourth no gender.
WEIGHTS = (
    np.array([1, 1, 1, 1, 1, 0], "float32"),
    np.array([1, 1, 1, 0, 1, 1], "float32"),
)
PART = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
LOGITS = np.random.default_rng(1).normal(size=(6, 3)).astype("float32")


def make_method(name, counts=COUNTS, **settings):
    keras.utils.set_random_seed(0)
    settings = DebiasConfig(debias=name, **settings)
    method = METHODS[name](HAIR_TYPE, counts, settings)
    method.build((None, PART.shape[1]))
    return method


def loss_of(method, progress=1.0, training=True, **changes):
    arguments = {
        "part": tf.constant(PART),
        "logits": tf.constant(LOGITS),
        "labels": LABELS,
        "genders": GENDERS,
        "weights": WEIGHTS,
        **changes,
    }
    return float(method.loss(**arguments, progress=progress, training=training))


def row_losses(logits=LOGITS):
    shifted = logits - logits.max(1, keepdims=True)
    log = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return -log[np.arange(len(LABELS)), LABELS]


def test_none_is_the_mean_over_labelled_rows():
    assert loss_of(make_method("none")) == pytest.approx(
        row_losses()[:5].mean(), rel=1e-5
    )


def test_reweigh_weighs_by_the_formula_and_unknown_gender_by_one():
    # n(y) / (2 n(y, g)); a class of one gender keeps its rows as they are.
    weights = np.array([40 / 60, 40 / 20, 80 / 40, 1.0, 1.0])
    expected = (weights * row_losses()[:5]).sum() / weights.sum()
    assert loss_of(make_method("reweigh")) == pytest.approx(expected, rel=1e-5)


def test_group_dro_moves_weight_to_the_worst_group():
    method = make_method("group_dro", group_step=0.5)
    before = np.array(method.group_weights).reshape(3, 2)
    np.testing.assert_allclose(before, np.where(COUNTS > 0, 0.2, 0.0))
    losses = row_losses()
    value = loss_of(method)
    # Groups of one row each: (0,0), (0,1), (1,0), (2,1); (1,1) is not there.
    grown = before.copy()
    for row in (0, 1, 2, 4):
        grown[LABELS[row], GENDERS[row]] *= np.exp(0.5 * losses[row])
    grown /= grown.sum()
    after = np.array(method.group_weights).reshape(3, 2)
    np.testing.assert_allclose(after, grown, rtol=1e-5)
    shares = np.array([grown[LABELS[r], GENDERS[r]] for r in (0, 1, 2, 4)])
    assert value == pytest.approx(
        (shares * losses[[0, 1, 2, 4]]).sum() / shares.sum(), rel=1e-5
    )
    loss_of(method, training=False)
    np.testing.assert_array_equal(
        np.array(method.group_weights).reshape(3, 2), after
    )


def test_group_dro_survives_a_batch_without_a_label():
    method = make_method("group_dro")
    none = np.zeros(6, "float32")
    before = np.array(method.group_weights)
    assert loss_of(method, weights=(none, WEIGHTS[1])) == 0.0
    np.testing.assert_allclose(method.group_weights, before, rtol=1e-6)


@pytest.mark.parametrize("name", ["grl", "conditional_grl"])
def test_the_reversed_gradient_is_minus_strength_times_the_adversaries(name):
    method = make_method(name, strength=2.0, adversaries=2)
    gradients = {}
    for progress in (0.0, 1.0):
        part = tf.Variable(PART)
        with tf.GradientTape() as tape:
            loss = method.loss(
                part, LOGITS, LABELS, GENDERS, WEIGHTS, progress, True
            )
        gradients[progress] = tape.gradient(loss, part)
    part = tf.Variable(PART)
    with tf.GradientTape() as tape:
        loss = method.adversary_loss(part, LABELS, GENDERS, WEIGHTS)
    straight = tape.gradient(loss, part)
    assert gradients[0.0] is None or not np.any(gradients[0.0])
    # The ramp ends 1e-4 below the strength.
    np.testing.assert_allclose(
        gradients[1.0], -2.0 * straight, rtol=2e-4, atol=1e-7
    )


def test_the_adversary_of_grl_sees_rows_without_a_label():
    method = make_method("grl")
    part = tf.Variable(PART)
    with tf.GradientTape() as tape:
        loss = method.adversary_loss(part, LABELS, GENDERS, WEIGHTS)
    moved = np.abs(tape.gradient(loss, part)).sum(1) > 0
    assert moved.tolist() == [True, True, True, False, True, True]


def test_the_conditional_adversary_sees_labelled_rows_of_both_genders():
    method = make_method("conditional_grl")
    part = tf.Variable(PART)
    with tf.GradientTape() as tape:
        loss = method.adversary_loss(part, LABELS, GENDERS, WEIGHTS)
    moved = np.abs(tape.gradient(loss, part)).sum(1) > 0
    # Class 2 has men alone; row 3 has no gender and row 5 no label.
    assert moved.tolist() == [True, True, True, False, False, False]
    found = method.adversary_weights(LABELS, GENDERS, WEIGHTS)
    # 120 rows of supported classes, 4 groups: 30 / n(y, g).
    np.testing.assert_allclose(
        found, [30 / 30, 30 / 10, 30 / 20, 0, 0, 0], rtol=1e-6
    )


def test_the_conditional_adversary_is_told_the_class():
    method = make_method("conditional_grl")
    found = np.array(method.adversary_input(tf.constant(PART), LABELS))
    np.testing.assert_array_equal(found[:, :4], PART)
    np.testing.assert_array_equal(found[:, 4:], np.eye(3)[LABELS])


@pytest.mark.parametrize("name", ["grl", "conditional_grl", "conditional_mmd"])
def test_a_batch_without_a_label_gives_no_nan(name):
    none = np.zeros(6, "float32")
    assert loss_of(make_method(name), weights=(none, none)) == 0.0


def test_an_adversary_alone_reads_what_is_there():
    """It must win against itself first: without reversal it separates."""
    method = make_method("grl", strength=0.0)
    rng = np.random.default_rng(0)
    genders = rng.integers(0, 2, 256)
    part = rng.normal(size=(256, 4)).astype("float32")
    part[:, 0] += 6.0 * genders
    ones = np.ones(256, "float32")
    optimizer = keras.optimizers.Adam(1e-2)
    for _ in range(30):
        with tf.GradientTape() as tape:
            loss = method.adversary_loss(part, genders, genders, (ones, ones))
        variables = [v.value for v in method.adversary_variables]
        optimizer.apply(tape.gradient(loss, variables), variables)
    assert float(loss) < 0.1


def test_mmd_is_zero_for_equal_groups_and_grows_with_their_distance():
    rng = np.random.default_rng(0)
    women = rng.normal(size=(20, 3)).astype("float32")
    genders = np.repeat([0, 1], 20)
    labels = np.tile(np.repeat([0, 1], 10), 2)
    known = np.ones(40, bool)

    def value(men):
        features = np.concatenate([women, men])
        return float(conditional_mmd(features, labels, genders, known, 3))

    assert value(women) == pytest.approx(0.0, abs=1e-6)
    assert 0.01 < value(women + 0.5) < value(women + 2.0)
    # Other classes than one's own don't matter.
    swapped = np.concatenate([women[10:], women[:10]])
    assert value(swapped) > 0.01


def test_mmd_against_loops():
    rng = np.random.default_rng(1)
    features = rng.normal(size=(12, 3)).astype("float32")
    labels = rng.integers(0, 2, 12)
    genders = np.tile([0, 1], 6)
    distances = ((features[:, None] - features[None]) ** 2).sum(-1)
    median = np.median(distances)

    def kernel(a, b):
        return np.mean(
            [
                np.exp(-distances[a][:, b] / (width * median + 1e-6)).mean()
                for width in (0.25, 1.0, 4.0)
            ]
        )

    values = []
    for label in (0, 1):
        a = (labels == label) & (genders == 0)
        b = (labels == label) & (genders == 1)
        if min(a.sum(), b.sum()) >= 2:
            values.append(kernel(a, a) + kernel(b, b) - 2 * kernel(a, b))
    assert values
    found = conditional_mmd(features, labels, genders, np.ones(12, bool), 2)
    assert float(found) == pytest.approx(np.mean(values), rel=1e-4)


def test_domain_independent_heads_are_the_mean_plus_and_minus():
    method = make_method("domain_independent")
    # It begins as one head.
    assert loss_of(method) == pytest.approx(loss_of(make_method("none")))
    rng = np.random.default_rng(2)
    kernel = rng.normal(size=(4, 3)).astype("float32")
    method.difference.set_weights([kernel, np.zeros(3, "float32")])
    sign = np.array([1, -1, 1, 0, -1, 1])[:, None]
    losses = row_losses(LOGITS + sign * (PART @ kernel))
    assert loss_of(method) == pytest.approx(losses[:5].mean(), rel=1e-5)
    # Validated is the mean, which is what the classifier keeps.
    assert loss_of(method, training=False) == pytest.approx(
        row_losses()[:5].mean(), rel=1e-5
    )
