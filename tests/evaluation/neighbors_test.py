import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.evaluation import neighbors


@pytest.mark.parametrize("skip_self", [False, True])
def test_blocks_agree_with_sorting_everything(skip_self, monkeypatch):
    rows = np.random.default_rng(0).normal(size=(53, 6))
    cosines = rows @ rows.T
    lengths = np.linalg.norm(rows, axis=1)
    cosines /= lengths[:, None] * lengths
    if skip_self:
        np.fill_diagonal(cosines, -2)
    expected = np.argsort(-cosines, axis=1)[:, :7]
    rows = neighbors.unit_rows(rows)
    for size in (1, 53 * 5, 1 << 24):
        monkeypatch.setattr(neighbors, "_BLOCK_SIZE", size)
        found, similarities = neighbors.find_neighbors(rows, rows, 7, skip_self)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_allclose(
            similarities, np.take_along_axis(cosines, expected, 1), atol=1e-6
        )


def test_rows_of_zeros_and_of_what_is_no_embedding():
    # Similar to nothing.
    rows = neighbors.unit_rows(np.array([[0.0, 0.0], [3.0, 4.0]]))
    np.testing.assert_allclose(rows, [[0, 0], [0.6, 0.8]], rtol=1e-6)
    for broken in (np.nan, np.inf):
        with pytest.raises(UserError, match="in 1 of 3 rows, first in row 1"):
            neighbors.unit_rows([[1.0], [broken], [2.0]])
