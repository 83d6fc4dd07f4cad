import itertools
import math

import keras
import numpy as np
import pytest
from scipy import stats
from scipy.special import log_softmax
from scipy.special import softmax

from tp_keras.generator.model.losses import bits_per_dimension
from tp_keras.generator.model.losses import energy_distance
from tp_keras.generator.model.losses import gaussian_kl
from tp_keras.generator.model.losses import labelled_crossentropy
from tp_keras.generator.model.losses import log_likelihood
from tp_keras.generator.model.losses import soft_crossentropy


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


def test_log_likelihood_is_that_of_dequantised_pixels():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, size=50).astype(float)
    drawn = pixels + rng.normal(0.0, 3.0, size=50)
    error = np.mean((pixels - drawn) ** 2)
    # Uniform noise by the midpoints of a thousand intervals.
    noise = (np.arange(1000) + 0.5) / 1000 - 0.5
    noisy = pixels[:, None] + noise
    for deviation in (2.0, 5.0):
        density = stats.norm(drawn[:, None], deviation).logpdf(noisy)
        found = log_likelihood(error, deviation**2)
        assert float(found) == pytest.approx(density.mean(), abs=1e-5)
    # No variance is better than the best.
    levels = [float(log_likelihood(error, v)) for v in np.linspace(1, 30, 300)]
    best = float(log_likelihood(error))
    assert best >= max(levels)
    assert best == pytest.approx(max(levels), abs=1e-3)


def test_bits_per_dimension_by_hand():
    # Two bits for each of 100 values, and 50 bits of latents.
    found = bits_per_dimension(2 * math.log(2), 50 * math.log(2), 100)
    assert found == pytest.approx(2.5)


def test_energy_distance_by_loops():
    rng = np.random.default_rng(0)
    first = rng.normal(size=(5, 4)).astype(np.float32)
    second = rng.normal(1.0, size=(7, 4)).astype(np.float32)

    def mean(pairs):
        return np.mean([np.linalg.norm(a - b) for a, b in pairs])

    expected = (
        2 * mean(itertools.product(first, second))
        - mean(itertools.permutations(first, 2))
        - mean(itertools.permutations(second, 2))
    ) / 2
    found = float(energy_distance(first, second))
    assert found == pytest.approx(expected, abs=1e-5)
    # Of single rows it is a number, too.
    first = keras.ops.ones((1, 3))
    assert np.isfinite(float(energy_distance(first, first)))
    assert float(energy_distance(first, first + 4.0)) == pytest.approx(8.0)


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


def test_soft_crossentropy_is_over_some_rows():
    rng = np.random.default_rng(0)
    target, logits = rng.normal(size=(2, 4, 3))
    rows = np.array([True, False, True, False])
    terms = softmax(target, axis=1) * log_softmax(logits, axis=1)
    expected = -terms.sum(axis=1)[rows].mean()
    found = float(soft_crossentropy(target, logits, rows))
    assert found == pytest.approx(expected, rel=1e-5)
    assert float(soft_crossentropy(target, logits, np.zeros(4, bool))) == 0.0
