"""Sets pictures aside, as many of every cell as its share says."""

import collections
from collections.abc import Hashable
from collections.abc import Sequence


def choose(
    groups: Sequence[str], cells: Sequence[Hashable], share: float
) -> set[int]:
    """Chooses pictures by the hashes of their groups.

    Groups stay together. In the order of their names each is chosen for which
    there still is room in the cells of all its pictures, so that cells are
    filled exactly, unless large groups are all that is left.

    Args:
        groups: The group of each picture, called by a hash.
        cells: The cell of each picture.
        share: How much of each cell is chosen, rounded to whole pictures.

    Returns:
        The places of the chosen pictures.

    Example:
        >>> choose(["b", "c", "a", "d"], ["x", "x", "y", "y"], 0.5)
        {0, 2}
    """
    counts = collections.Counter(cells)
    room = collections.Counter(
        {cell: round(share * count) for cell, count in counts.items()}
    )
    members = collections.defaultdict(list)
    for place, group in enumerate(groups):
        members[group].append(place)
    chosen: set[int] = set()
    for group in sorted(members):
        wanted = collections.Counter(cells[place] for place in members[group])
        if wanted <= room:
            room -= wanted
            chosen.update(members[group])
    return chosen
