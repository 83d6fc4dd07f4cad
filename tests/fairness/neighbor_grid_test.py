import numpy as np
import pytest

from tp_keras.fairness.neighbor_plot import make_grid

CLASSES = np.array([0, 0, 0, 0, 1, 1, -1, 1])
GROUPS = np.array([0, 0, 1, 1, 0, 1, 0, -1])


def make_images(count):
    """Images whose first pixel says which they are."""
    images = np.zeros((count, 4, 3, 3), np.uint8)
    images[:, 0, 0, 0] = np.arange(count)
    return images


def rows_of(grid):
    return grid.images[:, :, 0, 0, 0]


def test_every_group_is_asked_in_turn_and_unlabelled_ones_are_left_out():
    embedding = np.random.default_rng(0).normal(size=(8, 5))
    grid = make_grid(make_images(8), CLASSES, GROUPS, embedding, seed=0)
    rows = rows_of(grid)
    # All six that have label and gender, and nobody is his own neighbour.
    assert sorted(rows[:, 0]) == [0, 1, 2, 3, 4, 5]
    for line in rows:
        assert sorted(line) == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(grid.classes, CLASSES[rows])
    np.testing.assert_array_equal(grid.groups, GROUPS[rows])
    groups = list(zip(grid.classes[:, 0], grid.groups[:, 0], strict=True))
    assert groups == sorted(groups)


def test_neighbours_come_nearest_first():
    angles = np.array([0.0, 0.1, 0.3, 0.6, 1.0])
    embedding = 7 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    ones = np.zeros(5, int)
    grid = make_grid(make_images(5), ones, ones, embedding, seed=0)
    order = {line[0]: list(line[1:]) for line in rows_of(grid)}
    assert order[0] == [1, 2, 3, 4]
    assert order[2] == [1, 0, 3, 4]


def test_ten_queries_of_many_come_from_each_group():
    generator = np.random.default_rng(1)
    classes = np.repeat([0, 1, 2], 40)
    groups = (generator.random(120) < 0.05).astype(int)
    embedding = generator.normal(size=(120, 8))
    grid = make_grid(make_images(120), classes, groups, embedding, seed=3)
    assert grid.images.shape[:2] == (10, 11)
    asked = set(zip(grid.classes[:, 0], grid.groups[:, 0], strict=True))
    assert asked == set(zip(classes, groups, strict=True))
    again = make_grid(make_images(120), classes, groups, embedding, seed=3)
    other = make_grid(make_images(120), classes, groups, embedding, seed=4)
    np.testing.assert_array_equal(rows_of(grid), rows_of(again))
    assert not np.array_equal(rows_of(grid), rows_of(other))


@pytest.mark.parametrize("labelled", [0, 1])
def test_nothing_to_show_is_no_grid(labelled):
    classes = np.full(4, -1)
    classes[:labelled] = 0
    groups = np.zeros(4, int)
    assert make_grid(make_images(4), classes, groups, np.eye(4), seed=0) is None
