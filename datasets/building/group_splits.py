"""Splits by the groups of pictures, where a source has none of its own."""

import hashlib
from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Mapping
from typing import TypeVar

_Key = TypeVar("_Key", bound=Hashable)

# Where the share of each split ends.
_ENDS = {"train": 0.8, "validation": 0.9, "test": 1.0}


def split_of(group: str) -> str:
    """Returns the split of a group of near duplicates, by its hash.

    Args:
        group: Its name, the digits of a hash.

    Example:
        >>> split_of("0" * 64)
        'train'
    """
    share = int(group[:12], 16) / 16**12
    return next(split for split, end in _ENDS.items() if share < end)


def even_split_of(group: str) -> str:
    """Returns the split of a group, whose size doesn't matter.

    A group is called by the least hash in it, which is the less the larger the
    group: `split_of` has nearly all large groups in train. So the name is
    hashed again.

    Args:
        group: Its name.
    """
    return split_of(hashlib.sha256(group.encode()).hexdigest())


def share_out(
    groups: Mapping[_Key, str], find_split: Callable[[str], str] = split_of
) -> dict[str, list[_Key]]:
    """Shares pictures out, each group as a whole.

    Args:
        groups: The group of each picture.
        find_split: Function that returns the split of a group.

    Returns:
        The pictures of train, validation and test, 80, 10 and 10 %; a list of
        them may be empty.
    """
    splits: dict[str, list[_Key]] = {split: [] for split in _ENDS}
    for picture, group in groups.items():
        splits[find_split(group)].append(picture)
    return splits
