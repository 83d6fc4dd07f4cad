import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from tp_keras.gallery.assignment import arrange
from tp_keras.gallery.assignment import match
from tp_keras.gallery.assignment import neighbor_distance


def shuffled_grid(rows, columns, seed=0):
    """Vectors that lay on a grid evenly before they were shuffled."""
    places = np.indices((rows, columns)).reshape(2, -1).T.astype(float)
    return np.random.default_rng(seed).permutation(places)


def test_neighbor_distance_by_hand():
    vectors = [[0, 0], [3, 4], [0, 1], [3, 0]]
    # Beside each other 5 and sqrt(10), below each other 1 and 4.
    found = neighbor_distance(np.array(vectors, float), 2, 2)
    assert found == pytest.approx((5 + 10**0.5 + 1 + 4) / 4)
    assert neighbor_distance(np.zeros((1, 2)), 1, 1) is None


@pytest.mark.parametrize(("rows", "columns"), [(12, 16), (30, 40), (1, 50)])
def test_what_lay_on_a_grid_is_found_again(rows, columns):
    vectors = shuffled_grid(rows, columns)
    order = arrange(vectors, rows, columns, seed=0)
    assert sorted(order) == [*range(len(vectors))]
    # The least there is: 1, that of the grid itself.
    assert neighbor_distance(vectors[order], rows, columns) < 1.3
    assert neighbor_distance(vectors, rows, columns) > 5


def test_more_directions_than_the_grid_has():
    colors = np.random.default_rng(3).random((600, 5))
    order = arrange(colors, 20, 30, seed=0)
    found = neighbor_distance(colors[order], 20, 30)
    assert found < 0.7 * neighbor_distance(colors, 20, 30)
    # Sorted by two directions alone, as a beginning would be.
    columns = np.argsort(colors[:, 0]).reshape(30, 20)
    sorted_ones = np.take_along_axis(
        columns, np.argsort(colors[columns, 1], axis=1), axis=1
    ).T.ravel()
    assert found < 0.85 * neighbor_distance(colors[sorted_ones], 20, 30)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_few_and_equal_vectors_have_their_places(count):
    for vectors in (np.zeros((count, 1)), np.ones((count, 3))):
        assert sorted(arrange(vectors, count, 1, seed=0)) == [*range(count)]


def test_the_seed_settles_both():
    vectors = np.random.default_rng(1).random((400, 3))
    wanted = np.random.default_rng(2).random((150, 3))
    for place in (
        lambda seed: arrange(vectors, 20, 20, seed).tolist(),
        lambda seed: match(wanted, vectors, seed).tolist(),
    ):
        assert place(4) == place(4) != place(5)


def error(wanted, vectors, items):
    return np.square(wanted - vectors[items]).sum()


def least_error(wanted, vectors):
    rows, best = linear_sum_assignment(cdist(wanted, vectors, "sqeuclidean"))
    return error(wanted[rows], vectors, best)


def test_a_small_match_is_the_best_there_is():
    generator = np.random.default_rng(0)
    vectors, wanted = generator.random((90, 4)), generator.random((40, 4))
    found = match(wanted, vectors, seed=0)
    assert len(set(found)) == 40
    assert error(wanted, vectors, found) == pytest.approx(
        least_error(wanted, vectors)
    )


def test_a_large_match_is_nearly_the_best():
    generator = np.random.default_rng(0)
    vectors, wanted = generator.random((3000, 4)), generator.random((900, 4))
    found = match(wanted, vectors, seed=0)
    assert len(set(found)) == 900
    least = least_error(wanted, vectors)
    assert least <= error(wanted, vectors, found) < 1.25 * least
    assert error(wanted, vectors, np.arange(900)) > 10 * least
