"""Makes small packs for tests, of plain pictures."""

import itertools
import pathlib
from collections.abc import Mapping

from ..building.testing import make_picture
from ..building.testing import write_files
from ..building.testing import write_zip
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


def write_pack(
    folder: pathlib.Path, files: Mapping[str, bytes], zipped: bool = True
) -> pathlib.Path:
    """Writes files into a folder, pictures into archives; returns the folder.

    Args:
        folder: Is made if it is missing.
        files: Content by name, such as `train/000001.jpg`.
        zipped: Whether the pictures are written into archives.
    """
    lists = {name: data for name, data in files.items() if "/" not in name}
    write_files(folder, lists if zipped else files)
    for part in ("train", "test"):
        pictures = {n: files[n] for n in files if n.startswith(f"{part}/")}
        if zipped and pictures:
            write_zip(folder / f"{part}.zip", pictures)
    return folder
