import numpy as np
import pytest
from scipy.spatial import geometric_slerp

from tp_keras.errors import UserError
from tp_keras.generator.drawing.paths import interpolate


def test_both_ends_are_there_and_on_a_sphere_it_agrees_with_scipy():
    start, end = np.random.default_rng(0).normal(size=(2, 64))
    latents = interpolate(start, end, 5)
    assert latents.shape == (5, 64)
    assert latents.dtype == np.float32
    np.testing.assert_allclose(latents[[0, -1]], [start, end], rtol=1e-5)
    ends = np.random.default_rng(1).normal(size=(2, 8))
    ends /= np.linalg.norm(ends, axis=1, keepdims=True)
    expected = geometric_slerp(*ends, np.linspace(0, 1, 7))
    np.testing.assert_allclose(interpolate(*ends, 7), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("start", "end", "middle"),
    [
        ([0.0, 0.0], [2.0, 0.0], [1.0, 0.0]),
        ([1.0, 2.0], [1.0, 2.0], [1.0, 2.0]),
        ([1.0, 0.0], [-1.0, 0.0], [0.0, 0.0]),
    ],
    ids=["from_zero", "same", "opposite"],
)
def test_where_a_sphere_has_no_way_it_is_straight(start, end, middle):
    np.testing.assert_allclose(interpolate(start, end, 3)[1], middle)


@pytest.mark.parametrize("count", [-1, 1, 257])
def test_impossible_counts(count):
    with pytest.raises(UserError, match=f"count={count}"):
        interpolate([1.0], [2.0], count)
