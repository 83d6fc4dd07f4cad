import keras
import numpy as np
import pytest
import tensorflow as tf

from tp_keras.models.layers import FusedBatchNormalization
from tp_keras.models.layers import MergedConvolution2D


def _twins(**kwargs):
    """Our layer and Keras' own, with the same random weights."""
    ours = FusedBatchNormalization(**kwargs)
    theirs = keras.layers.BatchNormalization(**{"momentum": 0.9, **kwargs})
    rng = np.random.default_rng(0)
    for layer in (ours, theirs):
        layer.build((None, 6, 5, 3))
    values = [rng.uniform(0.5, 2.0, v.shape) for v in ours.weights]
    for layer in (ours, theirs):
        layer.set_weights(values)
    return ours, theirs


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("kwargs", [{}, {"scale": False}, {"center": False}])
def test_fused_normalization_equals_keras(training, kwargs):
    ours, theirs = _twins(**kwargs)
    x = np.random.default_rng(1).normal(3.0, 2.0, (4, 6, 5, 3))
    x = x.astype("float32")
    np.testing.assert_allclose(
        ours(x, training=training), theirs(x, training=training), atol=2e-5
    )
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_fused_normalization_moves_the_statistics_of_the_batch():
    layer = FusedBatchNormalization(momentum=0.75)
    x = np.array([1.0, 3.0], "float32").reshape(2, 1, 1, 1)
    layer(x, training=True)
    # Mean 2 and variance 1 (divided by 2, not by 1) enter with weight 1/4.
    assert layer.moving_mean.numpy() == pytest.approx([0.5])
    assert layer.moving_variance.numpy() == pytest.approx([1.0])
    layer(x * 3, training=True)
    assert layer.moving_variance.numpy() == pytest.approx([0.75 + 0.25 * 9])


def test_fused_normalization_has_the_gradient_of_keras():
    ours, theirs = _twins()
    x = tf.constant(
        np.random.default_rng(2).normal(size=(4, 6, 5, 3)), "float32"
    )
    gradients = []
    for layer in (ours, theirs):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = tf.reduce_sum(tf.sin(layer(x, training=True)) * x)
        variables = [x, layer.gamma.value, layer.beta.value]
        gradients.append(tape.gradient(loss, variables))
    for a, b in zip(*gradients, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_fused_normalization_is_frozen_or_of_another_rank():
    layer = FusedBatchNormalization(trainable=False)
    x = np.full((2, 4, 4, 1), 5.0, "float32")
    np.testing.assert_allclose(layer(x, training=True), x, rtol=1e-3)
    assert layer.moving_mean.numpy() == 0.0
    layer = FusedBatchNormalization()
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    y = np.asarray(layer(x, training=True))
    np.testing.assert_allclose(y.mean(axis=0), 0.0, atol=1e-5)


def test_fused_normalization_of_bfloat16_keeps_float32_statistics():
    layer = FusedBatchNormalization(dtype="mixed_bfloat16", momentum=0.0)
    x = np.random.default_rng(0).normal(3.0, 2.0, (8, 6, 5, 3))
    y = layer(x.astype("float32"), training=True)
    assert y.dtype == "bfloat16"
    np.testing.assert_allclose(
        layer.moving_mean, x.mean(axis=(0, 1, 2)), rtol=5e-3
    )
    np.testing.assert_allclose(
        tf.cast(y, "float32"),
        (x - x.mean(axis=(0, 1, 2))) / x.std(axis=(0, 1, 2)),
        atol=0.05,
    )


def test_merged_convolution_is_the_sum_of_its_three_branches():
    layer = MergedConvolution2D(5, use_bias=False)
    x = np.random.default_rng(0).normal(size=(2, 6, 4, 5)).astype("float32")
    merged = layer(x)
    expected = (
        tf.nn.conv2d(x, layer.kernel.value, 1, "SAME")
        + tf.einsum("bhwi,io->bhwo", x, layer.pointwise_kernel.value)
        + x
    )
    np.testing.assert_allclose(merged, expected, atol=1e-5)


def test_merged_convolution_becomes_a_plain_one():
    layer = MergedConvolution2D(3, activation="relu")
    x = np.random.default_rng(0).normal(size=(2, 6, 4, 3)).astype("float32")
    layer.build(x.shape)
    layer.bias.assign([0.5, -0.5, 0.0])
    expected = layer(x)
    plain, weights = layer.merge("plain")
    plain.build(x.shape)
    plain.set_weights(weights)
    assert type(plain) is keras.layers.Conv2D and plain.name == "plain"
    np.testing.assert_allclose(plain(x), expected, atol=1e-6)


def test_every_branch_of_a_merged_convolution_learns():
    layer = MergedConvolution2D(3, use_bias=False)
    x = tf.random.stateless_normal((2, 6, 4, 3), (0, 0))
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(x) ** 2)
    kernel, pointwise = tape.gradient(
        loss, [layer.kernel.value, layer.pointwise_kernel.value]
    )
    # The pointwise branch is the kernel's middle, twice written.
    np.testing.assert_allclose(kernel[1, 1], pointwise, rtol=1e-5)


def test_merged_convolution_needs_a_middle_and_as_many_channels():
    for arguments in ({"strides": 2}, {"kernel_size": 2}):
        with pytest.raises(ValueError, match="Received: kernel_size="):
            MergedConvolution2D(3, **arguments)
    with pytest.raises(ValueError, match="Received: input_shape="):
        MergedConvolution2D(4).build((None, 5, 5, 3))
