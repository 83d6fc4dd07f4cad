"""Groups pictures that are nearly the same."""

import collections
from collections.abc import Hashable
from collections.abc import Iterable
from collections.abc import Sequence

import numpy as np

from .pictures import Look

# Up to so many of 64 gradients differ. On aligned faces as many are equal by
# chance among different people, so the pictures are then compared themselves.
# Both were chosen by looking at pairs: below this correlation different people
# begin, above it there were none.
_MOST_BITS = 8
_LEAST_CORRELATION = 0.955

_BLOCK = 256


def group(looks: Sequence[Look], keys: Sequence[Hashable] = ()) -> list[str]:
    """Returns the name of the group of each picture.

    Pictures are in one group if a chain of near duplicates connects them. A
    group is called by the least of the digests in it, so that neither names
    nor the order of the pictures matter.

    Args:
        looks: What is compared.
        keys: One of each picture, or none at all. Those of equal keys count as
            near duplicates, too, whatever they look like.
    """
    parents = list(range(len(looks)))

    def find(place):
        while parents[place] != place:
            parents[place] = parents[parents[place]]
            place = parents[place]
        return place

    firsts: dict[Hashable, int] = {}
    ties = [
        (firsts.setdefault(k, place), place) for place, k in enumerate(keys)
    ]
    for first, second in _find_pairs(looks) + ties:
        first, second = find(first), find(second)
        # The least digest is the root.
        if looks[second].digest < looks[first].digest:
            first, second = second, first
        parents[second] = first
    return [looks[find(place)].digest for place in range(len(looks))]


def count(groups: Iterable[str]) -> dict[str, int]:
    """Returns what a record tells of the groups of all pictures."""
    sizes = collections.Counter(groups).values()
    return {
        "groups": len(sizes),
        "near duplicates": sum(size for size in sizes if size > 1),
    }


def _find_pairs(looks: Sequence[Look]) -> list[tuple[int, int]]:
    """Returns the places of pictures that are nearly the same."""
    gradients = np.array([look.gradients for look in looks], np.uint64)
    pairs = []
    for start in range(0, len(looks), _BLOCK):
        block = gradients[start : start + _BLOCK, None]
        close = np.bitwise_count(block ^ gradients[start:]) <= _MOST_BITS
        first, second = np.nonzero(np.triu(close, 1))
        pairs += (np.stack([first, second], axis=1) + start).tolist()
    if not pairs:
        return []
    thumbnails = np.array([look.thumbnail for look in looks], np.float32)
    thumbnails -= thumbnails.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(thumbnails, axis=1, keepdims=True)
    thumbnails /= np.maximum(lengths, 1e-6)
    return [
        (first, second)
        for first, second in pairs
        if thumbnails[first] @ thumbnails[second] > _LEAST_CORRELATION
        or looks[first].digest == looks[second].digest
    ]
