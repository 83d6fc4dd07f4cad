"""Makes small packs for tests, of plain coloured pictures."""

import io
import pathlib
import zipfile
from collections.abc import Mapping

import numpy as np
import PIL.Image

from . import facts

# One portrait and more for each split: labels as the attribute file has them.
ROWS = {
    0: ("female", "n/a", "straight"),
    7: ("male", "black", "n/a"),
    59: ("female", "brown", "wavy"),
    1000: ("male", "bald", "bald"),
    162_769: ("male", "n/a", "n/a"),
    162_770: ("female", "blond", "wavy"),
    182_636: ("male", "gray", "straight"),
    182_637: ("female", "black", "straight"),
    202_598: ("male", "brown", "n/a"),
}
SPLIT_COUNTS = {"train": 5, "validation": 2, "test": 2}


def make_image(
    index: int,
    *,
    size: tuple[int, int] = (facts.WIDTH, facts.HEIGHT),
    mode: str = "RGB",
    file_format: str = "PNG",
) -> bytes:
    """Returns the file of a picture whose pixels depend on `index`."""
    color = np.random.default_rng(index).integers(0, 256, 3)
    image = PIL.Image.new("RGB", size, tuple(color.tolist()))
    # A little structure, so that pictures differ in more than their colour.
    image.paste((index % 256, 0, 255), (index % 40, 5, index % 40 + 9, 30))
    file = io.BytesIO()
    image.convert(mode).save(file, file_format)
    return file.getvalue()


def format_csv(rows: Mapping[int, tuple[str, ...]]) -> str:
    """Returns the text of an attribute file."""
    lines = [",".join(facts.CSV_COLUMNS)]
    lines += [",".join((str(index), *row)) for index, row in rows.items()]
    return "\n".join(lines) + "\n"


def write_pack(
    manual_dir: pathlib.Path,
    rows: Mapping[int, tuple[str, ...]] = ROWS,
    *,
    images: Mapping[str, bytes] | None = None,
    folder: str = facts.ARCHIVE_FOLDERS[0],
    archives: int = 2,
) -> pathlib.Path:
    """Writes a pack in the format of the data set.

    Args:
        manual_dir: Where the attribute file goes.
        rows: Labels by image index.
        images: Content by file name; the pictures of the rows if not given.
        folder: The folder of archives or images.
        archives: The number of archives; 0 writes the images as files.

    Returns:
        `manual_dir`.
    """
    if images is None:
        images = {
            facts.IMAGE_NAME.format(index=index): make_image(index)
            for index in rows
        }
    target = manual_dir / folder
    target.mkdir(parents=True)
    (manual_dir / facts.CSV_NAME).write_text(format_csv(rows))
    names = list(images)
    for number in range(archives):
        write_archive(
            target / facts.ARCHIVE_NAME.format(number=number),
            {name: images[name] for name in names[number::archives]},
        )
    if not archives:
        for name, content in images.items():
            (target / name).write_bytes(content)
    return manual_dir


def write_archive(path: pathlib.Path, images: Mapping[str, bytes]) -> None:
    """Writes a ZIP archive; PNG files are stored as they are."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in images.items():
            archive.writestr(name, content)
