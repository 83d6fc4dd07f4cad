"""The list of a part, and its pictures."""

import pathlib

from ..building.bad_items import BadItems
from ..building.listed_files import ListedFiles
from ..building.listed_files import Listing
from . import facts
from .labels import read_rows


def open_part(
    manual_dir: pathlib.Path, part: str, bad_items: BadItems, start: int = 0
) -> ListedFiles:
    """Opens a list and its pictures; see `ListedFiles`.

    Args:
        manual_dir: Their folder.
        part: `train` or `test`, as they are all called.
        bad_items: Takes up what can't be used.
        start: The index of the first row.
    """
    name = facts.LIST_NAME.format(part=part)
    listing = Listing(name, part, facts.SIZE, read_rows)
    return ListedFiles(manual_dir, listing, bad_items, start)


def has_list(manual_dir: pathlib.Path, part: str) -> bool:
    """Whether there is a list of a part."""
    return (manual_dir / facts.LIST_NAME.format(part=part)).exists()
