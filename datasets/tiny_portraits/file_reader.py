"""Reads files out of folders and ZIP archives, in any process."""

import lzma
import pathlib
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import NamedTuple

# What `zipfile` raises on damaged, encrypted or exotic archives.
ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
)


class Container(NamedTuple):
    """A folder of images, a ZIP archive, or one that lies in another.

    Attributes:
        path: The folder or archive.
        inner: The entry of the archive that is the archive meant.
    """

    path: pathlib.Path
    inner: str = ""


class Location(NamedTuple):
    """Where a file lies.

    Attributes:
        container: The number of the container.
        position: Where it begins in an archive.
        name: Its name in the archive or folder.
        size: Its bytes, unpacked.
        checksum: CRC-32, as archives say it; None in a folder.
    """

    container: int
    position: int
    name: str
    size: int
    checksum: int | None = None


def open_archive(container: Container) -> zipfile.ZipFile:
    """Opens a ZIP archive; one that lies in another is read in its place.

    Raises:
        Exception: One of `ZIP_ERRORS` if it can't be read.
    """
    archive = zipfile.ZipFile(container.path)
    if not container.inner:
        return archive
    # The file is closed with the last one that reads it.
    with archive:
        return zipfile.ZipFile(archive.open(container.inner))


class Reader:
    """Reads and checks files, and keeps the last archive open for the next."""

    def __init__(
        self,
        containers: list[Container],
        check: Callable[[bytes], str | None] | None,
    ):
        """Creates a reader that has nothing open yet.

        Args:
            containers: What the numbers of the locations stand for.
            check: Returns what is wrong with a file, or None.
        """
        self._containers = containers
        self._check = check
        self._number: int | None = None
        self._archive: zipfile.ZipFile | None = None
        self._entries: dict[int, zipfile.ZipInfo] = {}

    def __reduce__(self):
        # An open archive stays in its process.
        return Reader, (self._containers, self._check)

    def __call__(
        self, files: list[Location]
    ) -> list[tuple[bytes | None, tuple[str, str] | None]]:
        """Returns the content of each file, or its defect and the remedy."""
        answers = []
        for location in files:
            try:
                content = self._read(location)
            except ZIP_ERRORS as error:
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

    def _read(self, location: Location) -> bytes:
        container = self._containers[location.container]
        if location.checksum is None:
            return (container.path / location.name).read_bytes()
        if location.container != self._number:
            self.close()
            self._archive = open_archive(container)
            self._number = location.container
            # A name may be there twice; a position is not.
            self._entries = {
                entry.header_offset: entry for entry in self._archive.infolist()
            }
        return self._archive.read(self._entries[location.position])

    def close(self) -> None:
        """Closes the archive that is open."""
        if self._archive is not None:
            self._archive.close()
        self._archive = self._number = None
