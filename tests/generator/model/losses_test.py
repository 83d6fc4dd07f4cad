import numpy as np
import pytest
from scipy import stats
from scipy.special import log_softmax

from tp_keras.generator.model.losses import critic_hinge
from tp_keras.generator.model.losses import feature_error
from tp_keras.generator.model.losses import gaussian_kl
from tp_keras.generator.model.losses import gaussian_surprise
from tp_keras.generator.model.losses import labelled_crossentropy
from tp_keras.generator.model.losses import mean_score


@pytest.mark.parametrize(
    ("mean", "deviation"), [(0.0, 1.0), (1.0, 1.0), (-0.7, 0.3), (2.0, 1.5)]
)
def test_kl_is_the_integral_of_its_definition(mean, deviation):
    posterior = stats.norm(mean, deviation)
    expected = posterior.expect(
        lambda z: posterior.logpdf(z) - stats.norm.logpdf(z)
    )
    found = gaussian_kl(np.array([[mean]]), np.array([[2 * np.log(deviation)]]))
    assert float(found[0, 0]) == pytest.approx(expected, abs=1e-6)


def test_surprise_is_a_density_but_for_a_constant():
    rng = np.random.default_rng(0)
    values, mean, log_variance = rng.normal(size=(3, 5, 4))
    densities = stats.norm.logpdf(values, mean, np.exp(0.5 * log_variance))
    found = gaussian_surprise(values, mean, log_variance)
    expected = -densities - 0.5 * np.log(2 * np.pi)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_hinge_by_hand():
    # One critic of two heads, another of one; 1 and -1 are far enough.
    real = [[np.array([[2.0], [0.5]]), np.array([[-1.0]])], [np.array([[1.0]])]]
    made = [
        [np.array([[-3.0], [0.0]]), np.array([[1.0]])],
        [np.array([[-1.0]])],
    ]
    # ((0 + .5) / 2 + 2) / 2 and 0; ((0 + 1) / 2 + 2) / 2 and 0.
    found = float(critic_hinge(real, made))
    assert found == pytest.approx((1.125 + 1.25) / 2)
    assert float(mean_score(real)) == pytest.approx(((1.25 - 1) / 2 + 1) / 2)


def test_feature_error_by_hand():
    target = [np.array([[[[3.0]]]]), np.array([[[[1.0], [2.0]]]])]
    drawn = [np.array([[[[0.0]]]]), np.array([[[[1.0], [3.0]]]])]
    # 9 / 9, and (0 + 1) / 2 over (1 + 4) / 2.
    found = float(feature_error(drawn, target))
    assert found == pytest.approx((1 + 0.2) / 2, rel=1e-5)
    assert float(feature_error(target, target)) == 0.0


def test_crossentropy_counts_known_labels_alone():
    rng = np.random.default_rng(0)
    logits = {"a": rng.normal(size=(3, 2)), "b": rng.normal(size=(3, 4))}
    labels = {"a": np.array([1, -1, 0]), "b": np.array([-1, 3, -1])}
    rows = (logits["a"][0], logits["a"][2], logits["b"][1])
    logs = [log_softmax(row) for row in rows]
    expected = -(logs[0][1] + logs[1][0] + logs[2][3]) / 3
    found = float(labelled_crossentropy(labels, logits))
    assert found == pytest.approx(expected, rel=1e-5)
    # The same, if it had one label in five thrown by a fair die.
    thrown = -np.mean([values.mean() for values in logs])
    found = float(labelled_crossentropy(labels, logits, 0.2))
    assert found == pytest.approx(0.8 * expected + 0.2 * thrown, rel=1e-5)
    unknown = {name: np.full(3, -1) for name in labels}
    assert float(labelled_crossentropy(unknown, logits)) == 0.0
