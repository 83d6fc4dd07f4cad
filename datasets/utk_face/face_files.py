"""Finds the pictures, in an archive or in a folder."""

import hashlib
import pathlib
from typing import Any

from ..building.archives import Archives
from ..building.archives import base_name
from ..building.archives import is_hidden
from ..building.bad_items import BadItems
from ..building.build_record import describe_file
from ..building.errors import DatasetInputError
from ..building.file_reader import BadFileError
from ..building.file_reader import Location
from ..building.picture_files import Face
from ..building.picture_files import PictureFiles
from . import facts
from .labels import read_labels

_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz")
_PICTURES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")


class FaceFiles(PictureFiles):
    """The pictures of one folder, in an archive or on the disk.

    The index of a picture is its place in the order of the names of all.

    Args:
        manual_dir: A folder with an archive, or with pictures, or with a
            folder of pictures; or an archive itself.
        folder: Which folder of pictures is meant if there are several, such
            as `"UTKFace.zip: UTKFace"` or the end of it.
        bad_items: Takes up what can't be used.

    Raises:
        DatasetInputError: If there are none, or several folders, or a picture
            is bad and bad items are refused.
    """

    def __init__(
        self, manual_dir: pathlib.Path, folder: str, bad_items: BadItems
    ):
        archives, loose = _find_paths(manual_dir)
        root = manual_dir.parent if manual_dir.is_file() else manual_dir
        super().__init__(
            Archives(root.resolve(), archives, loose, bad_items), facts.SIZE
        )
        folders: dict[str, list[Location]] = {}
        for file in self.archives.files:
            if file.name.lower().endswith(_PICTURES):
                name = file.name.replace("\\", "/").rpartition("/")[0]
                where = self.archives.describe(file._replace(name=name))
                folders.setdefault(where.rstrip("/"), []).append(file)
        files = _choose(folders, folder, manual_dir)
        seen = set()
        for index, file in enumerate(sorted(files, key=_sort_key)):
            name = base_name(file)
            try:
                labels = read_labels(name)
                if name in seen:
                    raise BadFileError("is there a second time")
            except BadFileError as error:
                bad_items.report(
                    [self.archives.describe(file)],
                    str(error),
                    "Rename or delete it",
                )
                continue
            seen.add(name)
            self.add(file, Face(index, labels), bad_items)


def describe_inputs(manual_dir: pathlib.Path, folder: str) -> dict[str, Any]:
    """Returns size and time of change of archives and pictures.

    Raises:
        DatasetInputError: If there are none.
    """
    archives, loose = _find_paths(manual_dir)
    inputs: dict[str, Any] = {"--folder": folder}
    inputs |= {path.name: describe_file(path) for path in archives}
    if loose:
        digest = hashlib.sha256()
        for path in loose:
            digest.update(f"{path} {describe_file(path)}\n".encode())
        inputs["pictures"] = digest.hexdigest()
    return inputs


def _find_paths(
    manual_dir: pathlib.Path,
) -> tuple[list[pathlib.Path], list[pathlib.Path]]:
    """Returns the archives in a folder, and the pictures up to two below."""
    if manual_dir.is_file() and manual_dir.name.lower().endswith(_ARCHIVES):
        return [manual_dir.resolve()], []
    if not manual_dir.is_dir():
        raise DatasetInputError(
            f"There is no folder {manual_dir}. Pass --manual_dir with the "
            f"folder that holds {facts.ARCHIVE_NAME}."
        )
    manual_dir = manual_dir.resolve()
    paths = sorted(
        path
        for pattern in ("*", "*/*", "*/*/*")
        for path in manual_dir.glob(pattern)
        if not any(map(is_hidden, path.relative_to(manual_dir).parts))
    )
    archives = [
        path
        for path in paths
        if path.parent == manual_dir
        and path.name.lower().endswith(_ARCHIVES)
        and path.is_file()
    ]
    pictures = [path for path in paths if path.suffix.lower() in _PICTURES]
    if not archives and not pictures:
        raise DatasetInputError(
            f"{manual_dir} holds neither an archive nor a picture. Put "
            f"{facts.ARCHIVE_NAME}, or the pictures unpacked from it, into it."
        )
    return archives, pictures


def _choose(
    folders: dict[str, list[Location]], folder: str, manual_dir: pathlib.Path
) -> list[Location]:
    """Returns the pictures of the one folder that is meant."""
    chosen = [
        name
        for name in folders
        if not folder
        or name == folder
        or name.endswith((f"/{folder}", f": {folder}"))
    ]
    if len(chosen) == 1:
        return folders[chosen[0]]
    if not folders:
        raise DatasetInputError(
            f"{manual_dir} holds no picture, in no archive. Expected pictures "
            f"such as {facts.EXAMPLE_NAME}."
        )
    raise DatasetInputError(
        f"{manual_dir} holds pictures in {len(folders)} folders, maybe the "
        f"same ones: {', '.join(folders)}. Choose one of these names with "
        f"--folder. Received: folder={folder!r}"
    )


def _sort_key(file: Location):
    return base_name(file), file
