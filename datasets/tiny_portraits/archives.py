"""Finds the PNG files of a pack, in ZIP archives or in a folder.

Archives are read as streams: nothing is ever unpacked to disk.
"""

import contextlib
import itertools
import re
import zlib
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator

from . import crew
from . import facts
from .bad_items import BadItems
from .errors import DatasetInputError
from .file_reader import ZIP_ERRORS
from .file_reader import Container
from .file_reader import Location
from .file_reader import Reader
from .file_reader import open_archive
from .pack_layout import IMAGE_NAME
from .pack_layout import PackLayout
from .pack_layout import is_hidden

# A raw portrait has 27 kB, the attribute file 3 MB. What claims to be this much
# bigger is none, and would only eat the memory.
_MAX_IMAGE_BYTES = 1 << 20
_MAX_CSV_BYTES = 64 << 20

# Files that are asked for at once, and what makes a process worth its start.
_CHUNK = 64
_IMAGES_PER_WORKER = 1024


class Archives:
    """The image files of a pack by image index.

    What is no portrait, such as the notes of a system, is not looked at.

    Attributes:
        folder: The folder of archives or images.
        containers: Its `Container`s: ZIP archives, or the folder itself if it
            holds images.

    Example:
        >>> layout = find_layout(pathlib.Path("pack"))
        >>> archives = Archives(layout, BadItems())
        >>> for index, where, content in archives.read([0, 59]):
        ...     print(index, where, len(content))
    """

    def __init__(self, layout: PackLayout, bad_items: BadItems):
        """Lists all files without reading an image.

        Args:
            layout: Where the files lie.
            bad_items: Takes up archives and entries that can't be used.

        Raises:
            DatasetInputError: If an item is bad and bad items are refused.
        """
        self._bad_items = bad_items
        self._locations: dict[int, Location] = {}
        self._csv_locations: list[Location] = []
        self._copies = 0
        self.folder = layout.folder
        self.containers: list[Container] = []
        for path in layout.archives:
            self._add_archive(Container(path))
        if layout.images:
            self.containers.append(Container(self.folder))
        for path in layout.images:
            name = path.relative_to(self.folder).as_posix()
            self._add_image(Location(0, 0, name, path.stat().st_size))
        if self._copies:
            bad_items.notes.append(
                f"{self._copies:,} images lie there twice with the same "
                "content; one of the two is read"
            )

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
        files = [location for location, _ in found]
        starts = range(0, len(files), _CHUNK)
        chunks = [(files[start : start + _CHUNK],) for start in starts]
        with contextlib.closing(Reader(self.containers, check)) as reader:
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

    def read_csv(self) -> tuple[bytes, str] | None:
        """Reads an attribute file that lies in an archive.

        Returns:
            Its bytes and its name, or None if there is none.

        Raises:
            DatasetInputError: If there are several that differ, or it can't
                be read.
        """
        if not self._csv_locations:
            return None
        found = self._csv_locations
        names = [self._describe(file.container, file.name) for file in found]
        if len({file.checksum for file in found}) > 1:
            raise DatasetInputError(
                f"There are several attribute files: {', '.join(names)}. Put "
                "the right one beside the archives."
            )
        with contextlib.closing(Reader(self.containers, None)) as reader:
            [(content, defect)] = reader(found[:1])
        if defect is not None:
            raise DatasetInputError(f"{names[0]} {defect[0]}. {defect[1]}.")
        return content, names[0]

    def _add_archive(self, container: Container) -> None:
        """Adds the entries of a ZIP archive, and of archives in it."""
        number = len(self.containers)
        self.containers.append(container)
        try:
            with open_archive(container) as archive:
                entries = archive.infolist()
        except ZIP_ERRORS as error:
            self._bad_items.report(
                [self._describe(number)],
                f"is not a whole ZIP archive ({error})",
                "Get the archive again",
            )
            return
        for entry in entries:
            location = Location(
                number,
                entry.header_offset,
                entry.filename,
                entry.file_size,
                entry.CRC,
            )
            # Some programs write the separator of Windows.
            *folders, name = entry.filename.replace("\\", "/").split("/")
            if _is_unsafe(entry.filename):
                self._bad_items.report(
                    [self._describe(number, entry.filename)],
                    "has an absolute path or `..` in its name, which no entry "
                    "of the data set has",
                    "Get the archive again from a source that you trust",
                )
            elif any(map(is_hidden, [*folders, name])):
                continue
            elif name.lower().endswith(".png"):
                self._add_image(location)
            elif name.lower().endswith(".zip"):
                self._add_inner(container, entry.filename)
            elif name == facts.CSV_NAME and entry.file_size <= _MAX_CSV_BYTES:
                self._csv_locations.append(location)

    def _add_inner(self, container: Container, name: str) -> None:
        """Adds an archive that lies in another, as drives pack folders."""
        if not container.inner:
            self._add_archive(container._replace(inner=name))
            return
        self._bad_items.report(
            [self._describe(self.containers.index(container), name)],
            "is an archive in an archive in an archive",
            "Unpack the outer one",
        )

    def _add_image(self, location: Location) -> None:
        """Adds a PNG file, which must be a portrait."""
        base_name = re.split(r"[/\\]", location.name)[-1]
        match = IMAGE_NAME.fullmatch(base_name)
        where = self._describe(location.container, location.name)
        if match is None:
            self._bad_items.report(
                [where],
                "is not named like a portrait, as in "
                f"{facts.IMAGE_NAME.format(index=0)}",
                "Rename or delete it",
            )
            return
        index = int(match[1])
        if location.checksum is not None and location.size > _MAX_IMAGE_BYTES:
            self._bad_items.indices.add(index)
            self._bad_items.report(
                [where],
                f"claims to have {location.size:,} bytes, which no portrait "
                "has",
                "Delete the entry",
            )
            return
        first = self._locations.setdefault(index, location)
        if first is location:
            return
        if self._identify(first) == self._identify(location):
            self._copies += 1
            return
        self._bad_items.report(
            [where],
            f"is there a second time: {self.describe(index)} is the same "
            "portrait",
            "Delete one of the two",
        )

    def _identify(self, location: Location) -> tuple[int, int]:
        """Returns size and checksum of a file."""
        checksum = location.checksum
        if checksum is None:
            checksum = zlib.crc32((self.folder / location.name).read_bytes())
        return location.size, checksum

    def _describe(self, number: int, name: str = "") -> str:
        """Returns how messages call a container, or a file in it."""
        path, inner = self.containers[number]
        if path == self.folder:
            return f"{path.name}/{name}"
        if not name and not inner:
            return str(path)
        outer = path.relative_to(self.folder).as_posix()
        return ": ".join(filter(None, [outer, inner, name]))


def _is_unsafe(name: str) -> bool:
    """Whether an entry would leave the folder it is unpacked into."""
    parts = name.replace("\\", "/").split("/")
    # An absolute path starts with a slash, or with a drive as in `C:`.
    return not parts[0] or parts[0][1:2] == ":" or ".." in parts
