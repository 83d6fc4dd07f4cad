"""Joins the rows of a list and the pictures of an archive or a folder."""

import pathlib

from ..building.archives import Archives
from ..building.archives import base_name
from ..building.archives import is_hidden
from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from ..building.file_reader import Location
from ..building.picture_files import Face
from ..building.picture_files import PictureFiles
from . import facts
from .labels import Row
from .labels import read_rows


class ListedFiles(PictureFiles):
    """The pictures of one list.

    The index of a picture is the place of its row.

    Args:
        manual_dir: The folder with the list, and with the archive or the
            folder of its pictures.
        part: `train` or `test`, as they are all called.
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
        part: str,
        bad_items: BadItems,
        start: int = 0,
    ):
        path = manual_dir / facts.LIST_NAME.format(part=part)
        if not path.is_file():
            raise DatasetInputError(
                f"There is no {path.name} in {manual_dir}. Expected it there, "
                f"with {_describe_pictures(part)} beside it."
            )
        archives, loose = _find_pictures(manual_dir, part)
        root = manual_dir.resolve()
        super().__init__(Archives(root, archives, loose, bad_items), facts.SIZE)
        rows = read_rows(path, bad_items)
        self.end = start + max(row.line for row in rows.values())
        found = self._find(rows, path.name, bad_items)
        bad_items.report(
            [
                f"{path.name}, line {row.line}: {name}"
                for name, row in rows.items()
                if row.labels and name not in found
            ],
            f"has no picture; there is none in {_describe_pictures(part)}",
            "Get the pictures again or delete the row",
        )
        for name, file in found.items():
            line, labels = rows[name]
            if labels:
                self.add(file, Face(start + line - 1, labels), bad_items)

    def _find(
        self, rows: dict[str, Row], list_name: str, bad_items: BadItems
    ) -> dict[str, Location]:
        """Returns the pictures by name, of those that have a row."""
        found: dict[str, Location] = {}
        unlisted = []
        for file in self.archives.files:
            name = base_name(file)
            if name in rows and name not in found:
                found[name] = file
            elif name in rows:
                bad_items.report(
                    [self.archives.describe(file)],
                    "is there a second time",
                    "Rename or delete it",
                )
            elif name.lower().endswith((".jpg", ".jpeg")):
                unlisted.append(self.archives.describe(file))
        bad_items.report(
            unlisted, f"has no row in {list_name}", "Delete it or add the row"
        )
        return found


def has_list(manual_dir: pathlib.Path, part: str) -> bool:
    """Whether there is a list of a part."""
    return (manual_dir / facts.LIST_NAME.format(part=part)).exists()


def _describe_pictures(part: str) -> str:
    return f"{facts.ARCHIVE_NAME.format(part=part)} or a folder {part}"


def _find_pictures(
    manual_dir: pathlib.Path, part: str
) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
    """Returns the archive, or else the paths of the files in the folder."""
    root = manual_dir.resolve()
    archive = root / facts.ARCHIVE_NAME.format(part=part)
    if archive.is_file():
        return [archive], []
    paths = [
        path
        for path in sorted((root / part).rglob("*"))
        if path.is_file() and not is_hidden(path.name)
    ]
    if not paths:
        raise DatasetInputError(
            f"There are no pictures of {facts.LIST_NAME.format(part=part)} in "
            f"{manual_dir}. Expected {_describe_pictures(part)} beside it."
        )
    return [], paths
