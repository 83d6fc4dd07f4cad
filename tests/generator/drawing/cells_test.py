import collections

import numpy as np
import pytest

from tp_keras.errors import UserError
from tp_keras.generator.drawing.cells import choose_labels
from tp_keras.generator.drawing.cells import require_gender
from tp_keras.generator.drawing.cells import same_labels
from tp_keras.tasks import complete_labels

# Four whole cells, and one with a missing label.
TABLE = [
    ("female", "brown", "wavy", 60),
    ("male", "black", "straight", 30),
    ("female", "unknown", "wavy", 25),
    ("male", "gray", "straight", 6),
    ("male", "bald", "bald", 4),
]
COUNTS = [
    dict(zip(("gender", "hair_color", "hair_type", "count"), row, strict=True))
    for row in TABLE
]


def shares(count, cells, **given):
    labels = choose_labels(complete_labels(given), count, cells, COUNTS)
    counter = collections.Counter(zip(*labels.values(), strict=True))
    return [counter[row[:3]] for row in TABLE]


def test_natural_cells_keep_their_shares():
    assert shares(125, "natural") == [60, 30, 25, 6, 4]
    assert shares(250, "natural") == [120, 60, 50, 12, 8]
    # 4.8, 2.4, 2.0, .48, .32: the greatest remainders are rounded up.
    assert shares(10, "natural") == [5, 2, 2, 1, 0]


def test_balanced_cells_are_equal_and_whole():
    assert shares(40, "balanced") == [10, 10, 0, 10, 10]
    assert sorted(shares(42, "balanced")) == [0, 10, 10, 11, 11]


def test_level_fills_up_the_rarest():
    assert shares(2, "level") == [0, 0, 0, 0, 2]
    # Both at 15 in the end: 6 + 9 and 4 + 11.
    assert shares(20, "level") == [0, 0, 0, 9, 11]
    # 60 for all.
    assert shares(140, "level") == [0, 30, 0, 54, 56]
    assert shares(144, "level") == [1, 31, 0, 55, 57]


@pytest.mark.parametrize("count", range(1, 160, 7))
def test_level_is_as_even_as_can_be(count):
    """Against pouring one portrait at a time onto the lowest cell."""
    present = {row[:3]: row[3] for row in TABLE if "unknown" not in row}
    start = dict(present)
    for _ in range(count):
        present[min(present, key=present.get)] += 1
    found = dict(
        zip([row[:3] for row in TABLE], shares(count, "level"), strict=True)
    )
    heights = [start[cell] + found[cell] for cell in start]
    assert sorted(heights) == sorted(present.values())
    assert sum(found.values()) == count


def test_what_is_given_restricts_the_cells():
    assert shares(36, "natural", gender="male", hair_type="straight") == [
        *(0, 30, 0, 6, 0)
    ]
    assert shares(10, "balanced", gender="female") == [10, 0, 0, 0, 0]


def test_the_order_is_mixed_and_settled_by_the_seed():
    def column(seed):
        labels = complete_labels({})
        return choose_labels(labels, 40, "balanced", COUNTS, seed)["hair_color"]

    assert column(1) == column(1) != column(2)
    assert len(set(column(1)[:8])) > 1


@pytest.mark.parametrize(
    ("given", "cells", "counts", "message"),
    [
        ({}, "rare", COUNTS, "out of natural, balanced, level"),
        ({}, "natural", None, "its data is gone"),
        ({"hair_color": "blond"}, "natural", COUNTS, "'hair_color': 'blond'"),
        # There, but only with a missing label.
        ({"gender": "female"}, "level", COUNTS[2:], "None of the portraits"),
    ],
)
def test_what_cannot_be_shared_out(given, cells, counts, message):
    with pytest.raises(UserError, match=message):
        choose_labels(complete_labels(given), 5, cells, counts)


def test_a_pack_needs_a_gender():
    labels = same_labels(complete_labels({"gender": "male"}), 3)
    assert labels["hair_type"] == ["unknown"] * 3
    require_gender(labels)
    labels["gender"][1] = "unknown"
    with pytest.raises(UserError, match="Expected --gender"):
        require_gender(labels)


def test_counts_may_be_large():
    found = shares(100_000, "natural")
    np.testing.assert_allclose(
        np.array(found) / 100_000,
        np.array([row[3] for row in TABLE]) / 125,
        atol=1e-5,
    )
