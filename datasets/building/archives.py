"""Lists and reads the files of a folder and of archives in it.

Archives are read as streams: nothing is ever unpacked to disk.
"""

import contextlib
import itertools
import pathlib
import tarfile
import zlib
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from . import workers as workers_lib
from .bad_items import BadItems
from .file_reader import ARCHIVE_ERRORS
from .file_reader import Container
from .file_reader import Location
from .file_reader import Reader
from .file_reader import open_zip

# Files that are asked for at once, and what makes a process worth its start.
_CHUNK = 64
_FILES_PER_WORKER = 1024


class Archives:
    """The files in a folder and in archives.

    What is a note of a system is not looked at. Neither are folders.

    Args:
        folder: The folder of archives or files.
        archives: Paths of the archives.
        loose: Paths of files below the folder.
        bad_items: Takes up archives and entries that can't be used.

    Attributes:
        folder: The folder of archives or files.
        containers: Its `Container`s: archives, or the folder itself if it
            holds files.
        files: The `Location`s of all files.

    Raises:
        DatasetInputError: If an item is bad and bad items are refused.

    Example:
        >>> archives = Archives(folder, [folder / "a.zip"], [], BadItems())
        >>> for location, content in archives.read(archives.files):
        ...     print(archives.describe(location), len(content))
    """

    def __init__(
        self,
        folder: pathlib.Path,
        archives: Iterable[pathlib.Path],
        loose: Iterable[pathlib.Path],
        bad_items: BadItems,
    ):
        self._bad_items = bad_items
        self.folder = folder
        self.containers: list[Container] = []
        self.files: list[Location] = []
        for path in archives:
            self._add_archive(Container(path))
        for path in loose:
            if self.containers[-1:] != [Container(folder)]:
                self.containers.append(Container(folder))
            name = path.relative_to(folder).as_posix()
            self.files.append(
                Location(len(self.containers) - 1, 0, name, path.stat().st_size)
            )

    def describe(self, location: Location) -> str:
        """Returns archive and entry of a file, for messages."""
        return self._describe(location.container, location.name)

    def read(
        self,
        files: Iterable[Location],
        work: Callable[[bytes], Any] = bytes,
        workers: int | None = None,
    ) -> Iterator[tuple[Location, Any]]:
        """Reads files one by one, in the order in which they are stored.

        Args:
            files: Locations out of `self.files`.
            work: A function of this package that is called with the bytes of
                each file where it is read. It returns what to yield, or
                raises `BadFileError`.
            workers: The number of processes; None takes one per processor.
                Neither what is yielded nor its order depends on it, and few
                files need no second one.

        Yields:
            The location, and what `work` returned. What can't be read, or is
            bad, goes to the bad items.

        Raises:
            DatasetInputError: If there is such a file and bad items are
                refused.
        """
        files = sorted(files)
        starts = range(0, len(files), _CHUNK)
        chunks = [(files[start : start + _CHUNK],) for start in starts]
        workers = workers or workers_lib.count_cores()
        with contextlib.closing(Reader(self.containers, work)) as reader:
            # The first chunk is read here: who only looks whether there is
            # anything starts no process.
            answers = itertools.chain(
                itertools.starmap(reader, chunks[:1]),
                workers_lib.map_in_order(
                    reader,
                    chunks[1:],
                    min(workers, len(files) // _FILES_PER_WORKER),
                ),
            )
            for location, (result, defect) in zip(
                files, itertools.chain.from_iterable(answers), strict=True
            ):
                if defect is None:
                    yield location, result
                else:
                    self._bad_items.report([self.describe(location)], *defect)

    def checksum(self, location: Location) -> int:
        """Returns the CRC-32 of a file."""
        if location.checksum is not None:
            return location.checksum
        with contextlib.closing(Reader(self.containers, zlib.crc32)) as reader:
            return reader([location])[0][0]

    def _add_archive(self, container: Container) -> None:
        """Adds the entries of an archive, and of ZIP archives in it."""
        number = len(self.containers)
        self.containers.append(container)
        kind = "tar" if container.is_tar else "ZIP"
        listing = _list_tar if container.is_tar else _list_zip
        try:
            entries = listing(container, number)
        except ARCHIVE_ERRORS as error:
            self._bad_items.report(
                [self._describe(number)],
                f"is not a whole {kind} archive ({error})",
                "Get the archive again",
            )
            return
        for entry in entries:
            # Some programs write the separator of Windows.
            *folders, name = entry.name.replace("\\", "/").split("/")
            if _is_unsafe(entry.name):
                self._bad_items.report(
                    [self.describe(entry)],
                    "has an absolute path or `..` in its name, which no entry "
                    "of the data set has",
                    "Get the archive again from a source that you trust",
                )
            elif not name or any(map(is_hidden, [*folders, name])):
                continue
            elif name.lower().endswith(".zip"):
                self._add_inner(container, entry)
            else:
                self.files.append(entry)

    def _add_inner(self, container: Container, entry: Location) -> None:
        """Adds an archive that lies in another, as drives pack folders."""
        if not container.inner and not container.is_tar:
            self._add_archive(container._replace(inner=entry.name))
            return
        self._bad_items.report(
            [self.describe(entry)],
            "is an archive in an archive in an archive",
            "Unpack the outer one",
        )

    def _describe(self, number: int, name: str = "") -> str:
        """Returns how messages call a container, or a file in it."""
        path, inner = self.containers[number]
        if path == self.folder:
            return f"{path.name}/{name}"
        if not name and not inner:
            return str(path)
        outer = path.relative_to(self.folder).as_posix()
        return ": ".join(filter(None, [outer, inner, name]))


def is_hidden(name: str) -> bool:
    """Whether a file or folder is a note of the system that packed it."""
    return (name.startswith(".") and name != ".") or name == "__MACOSX"


def base_name(location: Location) -> str:
    """Returns the name of a file without its folders."""
    return location.name.replace("\\", "/").rpartition("/")[2]


def _is_unsafe(name: str) -> bool:
    """Whether an entry would leave the folder it is unpacked into."""
    parts = name.replace("\\", "/").split("/")
    # An absolute path starts with a slash, or with a drive as in `C:`.
    return not parts[0] or parts[0][1:2] == ":" or ".." in parts


def _list_zip(container: Container, number: int) -> list[Location]:
    with open_zip(container) as archive:
        return [
            Location(
                number,
                entry.header_offset,
                entry.filename,
                entry.file_size,
                entry.CRC,
            )
            for entry in archive.infolist()
        ]


def _list_tar(container: Container, number: int) -> list[Location]:
    with tarfile.open(container.path) as archive:
        entries = [
            Location(number, entry.offset_data, entry.name, entry.size)
            for entry in archive
            if entry.isreg()
        ]
        # The checksum of what is compressed stands at the end.
        while archive.fileobj.read(1 << 20):
            pass
        return entries
