import numpy as np
import pytest

from benchmarks.extra_data import as_many_as
from benchmarks.extra_data import cell_shortages
from benchmarks.extra_data import with_generated
from benchmarks.extra_data import with_repeated
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError

# Four black-haired women, one blond one, two bald men; the rest belongs to no
# cell.
GENDER = [0, 0, 0, 0, 0, 1, 1, 1]
HAIR_COLOR = [0, 0, 0, 0, 2, 4, 4, -1]


@pytest.fixture
def portraits():
    made = make_portraits(8)
    made.labels["gender"][:] = GENDER
    made.labels["hair_color"][:] = HAIR_COLOR
    return made


TASKS = ("gender", "hair_color")


def named(shortages):
    return {cell.name: count for cell, count in shortages.items()}


def counts(portraits):
    pairs = np.stack(
        [portraits.labels["gender"], portraits.labels["hair_color"]], 1
    )
    found, numbers = np.unique(pairs, axis=0, return_counts=True)
    return dict(zip(map(tuple, found.tolist()), numbers.tolist(), strict=True))


def test_shortages_are_those_to_the_largest_cell(portraits):
    assert named(cell_shortages(portraits, tasks=TASKS)) == {
        "female, blond": 3,
        "male, bald": 2,
    }
    assert named(cell_shortages(portraits, 2, TASKS)) == {"female, blond": 1}
    with pytest.raises(UserError, match="Received: per_cell=-1"):
        cell_shortages(portraits, -1)


def test_generated_portraits_fill_the_cells(portraits):
    asked = {}

    def generate(labels, seed):
        asked.update(labels, seed=seed)
        return np.full((5, *portraits.images.shape[1:]), 7, np.uint8)

    more = with_generated(portraits, generate, seed=3, tasks=TASKS)
    assert counts(more) == {(0, 0): 4, (0, 2): 4, (1, 4): 4, (1, -1): 1}
    assert asked["seed"] == 3
    np.testing.assert_array_equal(asked["hair_color"], [2, 2, 2, 4, 4])
    # What a cell leaves open is as it is there.
    assert set(asked["hair_type"][:3]) == {portraits.labels["hair_type"][4]}
    np.testing.assert_array_equal(more.images[:8], portraits.images)
    assert (more.images[8:] == 7).all()
    np.testing.assert_array_equal(more.indices[8:], [8, 9, 10, 11, 12])
    assert more.fingerprint != portraits.fingerprint

    # Where nothing lacks nothing is generated.
    assert with_generated(portraits, None, per_cell=1) is portraits


def test_repeated_portraits_fill_the_cells(portraits):
    more = with_repeated(portraits, seed=1, tasks=TASKS)
    assert counts(more) == {(0, 0): 4, (0, 2): 4, (1, 4): 4, (1, -1): 1}
    assert sorted(more.indices) == [0, 1, 2, 3, 4, 4, 4, 4, 5, 5, 6, 6, 7]
    for row, index in enumerate(more.indices):
        np.testing.assert_array_equal(more.images[row], portraits.images[index])


def test_padded_rows_hold_every_portrait_alike(portraits):
    rows = as_many_as(portraits, 20, seed=2).indices
    assert len(rows) == 20
    assert set(np.bincount(rows, minlength=8)) == {2, 3}
    with pytest.raises(UserError, match="number of portraits, 8"):
        as_many_as(portraits, 7)


def test_cells_are_those_of_all_conditions_where_no_task_is_named(portraits):
    portraits.labels["hair_type"][:] = [0, 0, 1, 0, 1, 2, 2, 2]
    assert named(cell_shortages(portraits)) == {
        "female, black, wavy": 2,
        "female, blond, wavy": 2,
        "male, bald, bald": 1,
    }
