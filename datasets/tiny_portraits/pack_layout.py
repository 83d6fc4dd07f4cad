"""Finds where in a folder the parts of a pack lie."""

import pathlib
import re
from typing import NamedTuple

from ..building.archives import is_hidden
from ..building.errors import DatasetInputError
from . import facts

FOLDERS = (*facts.ARCHIVE_FOLDERS, facts.IMAGE_FOLDER)

# Whoever packed them may have written the names in capitals.
_ARCHIVES = "*.[zZ][iI][pP]"
_IMAGES = "*.[pP][nN][gG]"
IMAGE_NAME = re.compile(facts.IMAGE_NAME_PATTERN, re.IGNORECASE)


class PackLayout(NamedTuple):
    """The files of a pack.

    Attributes:
        manual_dir: The folder that was given.
        folder: The folder of the archives or images: one of the three known
            folders, or any other that holds them.
        archives: The ZIP archives in it and in the folders directly below, in
            the order of their names.
        images: Likewise the PNG files if there is no archive.
        csv_path: The attribute file, or None if it lies in no folder around:
            then it may be in an archive.
    """

    manual_dir: pathlib.Path
    folder: pathlib.Path
    archives: list[pathlib.Path]
    images: list[pathlib.Path]
    csv_path: pathlib.Path | None


def find_layout(manual_dir: pathlib.Path) -> PackLayout:
    """Finds archives or images, and the attribute file.

    The known folders count first, in `manual_dir` and then in the one folder
    below it that has some; else what lies in `manual_dir` itself. Of several
    known folders, the first that holds an archive or an image.

    Raises:
        DatasetInputError: If there are none, or packs in several folders.
    """
    if not manual_dir.is_dir():
        raise DatasetInputError(
            f"There is no folder {manual_dir}. Pass --manual_dir with the "
            f"folder that holds {facts.CSV_NAME}."
        )
    manual_dir = manual_dir.resolve()  # `.` has no name and no parent.
    folder = _find_folder(manual_dir)
    archives = _list_files(folder, _ARCHIVES)
    places = [manual_dir, folder, folder.parent, manual_dir.parent]
    csv_paths = [place / facts.CSV_NAME for place in places]
    return PackLayout(
        manual_dir,
        folder,
        archives,
        [] if archives else _list_files(folder, _IMAGES),
        next((path for path in csv_paths if path.is_file()), None),
    )


def _find_folder(manual_dir: pathlib.Path) -> pathlib.Path:
    """Returns the folder of archives or images."""
    own = _known_folders(manual_dir)
    below = [
        _known_folders(folder)[:1]
        for folder in sorted(manual_dir.glob("*/"))
        if not own
    ]
    found = [*own[:1], *sum(below, [])]
    if len(found) > 1:
        raise DatasetInputError(
            f"{manual_dir} holds several packs: "
            f"{', '.join(str(folder.parent) for folder in found)}. Pass one "
            "of these as --manual_dir, or put their archives into one folder."
        )
    if found:
        return found[0]
    # Any folder may hold archives; pictures have to be called portraits.
    if any(_glob(manual_dir, _ARCHIVES)) or any(
        IMAGE_NAME.fullmatch(path.name) for path in _glob(manual_dir, _IMAGES)
    ):
        return manual_dir
    for name in FOLDERS:
        if (manual_dir / name).is_dir():
            raise DatasetInputError(
                f"{manual_dir / name} holds neither a ZIP archive nor a PNG "
                "image. Put the archives of the data set into it."
            )
    raise DatasetInputError(
        f"{manual_dir} holds none of the folders {', '.join(FOLDERS)}, and no "
        "ZIP archive. Put the archives, or the images unpacked from them, "
        "into one of these."
    )


def _known_folders(folder: pathlib.Path) -> list[pathlib.Path]:
    return [folder / name for name in FOLDERS if _holds_files(folder / name)]


def _holds_files(folder: pathlib.Path) -> bool:
    return any(_glob(folder, _ARCHIVES)) or any(_glob(folder, _IMAGES))


def _list_files(folder: pathlib.Path, pattern: str) -> list[pathlib.Path]:
    return sorted(_glob(folder, pattern))


def _glob(folder, pattern):
    """Yields the files in a folder, and in those directly below."""
    # What macOS puts beside files is none of them.
    for path in folder.glob(pattern):
        if not is_hidden(path.name):
            yield path
    for subfolder in folder.glob("*/"):
        if not is_hidden(subfolder.name):
            for path in subfolder.glob(pattern):
                if not is_hidden(path.name):
                    yield path
