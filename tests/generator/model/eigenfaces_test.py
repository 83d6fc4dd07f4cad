import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from tp_keras.errors import UserError
from tp_keras.generator.model import Eigenfaces

COUNT, PIXELS, LATENTS = 300, 40, 3


def draw_linear_gaussian(seed=0):
    """Portraits of a known mean for each label, W and noise."""
    rng = np.random.default_rng(seed)
    one_hot = np.eye(4)[rng.integers(4, size=COUNT)]
    means = rng.normal(size=(4, PIXELS))
    basis = np.linalg.qr(rng.normal(size=(PIXELS, LATENTS)))[0]
    kernel = (basis * [4.0, 3.0, 2.0]).T
    pixels = (
        one_hot @ means
        + rng.normal(size=(COUNT, LATENTS)) @ kernel
        + 0.3 * rng.normal(size=(COUNT, PIXELS))
    )
    return pixels.astype(np.float32), one_hot, kernel


@pytest.fixture(scope="module")
def fitted():
    pixels, one_hot, _ = draw_linear_gaussian()
    return Eigenfaces.fit(pixels, one_hot, LATENTS)


def test_they_are_a_pca_of_what_labels_leave(fitted):
    pixels, one_hot, _ = draw_linear_gaussian()
    ridge = Ridge(alpha=0.1, fit_intercept=False).fit(one_hot, pixels)
    np.testing.assert_allclose(fitted.label_means, ridge.coef_.T, atol=1e-4)
    pca = PCA(LATENTS, svd_solver="full").fit(pixels - ridge.predict(one_hot))
    expected = pca.explained_variance_
    np.testing.assert_allclose(fitted.variances, expected, rtol=1e-4)
    assert fitted.noise == pytest.approx(pca.noise_variance_, rel=1e-3)
    # W W' + s2 I is the covariance that scikit-learn says the model has.
    covariance = fitted.decoder_kernel.T @ fitted.decoder_kernel
    found = covariance + fitted.noise * np.eye(PIXELS)
    np.testing.assert_allclose(found, pca.get_covariance(), atol=1e-3)


def test_the_encoder_is_the_posterior_of_the_linear_gaussian_model(fitted):
    # p(z | x) of x = W z + noise, by the rules of Gaussians alone.
    kernel = fitted.decoder_kernel.astype(np.float64).T
    precision = np.eye(LATENTS) + kernel.T @ kernel / fitted.noise
    covariance = np.linalg.inv(precision)
    rest = np.random.default_rng(1).normal(size=(5, PIXELS))
    expected = rest @ kernel @ covariance / fitted.noise
    found = rest @ fitted.encoder_kernel
    np.testing.assert_allclose(found, expected, atol=1e-4)
    found = np.diag(np.exp(fitted.log_variance))
    np.testing.assert_allclose(found, covariance, atol=1e-6)


def test_as_few_portraits_as_there_can_be_leave_finite_weights():
    # They lie on a plane of as many latents: no noise is left.
    pixels = np.eye(4, 8, dtype=np.float32)
    fitted = Eigenfaces.fit(pixels, np.ones((4, 1)), 3)
    for name in ("encoder_kernel", "decoder_kernel", "log_variance"):
        assert np.isfinite(getattr(fitted, name)).all()
    assert (fitted.log_variance <= 0).all()
    with pytest.raises(UserError, match="more than 4. Received: 4 portraits"):
        Eigenfaces.fit(np.zeros((4, 8), np.float32), np.ones((4, 1)), 4)
