"""Makes small packs for tests, of plain pictures."""

import itertools

from ..building.testing import make_picture
from . import facts

CELLS = [*itertools.product(facts.NUMBERS, repeat=2)]

# Criterion and gender of some rows: 20, 13, 7 and 3 of the four cells.
TRAIN = sum(
    ([cell] * n for cell, n in zip(CELLS, (20, 13, 7, 3), strict=True)), []
)
TEST = [*CELLS, ("1", "-1")]


def make_part(part: str, cells, seed: int = 0) -> dict[str, bytes]:
    """Returns list and pictures of a part, by name.

    Args:
        part: `train` or `test`.
        cells: The numbers of each row.
        seed: That of the first picture.
    """
    rows, files = [], {}
    for number, cell in enumerate(cells):
        name = facts.FILE_NAME.format(number=number + 1)
        rows.append("\t".join((name, *cell)) + "\n")
        size = (facts.SIZE, facts.SIZE)
        files[f"{part}/{name}"] = make_picture(seed + number, size=size)
    return {f"{part}.txt": "".join(rows).encode()} | files


def make_files() -> dict[str, bytes]:
    """Returns the files of a pack, by name."""
    return make_part("train", TRAIN) | make_part("test", TEST, seed=1000)
