import keras
import numpy as np
import pytest
import tensorflow as tf

from tp_keras.models.muon import FusedMuon
from tp_keras.models.muon import is_dense_kernel
from tp_keras.models.muon import orthogonalize
from tp_keras.models.optimizers import FusedAdamW


def plain_iteration(matrix):
    """The same by the textbook's iteration on the matrix itself."""
    x = matrix / (np.linalg.norm(matrix) + 1e-7)
    x = x.T if x.shape[0] > x.shape[1] else x
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


@pytest.mark.parametrize("shape", [(72, 8), (8, 72), (16, 16)])
def test_an_update_is_about_orthogonal(shape):
    matrix = np.random.default_rng(0).normal(size=shape)
    found = np.array(orthogonalize(tf.constant(matrix)))
    np.testing.assert_allclose(found, plain_iteration(matrix), atol=1e-9)
    u, _, v = np.linalg.svd(matrix, full_matrices=False)
    # Its own singular vectors, and values near 1.
    values = np.diag(u.T @ found @ v.T)
    largest = values[np.linalg.svd(matrix)[1] > 0.05 * np.linalg.norm(matrix)]
    assert largest.min() > 0.65 and largest.max() < 1.21
    rest = u.T @ found @ v.T - np.diag(values)
    assert np.abs(rest).max() < 1e-4


def test_one_step_by_hand():
    rng = np.random.default_rng(0)
    start = rng.normal(size=(3, 3, 4, 6)).astype("float32")
    gradients = rng.normal(size=(2, 3, 3, 4, 6)).astype("float32")
    kernel = keras.Variable(start, name="kernel")
    optimizer = FusedMuon(
        0.01, kernel_rate=3.0, kernel_momentum=0.9, weight_decay=0.5
    )
    momentum, expected = np.zeros_like(start), start
    for gradient in gradients:
        optimizer.apply([tf.constant(gradient)], [kernel])
        momentum = 0.9 * momentum + 0.1 * gradient
        ahead = (0.9 * momentum + 0.1 * gradient).reshape(36, 6)
        update = plain_iteration(ahead).reshape(start.shape)
        # An update's root mean square is about .2, as of AdamW.
        expected = expected * (1 - 0.01 * 0.5)
        expected = expected - 0.03 * 0.2 * 6 * update
    np.testing.assert_allclose(kernel, expected, atol=1e-5)


@pytest.mark.parametrize("fused", [True, False])
def test_all_but_dense_kernels_are_left_to_adamw(fused, monkeypatch):
    if not fused:
        monkeypatch.setattr(FusedAdamW, "_is_fusible", lambda *_: False)
    rng = np.random.default_rng(0)
    shapes = {
        "kernel": [(3, 3, 4, 6), (1, 1, 4, 6), (3, 3, 4, 1), (4, 6)],
        "pointwise_kernel": [(6, 6)],
        "bias": [(6,)],
    }
    starts = [
        (name, rng.normal(size=shape))
        for name in shapes
        for shape in shapes[name]
    ]
    gradients = [
        tf.constant(rng.normal(size=x.shape), "float32") for _, x in starts
    ]
    results = []
    for optimizer in (FusedMuon(0.01), keras.optimizers.AdamW(0.01)):
        variables = [
            keras.Variable(x, dtype="float32", name=name) for name, x in starts
        ]
        optimizer.apply(gradients, variables)
        results.append([np.array(v) for v in variables])
    same = [np.allclose(x, y, atol=1e-6) for x, y in zip(*results, strict=True)]
    assert same == [False, False, True, True, False, True]
    assert same == [not is_dense_kernel(v) for v in variables]


def test_a_saved_optimizer_goes_on():
    optimizer = FusedMuon(0.01, kernel_rate=3.0, kernel_momentum=0.8)
    again = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    assert isinstance(again, FusedMuon)
    assert (again.kernel_rate, again.kernel_momentum) == (3.0, 0.8)
