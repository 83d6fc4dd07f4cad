"""Joins the rows of a list and the pictures of an archive or a folder."""

import pathlib
from collections.abc import Callable
from typing import NamedTuple

from .archives import Archives
from .archives import base_name
from .archives import is_hidden
from .bad_items import BadItems
from .errors import DatasetInputError
from .file_reader import Location
from .picture_files import Face
from .picture_files import PictureFiles
from .row_lists import Row

_ENDINGS = (".jpg", ".jpeg")


class Listing(NamedTuple):
    """What the files of a list are called, and how it is read.

    Attributes:
        list_name: The file with the rows.
        folder: The folder of the pictures; their archive is called after it.
        side: Height and width of every picture.
        read_rows: Function of the path of the list and the bad items that
            returns the rows by name.
        is_least: Whether pictures may be larger.
        row_name: Function of the file name of a picture that returns the name
            in its row.
        alone: A sentence on what a list is good for that has no pictures.
    """

    list_name: str
    folder: str
    side: int
    read_rows: Callable[[pathlib.Path, BadItems], dict[str, Row]]
    is_least: bool = False
    row_name: Callable[[str], str] = str
    alone: str = ""

    @property
    def archive_name(self) -> str:
        """The archive of the pictures."""
        return f"{self.folder}.zip"

    @property
    def pictures(self) -> str:
        """What holds the pictures, in words."""
        return f"{self.archive_name} or a folder {self.folder}"


class ListedFiles(PictureFiles):
    """The pictures of one list.

    The index of a picture is the place of its row.

    Args:
        manual_dir: The folder with the list, and with the archive or the
            folder of its pictures.
        listing: What these are called.
        bad_items: Takes up rows without a picture, pictures without a row,
            and what else can't be used.
        start: The index of the first row.

    Attributes:
        end: The index after that of the last row.

    Raises:
        DatasetInputError: If list or pictures are missing, or an item is bad
            and bad items are refused.
    """

    def __init__(
        self,
        manual_dir: pathlib.Path,
        listing: Listing,
        bad_items: BadItems,
        start: int = 0,
    ):
        path = manual_dir / listing.list_name
        if not path.is_file():
            raise DatasetInputError(
                f"There is no {path.name} in {manual_dir}. Expected it there, "
                f"with {listing.pictures} beside it."
            )
        archives, loose = _find_pictures(manual_dir, listing)
        root = manual_dir.resolve()
        super().__init__(
            Archives(root, archives, loose, bad_items),
            listing.side,
            listing.is_least,
        )
        rows = listing.read_rows(path, bad_items)
        self.end = start + max(row.line for row in rows.values())
        found = self._find(rows, listing, bad_items)
        bad_items.report(
            [
                f"{path.name}, line {row.line}: {name}"
                for name, row in rows.items()
                if row.labels and name not in found
            ],
            f"has no picture; there is none in {listing.pictures}",
            "Get the pictures again or delete the row",
        )
        for name, file in found.items():
            line, labels = rows[name]
            if labels:
                self.add(file, Face(start + line - 1, labels), bad_items)

    def _find(
        self, rows: dict[str, Row], listing: Listing, bad_items: BadItems
    ) -> dict[str, Location]:
        """Returns the pictures by name, of those that have a row."""
        found: dict[str, Location] = {}
        unlisted = []
        for file in self.archives.files:
            name = listing.row_name(base_name(file))
            if name in rows and name not in found:
                found[name] = file
            elif name in rows:
                bad_items.report(
                    [self.archives.describe(file)],
                    "is there a second time",
                    "Rename or delete it",
                )
            elif base_name(file).lower().endswith(_ENDINGS):
                unlisted.append(self.archives.describe(file))
        bad_items.report(
            unlisted,
            f"has no row in {listing.list_name}",
            "Delete it or add the row",
        )
        return found


def _find_pictures(
    manual_dir: pathlib.Path, listing: Listing
) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
    """Returns the archive, or else the paths of the files in the folder."""
    root = manual_dir.resolve()
    archive = root / listing.archive_name
    if archive.is_file():
        return [archive], []
    paths = [
        path
        for path in sorted((root / listing.folder).rglob("*"))
        if path.is_file() and not is_hidden(path.name)
    ]
    if not paths:
        raise DatasetInputError(
            f"There are no pictures of {listing.list_name} in {manual_dir}. "
            f"Expected {listing.pictures} beside it.{listing.alone}"
        )
    return [], paths
