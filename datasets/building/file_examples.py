"""Examples that are made of a file each, here or by workers of a pipeline."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

from .archives import Archives
from .file_reader import Location
from .file_reader import Reader


class FileExamples:
    """The examples of a split, in the order in which their files are stored.

    Args:
        archives: Where the files lie.
        files: Locations out of its files.
        work: Makes the picture of the bytes of a file; see `Archives.read`.
        tell: Function of a location that returns `image_index` and labels, a
            dict by feature.

    Example:
        >>> examples = FileExamples(archives, archives.files, bytes, tell)
        >>> for index, example in examples:
        ...     print(index, example["gender"], len(example["image"]))
    """

    def __init__(
        self,
        archives: Archives,
        files: Iterable[Location],
        work: Callable[[bytes], Any],
        tell: Callable[[Location], tuple[int, dict[str, Any]]],
    ):
        self.files = sorted(files)
        self._archives, self._work, self._tell = archives, work, tell

    def __iter__(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yields index and example; what is bad goes to the bad items."""
        for file, content in self._archives.read(self.files, self._work):
            yield make_example(content, *self._tell(file))

    def rows(self) -> Iterator[tuple[Location, int, dict[str, Any]]]:
        """Yields location, index and labels, of files that may be bad."""
        for file in self.files:
            yield file, *self._tell(file)

    def reader(self) -> Reader:
        """Returns what reads the files in any process that sees them."""
        return Reader(self._archives.containers, self._work)

    def describe(self, file: Location) -> str:
        """Returns archive and entry of a file, for messages."""
        return self._archives.describe(file)


def make_example(
    content: Any, index: int, labels: dict[str, Any]
) -> tuple[int, dict[str, Any]]:
    """Returns key and example of a picture, its index and its labels."""
    return index, {"image": content, "image_index": index, **labels}
