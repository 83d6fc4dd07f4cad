import numpy as np
import pytest
import scipy.stats
import tensorflow as tf

from tp_keras.errors import UserError
from tp_keras.generator.export.keyed_noise import keyed_noise
from tp_keras.generator.export.keyed_noise import row_seeds


@tf.function(input_signature=[tf.TensorSpec((None,), tf.int64)])
def noise_in_graph(seeds):
    return keyed_noise(seeds, 17)


def test_a_row_does_not_depend_on_its_batch():
    """Bit by bit: 17 values fill no whole number of vector registers."""
    seeds = row_seeds(3, 64)
    normal, uniform = (x.numpy() for x in noise_in_graph(seeds))
    for row in (0, 1, 31, 63):
        alone = noise_in_graph(seeds[row : row + 1])
        assert alone[0].numpy()[0].tobytes() == normal[row].tobytes()
        assert alone[1].numpy()[0].tobytes() == uniform[row].tobytes()
    turned = noise_in_graph(seeds[::-1].copy())
    np.testing.assert_array_equal(turned[0][::-1], normal)
    for found, expected in zip(
        keyed_noise(seeds, 17), (normal, uniform), strict=True
    ):
        np.testing.assert_array_equal(found, expected)
    shapes = [x.shape for x in noise_in_graph(np.zeros(0, np.int64))]
    assert shapes == [(0, 17), (0,)]


def test_it_is_the_stateless_noise_of_tensorflow():
    normal, uniform = noise_in_graph(np.array([-5, 2**63 - 1]))
    for row, seed in enumerate([-5, 2**63 - 1]):
        expected = tf.random.stateless_normal((17,), [seed, 0], alg="philox")
        np.testing.assert_array_equal(normal[row], expected)
        expected = tf.random.stateless_uniform((), [seed, 1], alg="philox")
        np.testing.assert_array_equal(uniform[row], expected)


def test_seeds_are_independent():
    normal, uniform = (x.numpy() for x in noise_in_graph(np.arange(600)))
    assert scipy.stats.kstest(normal.ravel(), "norm").pvalue > 1e-3
    assert scipy.stats.kstest(uniform, "uniform").pvalue > 1e-3
    # Of values at the same place under neighbouring seeds, and of both kinds.
    assert abs(np.corrcoef(normal[:-1, 0], normal[1:, 0])[0, 1]) < 0.15
    assert abs(np.corrcoef(normal[:, 0], uniform)[0, 1]) < 0.15


def test_seeds_of_rows():
    seeds = row_seeds(7, 1000)
    assert seeds.dtype == np.int64
    # What a double, and so JSON in a browser, holds without rounding.
    assert seeds.min() >= 0
    assert 2**52 < seeds.max() < 2**53
    assert len(np.unique(seeds)) == 1000
    np.testing.assert_array_equal(row_seeds(7, 10), seeds[:10])
    assert not np.isin(row_seeds(8, 1000), seeds).any()
    # Written down: they are part of every published portrait.
    assert seeds[:2].tolist() == [8261862981338701, 298210822139840]
    with pytest.raises(UserError, match="seed=-1"):
        row_seeds(-1, 3)
