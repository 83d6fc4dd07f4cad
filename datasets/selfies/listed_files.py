"""The table and the pictures of it."""

import pathlib

from ..building.bad_items import BadItems
from ..building.listed_files import ListedFiles
from ..building.listed_files import Listing
from . import facts
from .labels import read_rows
from .labels import row_name

LISTING = Listing(
    facts.TABLE_NAME,
    facts.FOLDER_NAME,
    facts.SIZE,
    read_rows,
    is_least=True,
    row_name=row_name,
    alone=" The table alone is what training.rank_attributes reads.",
)


def open_files(manual_dir: pathlib.Path, bad_items: BadItems) -> ListedFiles:
    """Opens the table and its pictures.

    Args:
        manual_dir: The folder of `selfie_dataset.txt`, with `images.zip` or a
            folder `images`.
        bad_items: Takes up rows without a picture, pictures without a row,
            and what else can't be used.

    Returns:
        The pictures; the labels of each are a `Selfie`.

    Raises:
        DatasetInputError: If table or pictures are missing, or an item is bad
            and bad items are refused.
    """
    return ListedFiles(manual_dir, LISTING, bad_items)
