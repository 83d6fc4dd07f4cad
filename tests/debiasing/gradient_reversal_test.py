import keras
import numpy as np
import pytest
import tensorflow as tf

from tp_keras.debiasing.gradient_reversal import ramped_strength
from tp_keras.debiasing.gradient_reversal import reverse_gradient


@pytest.mark.parametrize("strength", [0.0, 0.5, 3.0])
def test_identity_whose_gradient_is_exactly_minus_strength(strength):
    x = tf.constant([[1.0, -2.0, 0.25]])
    upstream = tf.constant([[0.25, -1.0, 2.0]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = reverse_gradient(x, strength)
        loss = tf.reduce_sum(y * upstream)
    np.testing.assert_allclose(y, x, atol=1e-6)
    np.testing.assert_array_equal(
        tape.gradient(loss, x), -strength * upstream.numpy()
    )


def test_what_comes_behind_learns_as_ever():
    layer = keras.layers.Dense(2)
    x = tf.random.normal((4, 3), seed=0)
    layer.build(x.shape)
    gradients = []
    for strength in (0.0, 5.0):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(reverse_gradient(x, strength)) ** 2)
        gradients.append(tape.gradient(loss, layer.kernel.value))
    np.testing.assert_allclose(gradients[0], gradients[1], rtol=1e-5)


def test_the_strength_grows_from_nothing_to_the_whole():
    values = [float(ramped_strength(p, 2.0)) for p in (-1, 0, 0.1, 0.5, 1, 9)]
    assert values[:2] == [0.0, 0.0]
    # 2 * (2 / (1 + 1 / e) - 1)
    assert values[2] == pytest.approx(0.924234, abs=1e-5)
    assert values == sorted(values)
    assert values[-1] == values[-2] == pytest.approx(2.0, abs=1e-3)
