"""JPEG files with labels: compared with each other, and converted."""

import functools
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Hashable
from typing import Any
from typing import NamedTuple

import tqdm

from . import near_duplicates
from .archives import Archives
from .bad_items import BadItems
from .file_examples import FileExamples
from .file_reader import Location
from .pictures import convert
from .pictures import look_at

# A picture has 5 kB. What claims to be this much would only eat the memory.
_MAX_BYTES = 1 << 20


class Face(NamedTuple):
    """A picture and its labels.

    Attributes:
        index: Its `image_index`.
        labels: A named tuple of labels by feature.
    """

    index: int
    labels: Any


class PictureFiles:
    """Pictures in archives or folders; who derives adds the faces.

    Args:
        archives: Where the pictures lie.
        side: Height and width of each.
        is_least: Whether both may be more; the middle is then cut out.

    Attributes:
        archives: Where the pictures lie.
        faces: The `Face`s by location.
    """

    def __init__(self, archives: Archives, side: int, is_least: bool = False):
        self.archives = archives
        self.faces: dict[Location, Face] = {}
        self._size = {"side": side, "is_least": is_least}

    def add(self, file: Location, face: Face, bad_items: BadItems) -> None:
        """Adds a face, unless its file is far too big for a picture."""
        if file.size <= _MAX_BYTES:
            self.faces[file] = face
            return
        bad_items.report(
            [self.archives.describe(file)],
            f"claims to have {file.size:,} bytes",
            "Delete it",
        )

    def compare(
        self,
        files: Collection[Location],
        key: Callable[[Any], Hashable] | None = None,
    ) -> dict[Location, str]:
        """Reads pictures and returns the group of near duplicates of each.

        Args:
            files: Locations out of `self.faces`. Those of bad pictures are
                left out, which go to the bad items.
            key: Function of the labels of a picture. Where it returns equals,
                pictures are of one group as well.
        """
        work = functools.partial(look_at, **self._size)
        looks = dict(
            tqdm.tqdm(
                self.archives.read(files, work),
                total=len(files),
                desc="Comparing",
                unit=" portraits",
                mininterval=0.5,
            )
        )
        keys = [key(self.faces[file].labels) for file in looks] if key else []
        groups = near_duplicates.group(list(looks.values()), keys)
        return dict(zip(looks, groups, strict=True))

    def read(
        self,
        files: Collection[Location],
        height: int,
        width: int,
        tell: Callable[[Any], dict[str, Any]] | None = None,
    ) -> FileExamples:
        """Returns the examples of pictures, as PNG files of a size.

        Args:
            files: Locations out of `self.faces`.
            height: Of the PNG files.
            width: Likewise.
            tell: Function of the labels of a picture that returns those of
                the example; None takes them as they are.
        """
        work = functools.partial(
            convert, height=height, width=width, **self._size
        )

        def find(file):
            index, labels = self.faces[file]
            return index, tell(labels) if tell else labels._asdict()

        return FileExamples(self.archives, files, work, find)
