"""A pack: the attribute file and the images that belong to its rows."""

import functools
import pathlib
from collections.abc import Iterator
from collections.abc import Sequence

from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from ..building.file_examples import FileExamples
from ..building.png_check import check_png
from . import facts
from .attributes import Attributes
from .attributes import read_attributes
from .pack_layout import PackLayout
from .pack_layout import find_layout
from .portrait_files import PortraitFiles

_CHECK = functools.partial(check_png, height=facts.HEIGHT, width=facts.WIDTH)


class PortraitPack:
    """Joins rows and images; reads, checks and yields the portraits.

    Only file names and labels are held in memory. Pixels pass through a few
    portraits at a time, so the size of a pack does not matter.

    Args:
        manual_dir: Folder with the attribute file and one of the three
            folders of archives or images; see `find_layout` for what else
            is understood.
        bad_items: Takes up what can't be used.
        missing: What means `n/a` in the hair columns, beside `n/a`.

    Attributes:
        files: Where its images lie.
        attributes: The labels by image index, of the rows that have an image.

    Raises:
        DatasetInputError: If the pack as a whole can't be used, or an
            item is bad and bad items are refused.

    Example:
        >>> pack = PortraitPack(pathlib.Path("pack"), BadItems())
        >>> for index, content in pack.portraits(pack.indices("test")):
        ...     print(index, pack.attributes[index].gender)
    """

    def __init__(
        self,
        manual_dir: pathlib.Path,
        bad_items: BadItems,
        missing: Sequence[str] = (),
    ):
        self._bad_items = bad_items
        layout = find_layout(manual_dir)
        self.files = PortraitFiles(layout, bad_items)
        content, name = _read_csv(layout, self.files, bad_items)
        table = read_attributes(content, name, bad_items, missing)
        self._report_unmatched(table)
        found = set(self.files.indices)
        self.attributes: dict[int, Attributes] = {
            index: attributes
            for index, attributes in table.items()
            if index in found
        }

    def indices(self, split: str) -> list[int]:
        """Returns the image indices of a split in ascending order."""
        begin, end = facts.SPLIT_RANGES[split]
        return [index for index in self.attributes if begin <= index < end]

    def portraits(self, indices: list[int]) -> Iterator[tuple[int, bytes]]:
        """Returns the image index and the checked PNG file of each portrait.

        Args:
            indices: Indices out of `self.attributes`.

        Raises:
            DatasetInputError: If an image is bad and bad items are refused.
        """
        return self.files.read(indices, _CHECK)

    def examples(self, indices: list[int]) -> FileExamples:
        """Returns the same portraits as examples of TFDS."""
        # The bytes enter the records as they are, without a new encoding.
        return self.files.examples(
            indices, _CHECK, lambda index: self.attributes[index].labels()
        )

    def _report_unmatched(self, table: dict[int, Attributes]) -> None:
        """Reports the rows without an image and the images without a row."""
        found = set(self.files.indices)
        # Their other half is there and bad, which is reported already.
        bad_indices = self._bad_items.indices
        missing = [
            f"{facts.IMAGE_NAME.format(index=index)} "
            f"({facts.CSV_NAME}, line {attributes.line})"
            for index, attributes in table.items()
            if index not in found and index not in bad_indices
        ]
        self._bad_items.report(
            missing,
            f"is nowhere in {self.files.folder}",
            "Add the archive or folder that holds it",
        )
        extra = [
            self.files.describe(index)
            for index in sorted(found - table.keys() - bad_indices)
        ]
        self._bad_items.report(
            extra,
            f"has no row in {facts.CSV_NAME}",
            "Delete the image, or copy the attribute file again",
        )


def _read_csv(
    layout: PackLayout, files: PortraitFiles, bad_items: BadItems
) -> tuple[bytes, str]:
    """Returns the bytes of the attribute file, and its name."""
    if layout.csv_path is not None:
        if layout.csv_path.parent != layout.manual_dir:
            bad_items.notes.append(f"attribute file: {layout.csv_path}")
        return layout.csv_path.read_bytes(), layout.csv_path.name
    in_archive = files.read_csv()
    if in_archive is None:
        others = sorted(layout.manual_dir.glob("*.[ct]sv"))
        rename = [f" Or is it {path.name}? Rename it then." for path in others]
        raise DatasetInputError(
            f"There is no attribute file {layout.manual_dir / facts.CSV_NAME}. "
            f"Put {facts.CSV_NAME} into the folder that holds the folder of "
            f"archives or images.{''.join(rename[:1])}"
        )
    bad_items.notes.append(f"attribute file: {in_archive[1]}")
    return in_archive
