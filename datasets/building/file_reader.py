"""Reads files out of folders and archives, in any process, and checks them."""

import contextlib
import gzip
import lzma
import pathlib
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import Any
from typing import NamedTuple

# What is raised on damaged, encrypted or exotic archives.
ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    gzip.BadGzipFile,
    EOFError,
    RuntimeError,
    ValueError,
)


class BadFileError(Exception):
    """A file can't be used; the message continues a sentence on the file."""


class Container(NamedTuple):
    """A folder of files, an archive, or a ZIP archive that lies in another.

    Attributes:
        path: The folder or archive.
        inner: The entry of the archive that is the archive meant.
    """

    path: pathlib.Path
    inner: str = ""

    @property
    def is_tar(self) -> bool:
        """Whether it is a tar file, compressed or not."""
        return self.path.name.lower().endswith((".tar", ".tgz", ".tar.gz"))


class Location(NamedTuple):
    """Where a file lies.

    Attributes:
        container: The number of the container.
        position: Where it begins in an archive.
        name: Its name in the archive or folder.
        size: Its bytes, unpacked.
        checksum: CRC-32, as ZIP archives say it; None elsewhere.
    """

    container: int
    position: int
    name: str
    size: int
    checksum: int | None = None


@contextlib.contextmanager
def open_zip(container: Container):
    """Opens a ZIP archive; one that lies in another is read in its place.

    Raises:
        Exception: One of `ARCHIVE_ERRORS` if it can't be read.
    """
    with zipfile.ZipFile(container.path) as archive:
        if not container.inner:
            yield archive
            return
        with (
            archive.open(container.inner) as file,
            zipfile.ZipFile(file) as inner,
        ):
            yield inner


class Reader:
    """Reads files and works on them; keeps the last archive open.

    Args:
        containers: What the numbers of the locations stand for.
        work: Takes the bytes of a file and returns what is made of it, or
            raises `BadFileError`.
    """

    def __init__(
        self, containers: list[Container], work: Callable[[bytes], Any] = bytes
    ):
        self._containers = containers
        self._work = work
        self._number: int | None = None
        self._open = contextlib.ExitStack()
        self._read_at: Callable[[Location], bytes]

    def __reduce__(self):
        # An open archive stays in its process.
        return Reader, (self._containers, self._work)

    def __call__(
        self, files: list[Location]
    ) -> list[tuple[Any, tuple[str, str] | None]]:
        """Returns what is made of each file, or its defect and the remedy."""
        answers = []
        for location in files:
            try:
                content = self._read(location)
            except ARCHIVE_ERRORS as error:
                reason = f"can't be read from its archive ({error})"
                answers.append((None, (reason, "Get the archive again")))
                continue
            try:
                answers.append((self._work(content), None))
            except BadFileError as error:
                remedy = "Get the image or its archive again"
                answers.append((None, (str(error), remedy)))
        return answers

    def _read(self, location: Location) -> bytes:
        if location.container != self._number:
            self.close()
            container = self._containers[location.container]
            if container.path.is_dir():
                self._read_at = lambda file: (
                    container.path / file.name
                ).read_bytes()
            elif container.is_tar:
                tar = tarfile.open(container.path)  # noqa: SIM115
                self._open.enter_context(tar)
                self._read_at = lambda file: _read_tar(tar, file)
            else:
                archive = self._open.enter_context(open_zip(container))
                # A name may be there twice; a position is not.
                entries = {
                    entry.header_offset: entry for entry in archive.infolist()
                }
                self._read_at = lambda file: archive.read(
                    entries[file.position]
                )
            self._number = location.container
        return self._read_at(location)

    def close(self) -> None:
        """Closes the archive that is open."""
        self._open.close()
        self._number = None


def _read_tar(tar: tarfile.TarFile, location: Location) -> bytes:
    # Forwards this is one pass over what is compressed.
    tar.fileobj.seek(location.position)
    content = tar.fileobj.read(location.size)
    if len(content) < location.size:
        raise EOFError("it is cut off")
    return content
