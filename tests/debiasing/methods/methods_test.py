"""Each method on a case whose answer is known."""

import itertools

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.portrait_factory import AGE
from tests.portrait_factory import HAIR_TYPE
from tests.portrait_factory import SMILE
from tp_keras.debias_config import DebiasConfig
from tp_keras.debiasing.methods import METHODS
from tp_keras.debiasing.methods.conditional_mmd import conditional_mmd

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


def make_method(name, counts=COUNTS, task=HAIR_TYPE, **settings):
    keras.utils.set_random_seed(0)
    settings = DebiasConfig(debias=name, **settings)
    method = METHODS[name](task, counts, settings)
    method.build((None, PART.shape[1]))
    return method


def loss_of(method, progress=1.0, training=True, **changes):
    arguments = {
        "part": tf.constant(PART),
        "scores": tf.constant(LOGITS),
        "labels": LABELS,
        "groups": GENDERS,
        "weights": WEIGHTS,
        **changes,
    }
    return float(method.loss(**arguments, progress=progress, training=training))


def row_losses(logits=LOGITS):
    shifted = logits - logits.max(1, keepdims=True)
    log = shifted - np.log(np.exp(shifted).sum(1, keepdims=True))
    return -log[np.arange(len(LABELS)), LABELS]


def test_none_is_the_mean_over_labelled_rows_and_reweigh_by_the_formula():
    expected = row_losses()[:5].mean()
    assert loss_of(make_method("none")) == pytest.approx(expected, rel=1e-5)
    # n(y) / (2 n(y, g)); a class of one gender keeps its rows as they are, and
    # an unknown one weighs 1.
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


@pytest.mark.parametrize("name", ["grl", "conditional_grl"])
def test_the_reversed_gradient_is_minus_strength_times_the_adversaries(name):
    method = make_method(name, strength=2.0, adversaries=2)
    part = tf.Variable(PART)
    arguments = LABELS, GENDERS, WEIGHTS
    with tf.GradientTape(persistent=True) as tape:
        before, after = (
            method.loss(part, LOGITS, *arguments, progress, True)
            for progress in (0.0, 1.0)
        )
        straight = method.adversary_loss(part, *arguments)
    # The value is that of no reversal.
    np.testing.assert_allclose(before, after, rtol=1e-5)
    assert not np.any(tape.gradient(before, part))
    # The ramp ends 1e-4 below the strength.
    np.testing.assert_allclose(
        tape.gradient(after, part),
        -2.0 * tape.gradient(straight, part),
        rtol=2e-4,
        atol=1e-7,
    )


@pytest.mark.parametrize(
    "name, seen",
    [
        # Row 3 has no gender.
        ("grl", [True, True, True, False, True, True]),
        # Class 2 has men alone, and row 5 no label.
        ("conditional_grl", [True, True, True, False, False, False]),
    ],
)
def test_the_rows_that_an_adversary_sees(name, seen):
    method = make_method(name)
    part = tf.Variable(PART)
    with tf.GradientTape() as tape:
        loss = method.adversary_loss(part, LABELS, GENDERS, WEIGHTS)
    moved = np.abs(tape.gradient(loss, part)).sum(1) > 0
    assert moved.tolist() == seen


def test_the_conditional_adversary_is_told_the_class_and_sees_it_level():
    method = make_method("conditional_grl")
    found = np.array(method.adversary_input(tf.constant(PART), LABELS))
    np.testing.assert_array_equal(found[:, :4], PART)
    np.testing.assert_array_equal(found[:, 4:], np.eye(3)[LABELS])
    found = method.adversary_weights(LABELS, GENDERS, WEIGHTS)
    # 120 rows of supported classes, 4 groups: 30 / n(y, g).
    np.testing.assert_allclose(
        found, [30 / 30, 30 / 10, 30 / 20, 0, 0, 0], rtol=1e-6
    )


@pytest.mark.parametrize("name", ["grl", "conditional_grl", "conditional_mmd"])
def test_a_batch_without_a_label_gives_no_nan(name):
    none = np.zeros(6, "float32")
    assert loss_of(make_method(name), weights=(none, none)) == 0.0
    method = make_method("group_dro")
    before = np.array(method.group_weights)
    assert loss_of(method, weights=(none, WEIGHTS[1])) == 0.0
    np.testing.assert_allclose(method.group_weights, before, rtol=1e-6)


@pytest.mark.parametrize("num_groups", [2, 3])
def test_mmd_against_loops(num_groups):
    rng = np.random.default_rng(1)
    features = rng.normal(size=(18, 3)).astype("float32")
    labels = rng.integers(0, 2, 18)
    groups = np.arange(18) % num_groups
    known = np.arange(18) > 1
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
        for one, other in itertools.combinations(range(num_groups), 2):
            a = known & (labels == label) & (groups == one)
            b = known & (labels == label) & (groups == other)
            if min(a.sum(), b.sum()) >= 2:
                values.append(kernel(a, a) + kernel(b, b) - 2 * kernel(a, b))
    assert len(values) > num_groups - 2
    found = conditional_mmd(features, labels, groups, known, 2, num_groups)
    assert float(found) == pytest.approx(np.mean(values), rel=1e-4)
    # Equal groups have no distance.
    same = np.repeat(features[: 18 // num_groups], num_groups, axis=0)
    labels = np.repeat(labels[: 18 // num_groups], num_groups)
    found = conditional_mmd(
        same, labels, groups, np.ones(18, bool), 2, num_groups
    )
    assert float(found) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("num_groups", [2, 3])
def test_domain_independent_heads_add_up_to_nothing(num_groups):
    method = make_method("domain_independent", np.full((3, num_groups), 20))
    # It begins as one head.
    assert loss_of(method) == pytest.approx(loss_of(make_method("none")))
    kernels = np.random.default_rng(2).normal(size=(num_groups - 1, 4, 3))
    for layer, kernel in zip(method.differences, kernels, strict=True):
        layer.set_weights([kernel, np.zeros(3)])
    groups = np.arange(6) % num_groups
    own = np.array([*kernels, -kernels.sum(0)])[groups]
    # The fourth row has no group.
    own[3] = 0.0
    moved = (PART[:, None] @ own)[:, 0]
    losses = row_losses(LOGITS + moved)
    found = loss_of(method, groups=groups)
    assert found == pytest.approx(losses[:5].mean(), rel=1e-5)
    # Validated is the mean, which is what the classifier keeps.
    found = loss_of(method, groups=groups, training=False)
    assert found == pytest.approx(row_losses()[:5].mean(), rel=1e-5)


# Four of the eleven decades of an age, three groups; and a binary task.
AGE_COUNTS = np.zeros((11, 3), int)
AGE_COUNTS[:4] = [[20, 10, 30], [15, 15, 0], [40, 4, 12], [9, 0, 0]]


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("kind", ["number", "binary"])
def test_every_method_takes_numbers_and_three_groups(name, kind):
    task, counts, units, labels = {
        "number": (AGE, AGE_COUNTS, 101, np.array([3.0, 8, 16, 20, 25, 0])),
        "binary": (SMILE, AGE_COUNTS[:2], 2, np.array([0, 1, 1, 0, 1, 0])),
    }[kind]
    method = make_method(name, counts, task, adversary_units=(4,))
    scores = np.random.default_rng(3).normal(size=(6, units))
    part = tf.Variable(PART)
    with tf.GradientTape() as tape:
        loss = method.loss(
            part,
            tf.constant(scores, "float32"),
            labels.astype("float32" if task is AGE else "int32"),
            np.array([0, 1, 2, 0, 1, 2]),
            WEIGHTS,
            1.0,
            True,
        )
        total = loss + 0.0 * tf.reduce_sum(part)
    assert np.isfinite(float(loss)) and float(loss) > 0
    assert np.isfinite(tape.gradient(total, part)).all()
    if name == "conditional_grl" and task is AGE:
        classes = method.classes(labels.astype("float32"))
        assert np.array(classes).tolist() == [0, 0, 1, 2, 2, 0]
        found = method.adversary_weights(
            labels.astype("float32"), np.array([0, 1, 2, 0, 1, 2]), WEIGHTS
        )
        # 142 rows of seven groups of ten or more: 142 / 7 / n.
        share = 142 / 7
        expected = [share / 20, share / 10, 0, 0, 0, 0]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_strength_grows_from_nothing_to_the_whole():
    method = make_method("grl", strength=2.0)
    values = [float(method.strength(p)) for p in (-1, 0, 0.1, 0.5, 1, 9)]
    assert values[:2] == [0.0, 0.0]
    # 2 * (2 / (1 + 1 / e) - 1)
    assert values[2] == pytest.approx(0.924234, abs=1e-5)
    assert values == sorted(values)
    assert values[-1] == values[-2] == pytest.approx(2.0, abs=1e-3)
