import numpy as np
import pytest

from tp_keras.evaluation import neighbors
from tp_keras.fairness.neighbor_lists import NeighborLists


def random_rows(count=70, seed=0):
    generator = np.random.default_rng(seed)
    return (
        generator.integers(3, size=count),
        generator.integers(2, size=count),
        neighbors.unit_rows(generator.normal(size=(count, 4))),
    )


def test_leaving_rows_out_is_finding_lists_without_them():
    labels, genders, vectors = random_rows()
    left_out = np.zeros(70, bool)
    left_out[[0, 5, 6, 40, 69]] = True
    found = NeighborLists.find(labels, genders, vectors, 3, 5).without(left_out)
    keep = ~left_out
    expected = NeighborLists.find(
        labels[keep], genders[keep], vectors[keep], 3, 5
    )
    for name in ("labels", "genders"):
        np.testing.assert_array_equal(
            getattr(found, name), getattr(expected, name)
        )
    for name in ("near", "across"):
        lists, anew = getattr(found, name), getattr(expected, name)
        assert lists.shape[1] >= 5
        width = min(lists.shape[1], anew.shape[1])
        np.testing.assert_array_equal(lists[:, :width], anew[:, :width])
    means, counts = found.means([1, 5])
    means_anew, counts_anew = expected.means([1, 5])
    assert means.keys() == means_anew.keys()
    for key, values in means.items():
        np.testing.assert_allclose(values, means_anew[key])
        np.testing.assert_array_equal(counts[key], counts_anew[key])


def test_lists_across_hold_the_other_gender_alone():
    labels, genders, vectors = random_rows()
    lists = NeighborLists.find(labels, genders, vectors, 3, 4)
    assert (genders[lists.across] != genders[:, None]).all()


@pytest.mark.parametrize("count", [0, 1])
def test_nobody_has_neighbors(count):
    labels, genders, vectors = random_rows(count)
    lists = NeighborLists.find(labels, genders, vectors, 3, 4)
    assert lists.near.shape == (count, 0)
    assert lists.means([1, 4]) == ({}, {})
    assert list(lists.permuted_means([1], 3, np.random.default_rng(0))) == []
