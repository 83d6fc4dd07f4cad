"""Finds the portraits and the attribute file in a folder or in archives."""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Iterator
from typing import Any

from ..building.archives import Archives
from ..building.archives import base_name
from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from ..building.file_examples import FileExamples
from ..building.file_reader import Location
from . import facts
from .pack_layout import IMAGE_NAME
from .pack_layout import PackLayout

# A raw portrait has 27 kB, the attribute file 3 MB. What claims to be this much
# bigger is none, and would only eat the memory.
_MAX_IMAGE_BYTES = 1 << 20
_MAX_CSV_BYTES = 64 << 20


class PortraitFiles:
    """The image files of a pack by image index.

    Args:
        layout: Where the files lie.
        bad_items: Takes up archives and entries that can't be used.

    Attributes:
        folder: The folder of archives or images.

    Raises:
        DatasetInputError: If an item is bad and bad items are refused.

    Example:
        >>> files = PortraitFiles(find_layout(pathlib.Path("pack")), BadItems())
        >>> for index, content in files.read([0, 59]):
        ...     print(index, len(content))
    """

    def __init__(self, layout: PackLayout, bad_items: BadItems):
        self._bad_items = bad_items
        self._archives = Archives(
            layout.folder, layout.archives, layout.images, bad_items
        )
        self._locations: dict[int, Location] = {}
        self._csv_locations: list[Location] = []
        self._copies = 0
        self.folder = layout.folder
        for file in self._archives.files:
            name = base_name(file)
            if name.lower().endswith(".png"):
                self._add_image(file)
            elif name == facts.CSV_NAME and file.size <= _MAX_CSV_BYTES:
                self._csv_locations.append(file)
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
        return self._archives.describe(self._locations[index])

    def read(
        self,
        indices: Collection[int],
        work: Callable[[bytes], Any] = bytes,
        workers: int | None = None,
    ) -> Iterator[tuple[int, Any]]:
        """Yields image index and file, as they are stored.

        Args:
            indices: Indices out of `self.indices`.
            work: As for `Archives.read`.
            workers: Likewise.
        """
        by_file = {self._locations[index]: index for index in indices}
        for file, content in self._archives.read(by_file, work, workers):
            yield by_file[file], content

    def examples(
        self,
        indices: Collection[int],
        work: Callable[[bytes], Any],
        tell: Callable[[int], dict[str, Any]],
    ) -> FileExamples:
        """Returns the examples of portraits.

        Args:
            indices: Indices out of `self.indices`.
            work: As for `Archives.read`.
            tell: Function of an index that returns the labels.
        """
        by_file = {self._locations[index]: index for index in indices}
        return FileExamples(
            self._archives,
            by_file,
            work,
            lambda file: (by_file[file], tell(by_file[file])),
        )

    def read_csv(self) -> tuple[bytes, str] | None:
        """Reads an attribute file that lies in an archive.

        Returns:
            Its bytes and its name, or None if there is none.

        Raises:
            DatasetInputError: If there are several that differ, or it can't
                be read.
        """
        found = self._csv_locations
        if not found:
            return None
        names = [self._archives.describe(file) for file in found]
        if len({file.checksum for file in found}) > 1:
            raise DatasetInputError(
                f"There are several attribute files: {', '.join(names)}. Put "
                "the right one beside the archives."
            )
        for _, content in self._archives.read(found[:1]):
            return content, names[0]
        raise DatasetInputError(f"{names[0]} can't be read. Get it again.")

    def _add_image(self, file: Location) -> None:
        """Adds a PNG file, which must be a portrait."""
        match = IMAGE_NAME.fullmatch(base_name(file))
        where = self._archives.describe(file)
        if match is None:
            self._bad_items.report(
                [where],
                "is not named like a portrait, as in "
                f"{facts.IMAGE_NAME.format(index=0)}",
                "Rename or delete it",
            )
            return
        index = int(match[1])
        if file.checksum is not None and file.size > _MAX_IMAGE_BYTES:
            self._bad_items.indices.add(index)
            self._bad_items.report(
                [where],
                f"claims to have {file.size:,} bytes, which no portrait has",
                "Delete the entry",
            )
            return
        first = self._locations.setdefault(index, file)
        if first is file:
            return
        if self._identify(first) == self._identify(file):
            self._copies += 1
            return
        self._bad_items.report(
            [where],
            f"is there a second time: {self.describe(index)} is the same "
            "portrait",
            "Delete one of the two",
        )

    def _identify(self, file: Location) -> tuple[int, int]:
        return file.size, self._archives.checksum(file)
