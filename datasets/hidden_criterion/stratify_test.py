import collections

import numpy as np

from .stratify import choose


def test_every_cell_gives_its_share_exactly():
    # 15 % of 20, 13, 7 and 3 rows are 3, 1.95, 1.05 and .45.
    cells = [*"a" * 20, *"b" * 13, *"c" * 7, *"d" * 3]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        groups = [rng.bytes(8).hex() for _ in cells]
        chosen = choose(groups, cells, 0.15)
        counts = collections.Counter(cells[place] for place in chosen)
        assert counts == {"a": 3, "b": 2, "c": 1}


def test_the_least_hashes_of_a_cell_are_chosen_in_any_order():
    groups, cells = [*"fbdace"], [*"xxxyyy"]
    assert choose(groups, cells, 1 / 3) == {1, 3}
    order = [4, 0, 3, 5, 2, 1]
    shuffled = choose(
        [groups[place] for place in order], [cells[p] for p in order], 1 / 3
    )
    assert {order[place] for place in shuffled} == {1, 3}


def test_groups_stay_together_and_cells_are_still_filled():
    # Of each cell two are wanted. The group a has three of x, so it is passed
    # over; b has one of each, after which there is room for one more of each.
    groups = [*"aaabcde", *"bfghijk"]
    cells = [*"xxxxxxx", *"yyyyyyy"]
    chosen = choose(groups, cells, 2 / 7)
    assert sorted(groups[place] for place in chosen) == [*"bbcf"]
    # A group of two cells has to find room in both.
    assert choose([*"aabc"], [*"xyyy"], 0.4) == {2}


def test_there_may_be_none():
    assert choose([], [], 0.5) == set()
    assert choose(["a"], ["x"], 0.15) == set()
