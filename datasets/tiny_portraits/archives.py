"""Finds the PNG files of a pack, in ZIP archives or in a folder.

Archives are read as streams: nothing is ever unpacked to disk.
"""

import contextlib
import itertools
import lzma
import pathlib
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator
from typing import NamedTuple

from . import crew
from . import facts
from .bad_items import BadItems
from .errors import DatasetInputError

FOLDERS = (*facts.ARCHIVE_FOLDERS, facts.IMAGE_FOLDER)

# A raw portrait has 27 kB. What claims to be this much bigger is none, and
# would only eat the memory.
_MAX_IMAGE_BYTES = 1 << 20

# Files that are asked for at once, and what makes a process worth its start.
_CHUNK = 64
_IMAGES_PER_WORKER = 1024

# What `zipfile` raises on damaged, encrypted or exotic archives.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
)

_IMAGE_NAME = re.compile(facts.IMAGE_NAME_PATTERN)


class _Location(NamedTuple):
    """Where the file of an image lies."""

    container: int
    position: int
    name: str
    size: int


class Archives:
    """The image files of a pack by image index.

    Attributes:
        folder: The folder that was found beside the attribute file.
        containers: Its ZIP archives, or the folder itself if it holds PNGs.

    Example:
        >>> archives = Archives(pathlib.Path("pack"), BadItems())
        >>> for index, where, content in archives.read([0, 59]):
        ...     print(index, where, len(content))
    """

    def __init__(self, manual_dir: pathlib.Path, bad_items: BadItems):
        """Lists all files without reading an image.

        Args:
            manual_dir: The folder that holds one of the three known folders.
            bad_items: Takes up archives and entries that can't be used.

        Raises:
            DatasetInputError: If there is no such folder, or an item is bad
                and bad items are refused.
        """
        self._bad_items = bad_items
        self._locations: dict[int, _Location] = {}
        self.folder = find_folder(manual_dir)
        archives = list_archives(self.folder)
        self.containers = archives or [self.folder]
        if archives:
            for number, path in enumerate(archives):
                self._add_archive(number, path)
        else:
            for path in sorted(self.folder.glob("*.png")):
                self._add(0, 0, path.name, path.stat().st_size)

    @property
    def indices(self) -> Collection[int]:
        """The indices of all images found."""
        return self._locations.keys()

    @property
    def size(self) -> int:
        """The bytes of all images together."""
        return sum(location.size for location in self._locations.values())

    def describe(self, index: int) -> str:
        """Returns file and entry of an image, for messages."""
        location = self._locations[index]
        return self._describe(location.container, location.name)

    def read(
        self,
        indices: Collection[int],
        check: Callable[[bytes], str | None] | None = None,
        workers: int = 1,
    ) -> Iterator[tuple[int, str, bytes]]:
        """Reads images one by one, in the order in which they are stored.

        Args:
            indices: Indices out of `self.indices`.
            check: A function of this package that returns what is wrong with
                a file, or None; it runs where the file is read.
            workers: The number of processes that read and check. Neither what
                is yielded nor its order depends on it.

        Yields:
            The image index, a description of file and entry, and the bytes of
            the file. What can't be read, or fails the check, goes to the bad
            items.

        Raises:
            DatasetInputError: If there is such a file and bad items are
                refused.
        """
        found = sorted((self._locations[index], index) for index in indices)
        files = [(location.container, location.name) for location, _ in found]
        starts = range(0, len(files), _CHUNK)
        chunks = [(files[start : start + _CHUNK],) for start in starts]
        with contextlib.closing(_Reader(self.containers, check)) as reader:
            # The first chunk is read here: who only looks whether there is
            # anything starts no process.
            answers = itertools.chain(
                itertools.starmap(reader, chunks[:1]),
                crew.map_in_order(
                    reader,
                    chunks[1:],
                    min(workers, len(files) // _IMAGES_PER_WORKER),
                ),
            )
            for (location, index), (content, defect) in zip(
                found, itertools.chain.from_iterable(answers), strict=True
            ):
                where = self._describe(location.container, location.name)
                if defect is None:
                    yield index, where, content
                else:
                    self._bad_items.report([where], *defect)

    def _add_archive(self, number: int, path: pathlib.Path) -> None:
        """Adds the entries of a ZIP archive."""
        try:
            with zipfile.ZipFile(path) as archive:
                entries = archive.infolist()
        except _ZIP_ERRORS as error:
            self._bad_items.report(
                [str(path)],
                f"is not a whole ZIP archive ({error})",
                "Get the archive again",
            )
            return
        for entry in entries:
            if _is_unsafe(entry.filename):
                self._bad_items.report(
                    [self._describe(number, entry.filename)],
                    "has an absolute path or `..` in its name, which no entry "
                    "of the data set has",
                    "Get the archive again from a source that you trust",
                )
            elif entry.file_size > _MAX_IMAGE_BYTES:
                self._bad_items.report(
                    [self._describe(number, entry.filename)],
                    f"claims to have {entry.file_size:,} bytes, which no "
                    "portrait has",
                    "Delete the entry",
                )
            elif not entry.is_dir():
                self._add(
                    number,
                    entry.header_offset,
                    entry.filename,
                    entry.file_size,
                )

    def _add(self, container: int, position: int, name: str, size: int) -> None:
        """Adds a file if it is a portrait; other kinds of files may lie by."""
        base_name = name.rpartition("/")[2]
        # macOS puts a `._` file beside each file of the archives it makes.
        if not name.endswith(".png") or base_name.startswith("."):
            return
        match = _IMAGE_NAME.fullmatch(base_name)
        where = self._describe(container, name)
        if match is None:
            self._bad_items.report(
                [where],
                "is not named like a portrait, as in "
                f"{facts.IMAGE_NAME.format(index=0)}",
                "Rename or delete it",
            )
            return
        index = int(match[1])
        if index in self._locations:
            self._bad_items.report(
                [where],
                f"is there a second time: {self.describe(index)} is the same "
                "portrait",
                "Delete one of the two",
            )
            return
        self._locations[index] = _Location(container, position, name, size)

    def _describe(self, container: int, name: str) -> str:
        path = self.containers[container]
        separator = "/" if path == self.folder else ": "
        return f"{path.name}{separator}{name}"


def find_folder(manual_dir: pathlib.Path) -> pathlib.Path:
    """Returns the folder of archives or images in `manual_dir`.

    Of several, the first that holds an archive or a PNG file, archives first.

    Raises:
        DatasetInputError: If there is none.
    """
    if not manual_dir.is_dir():
        raise DatasetInputError(
            f"There is no folder {manual_dir}. Pass --manual_dir with the "
            f"folder that holds {facts.CSV_NAME}."
        )
    folders = [manual_dir / name for name in FOLDERS]
    existing = [folder for folder in folders if folder.is_dir()]
    for folder in existing:
        if any(folder.glob("*.zip")) or any(folder.glob("*.png")):
            return folder
    if existing:
        raise DatasetInputError(
            f"{existing[0]} holds neither a ZIP archive nor a PNG image. Put "
            "the archives of the data set into it."
        )
    raise DatasetInputError(
        f"{manual_dir} holds none of the folders {', '.join(FOLDERS)}. Put "
        "the archives, or the images unpacked from them, into one of these."
    )


def list_archives(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the ZIP archives of a folder in the order of their names."""
    return sorted(folder.glob("*.zip"))


class _Reader:
    """Reads and checks files, and keeps the last archive open for the next."""

    def __init__(
        self,
        containers: list[pathlib.Path],
        check: Callable[[bytes], str | None] | None,
    ):
        self._containers = containers
        self._check = check
        self._number: int | None = None
        self._archive: zipfile.ZipFile | None = None

    def __reduce__(self):
        # An open archive stays in its process.
        return _Reader, (self._containers, self._check)

    def __call__(
        self, files: list[tuple[int, str]]
    ) -> list[tuple[bytes | None, tuple[str, str] | None]]:
        """Returns the content of each file, or its defect and the remedy."""
        answers = []
        for number, name in files:
            try:
                content = self._read(number, name)
            except _ZIP_ERRORS as error:
                reason = f"can't be read from its archive ({error})"
                answers.append((None, (reason, "Get the archive again")))
                continue
            reason = self._check(content) if self._check else None
            if reason is None:
                answers.append((content, None))
            else:
                remedy = "Get the image or its archive again"
                answers.append((None, (reason, remedy)))
        return answers

    def _read(self, number: int, name: str) -> bytes:
        container = self._containers[number]
        if container.suffix != ".zip":
            return (container / name).read_bytes()
        if number != self._number:
            self.close()
            self._archive = zipfile.ZipFile(container)
            self._number = number
        return self._archive.read(name)

    def close(self) -> None:
        """Closes the archive that is open."""
        if self._archive is not None:
            self._archive.close()
        self._archive = self._number = None


def _is_unsafe(name: str) -> bool:
    """Whether an entry would leave the folder it is unpacked into."""
    parts = name.replace("\\", "/").split("/")
    # An absolute path starts with a slash, or with a drive as in `C:`.
    return not parts[0] or parts[0][1:2] == ":" or ".." in parts
