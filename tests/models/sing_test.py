import keras
import numpy as np
import pytest
import tensorflow as tf

from tp_keras.models.optimizers import FusedAdamW
from tp_keras.models.sing import Sing
from tp_keras.models.sing import is_of_norm
from tp_keras.models.sing import standardize


def by_hand(start, gradients, rate, decay, period):
    """The weights after each step, written down as the paper has them."""
    w = slow = start.astype("float64")
    m = v = np.zeros_like(w)
    for t, g in enumerate(gradients, 1):
        if w.ndim > 1:
            g = g - g.mean(axis=tuple(range(w.ndim - 1)), keepdims=True)
            w = w * (1 - rate * decay)
        g = g / (np.sqrt((g**2).sum()) + 1e-8)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        root = np.sqrt(v) / np.sqrt(1 - 0.999**t)
        w = w - rate * (m / (1 - 0.9**t)) / (np.log1p(np.exp(50 * root)) / 50)
        if period and t % period == 0:
            w = slow = (w + slow) / 2
        yield w


@pytest.mark.parametrize("period", [0, 2, 5])
@pytest.mark.parametrize("shape", [(3, 3, 4, 6), (5, 2), (6,)])
def test_steps_by_hand(shape, period):
    rng = np.random.default_rng(0)
    start = rng.normal(size=shape).astype("float32")
    # From far below to far above 1: their length plays no role.
    sizes = np.array([1e-3, 1.0, 1e3, 1.0, 0.1, 10.0])
    gradients = rng.normal(size=(6, *shape)) * sizes.reshape(
        6, *[1] * len(shape)
    )
    variable = keras.Variable(start, name="kernel")
    optimizer = Sing(0.05, period=period, weight_decay=0.4)
    for gradient, expected in zip(
        gradients, by_hand(start, gradients, 0.05, 0.4, period), strict=True
    ):
        optimizer.apply([tf.constant(gradient, "float32")], [variable])
        np.testing.assert_allclose(variable, expected, atol=2e-5)


def test_a_gradient_is_centred_for_each_output_and_of_length_1():
    gradient = np.random.default_rng(0).normal(2.0, 3.0, (3, 3, 4, 6))
    found = np.array(standardize(tf.constant(gradient)))
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), 0, atol=1e-12)
    assert np.linalg.norm(found) == pytest.approx(1)
    # Without inputs to compare a bias keeps its mean.
    bias = np.array(standardize(tf.constant([3.0, 4.0])))
    np.testing.assert_allclose(bias, [0.6, 0.8], atol=1e-6)
    np.testing.assert_array_equal(standardize(tf.zeros((4, 4))), 0)


@pytest.mark.parametrize("fused", [True, False])
def test_scales_and_offsets_are_left_to_adamw(fused, monkeypatch):
    if not fused:
        monkeypatch.setattr(FusedAdamW, "_is_fusible", lambda *_: False)
    layer = keras.layers.BatchNormalization()
    layer.build((None, 6))
    gamma, beta = layer.trainable_variables
    assert is_of_norm(gamma) and is_of_norm(beta)
    assert not is_of_norm(keras.Variable(np.zeros(6), name="bias"))
    gradients = [tf.constant([0.1, -0.2, 3.0, 0.0, 5.0, -1.0])] * 2
    results = []
    for optimizer in (Sing(0.1, weight_decay=0.5), keras.optimizers.Adam(0.01)):
        layer.set_weights([np.ones(6), np.zeros(6), np.zeros(6), np.ones(6)])
        for _ in range(3):
            optimizer.apply(gradients, [gamma, beta])
        results.append([np.array(gamma), np.array(beta)])
    np.testing.assert_allclose(results[0], results[1], atol=1e-6)


def test_decay_and_averages_are_those_of_other_optimizers():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(4, 6))
    gradients = [tf.constant(rng.normal(size=(4, 6)), "float32")] * 3
    found = []
    for fused in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not fused:
                patch.setattr(FusedAdamW, "_is_fusible", lambda *_: False)
            variable = keras.Variable(start, dtype="float32", name="kernel")
            optimizer = Sing(
                0.01, weight_decay=0.5, use_ema=True, ema_momentum=0.5
            )
            for gradient in gradients:
                optimizer.apply([gradient], [variable])
            optimizer.finalize_variable_values([variable])
            found.append(np.array(variable))
    np.testing.assert_allclose(*found, atol=1e-6)


def test_a_saved_optimizer_goes_on():
    optimizer = Sing(0.02, period=3)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(again, Sing) and again.period == 3
    assert float(again.learning_rate) == pytest.approx(0.02)
    # Where it would go back to is part of what is saved.
    again.build([keras.Variable([1.0, 2.0], name="bias")])
    saved = [np.array(value).tolist() for value in again.variables]
    assert [1.0, 2.0] in saved
