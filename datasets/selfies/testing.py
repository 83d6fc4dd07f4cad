"""Makes small tables and pictures for tests."""

from ..building.testing import make_picture
from . import facts

COUNT = 40
# Larger than what is built from it, as real pictures are.
PICTURE_SIZE = (100, 90)


def make_row(name: str, popularity: str = "4.25", **flags: int) -> str:
    """Returns a row of the table; flags that are not given are -1."""
    cells = [str(flags.get(flag, -1)) for flag in facts.FLAGS]
    return " ".join([name, popularity, *cells]) + "\n"


def make_rows(count: int = COUNT) -> list[str]:
    """Returns rows that all differ, with all classes in turn."""
    rows = []
    for number in range(count):
        flags = {facts.GENDER_FLAG: (-1, 1, 1, 0)[number % 4]}
        for names in facts.GROUPS.values():
            flags[[*names.values()][number % len(names)]] = 1
        for place, name in enumerate(facts.ATTRIBUTES):
            flags[name] = (1, -1, 0)[(number + place) % 3]
        name = facts.ROW_NAME.format(number=number + 1)
        rows.append(make_row(name, f"{2 + number / 16:.4f}", **flags))
    return rows


def make_files(rows: list[str] | None = None, seed: int = 0):
    """Returns the files of a pack by name: of each row another picture.

    Args:
        rows: Those of the table.
        seed: That of the first picture.
    """
    rows = make_rows() if rows is None else rows
    pictures = {
        f"{facts.FOLDER_NAME}/{row.split()[0]}.jpg": make_picture(
            seed + number, size=PICTURE_SIZE
        )
        for number, row in enumerate(rows)
    }
    return {facts.TABLE_NAME: "".join(rows).encode()} | pictures
