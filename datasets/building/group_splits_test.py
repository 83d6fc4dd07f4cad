import numpy as np

from .group_splits import even_split_of
from .group_splits import share_out
from .group_splits import split_of


def test_groups_fall_into_splits_by_their_shares():
    generator = np.random.default_rng(0)
    names = [generator.bytes(32).hex() for _ in range(4000)]
    splits = [split_of(name) for name in names]
    for split, share in (("train", 0.8), ("validation", 0.1), ("test", 0.1)):
        spread = (share * (1 - share) / len(names)) ** 0.5
        assert abs(splits.count(split) / len(names) - share) < 4 * spread
    assert split_of("0" * 64) == "train" and split_of("f" * 64) == "test"


def test_large_groups_are_as_often_of_a_split_as_small_ones():
    generator = np.random.default_rng(0)
    for size in (1, 5):
        # A group is called by the least of its hashes.
        names = [
            min(generator.bytes(32).hex() for _ in range(size))
            for _ in range(4000)
        ]
        splits = [even_split_of(name) for name in names]
        for split, share in (("train", 0.8), ("validation", 0.1)):
            spread = (share * (1 - share) / len(names)) ** 0.5
            assert abs(splits.count(split) / len(names) - share) < 4 * spread


def test_a_group_is_shared_out_as_a_whole():
    groups = {1: "f" * 64, 2: "0" * 64, 3: "f" * 64}
    assert share_out(groups) == {"train": [2], "validation": [], "test": [1, 3]}
    assert share_out({}) == {"train": [], "validation": [], "test": []}
    found = share_out(groups, {"f" * 64: "test", "0" * 64: "validation"}.get)
    assert found == {"train": [], "validation": [2], "test": [1, 3]}
