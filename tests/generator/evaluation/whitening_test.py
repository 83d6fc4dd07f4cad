import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.generator.evaluation.whitening import Whitening


def mixed_features(count=500, seed=0):
    generator = np.random.default_rng(seed)
    scales = np.linspace(5, 0.1, 12)
    mixing = np.linalg.qr(generator.standard_normal((12, 12)))[0]
    return generator.standard_normal((count, 12)) * scales @ mixing + 3


def test_whitened_features_have_the_identity_as_covariance():
    features = mixed_features()
    white = Whitening.fit(features, size=8)(features)
    assert white.shape == (500, 8) and white.dtype == np.float32
    np.testing.assert_allclose(white.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(np.cov(white.T), np.eye(8), atol=1e-4)


def test_keeps_the_largest_directions():
    features = np.random.default_rng(0).standard_normal((300, 4))
    features *= [1, 10, 0.1, 5]
    projection = Whitening.fit(features, size=2).projection
    np.testing.assert_array_equal(np.abs(projection).argmax(0), [1, 3])


def test_a_channel_without_variance_is_left_out():
    features = np.concatenate([mixed_features(), np.full((500, 3), 7.0)], 1)
    whitening = Whitening.fit(features, size=64)
    assert whitening.projection.shape == (15, 12)
    changed = features + np.r_[np.zeros(12), np.ones(3)]
    np.testing.assert_allclose(
        whitening(changed), whitening(features), atol=1e-3
    )


def test_needs_more_rows_than_directions():
    with pytest.raises(UserError, match="Received: 64 portraits"):
        Whitening.fit(np.zeros((64, 100)))
