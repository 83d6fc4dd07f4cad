"""Writes a pack of synthetic portraits in the format of Tiny Portraits."""

import functools
import pathlib
import shutil
import zipfile
from collections.abc import Callable
from collections.abc import Sequence

import numpy as np

from ...building.drawing.folder import add_file
from ...building.drawing.png import encode_png
from ...building.drawing.portrait import draw_portrait
from ...building.regions import regions_of
from ...building.variants import FaceConfig
from .. import facts
from . import labels
from .portrait import Appearance
from .portrait import draw_counterfactual

# Raised whenever the same seed and index draw another picture or label.
GENERATOR_VERSION = 1


def draw_samples(count: int, seed: int = 0) -> list[np.ndarray]:
    """Draws the first portraits of a pack of 4,000, uint8 [108, 84, 3]."""
    table = labels.LabelTable.draw(seed)
    indices = labels.choose_indices(4000, seed, table.source)[:count]
    return [
        draw_portrait(Appearance.of(table, seed, index)) for index in indices
    ]


def draw_regions(
    config: FaceConfig, indices: Sequence[int]
) -> dict[str, np.ndarray]:
    """Draws where the regions of portraits are; see `FaceBuilder`."""
    seed = config.seed
    table = labels.LabelTable.draw(seed)
    looks = (Appearance.of(table, seed, index) for index in indices)
    return regions_of(looks, len(indices))


def describe_pack(count: int, seed: int) -> dict:
    """Returns what `pack.json` says about a pack."""
    return {
        "generator_version": GENERATOR_VERSION,
        "seed": int(seed),
        "count": int(count),
        "label_noise": labels.LABEL_NOISE,
        "near_duplicate_rate": labels.NEAR_DUPLICATE_RATE,
        "outlier_rates": labels.OUTLIER_RATES,
    }


def write_pack(
    folder: pathlib.Path, count: int, seed: int, draw_in_order: Callable
) -> None:
    """Draws attribute file and archives; see `FaceBuilder.write_pack`.

    A portrait depends on the seed and its index alone. `Counterfactuals` is a
    pack of its own. It holds each portrait of the test range a second time
    under the same index, with the cues and the label of the other gender and
    nothing else changed; outliers are left out.
    """
    table = labels.LabelTable.draw(seed)
    indices = labels.choose_indices(count, seed, table.source)
    begin, _ = facts.SPLIT_RANGES["test"]
    paired = (indices >= begin) & (table.outlier[indices] < 0)
    other_labels = table.labels[indices[paired]].copy()
    other_labels[:, 0] = 1 - other_labels[:, 0]
    items = list(zip(indices.tolist(), paired.tolist(), strict=True))
    draw = functools.partial(_draw_files, table, seed)
    with (
        _PackWriter(folder) as pack,
        _PackWriter(folder / facts.COUNTERFACTUAL_FOLDER) as others,
    ):
        pack.write_attributes(indices, table.labels[indices])
        others.write_attributes(indices[paired], other_labels)
        for index, png, other_png in draw_in_order(draw, items):
            pack.write_portrait(index, png)
            if other_png:
                others.write_portrait(index, other_png)
    if not paired.any():  # So few are drawn. A pack holds a portrait at least.
        shutil.rmtree(folder / facts.COUNTERFACTUAL_FOLDER)


def _draw_files(table, seed, items) -> list[tuple[int, bytes, bytes]]:
    """Draws the PNG file of each index and, if it is paired, of its pair."""
    files = []
    for index, paired in items:
        appearance = Appearance.of(table, seed, index)
        other_png = b""
        if paired:
            other = appearance.with_cues_of(
                seed,
                int(table.source[index]),
                labels.GENDERS[1 - int(table.shown[index, 0])],
            )
            picture, changed = draw_counterfactual(appearance, other)
            other_png = encode_png(changed)
        else:
            picture = draw_portrait(appearance)
        files.append((index, encode_png(picture), other_png))
    return files


class _PackWriter:
    """Writes the attribute file and the archives of one pack."""

    def __init__(self, folder: pathlib.Path):
        self._folder = folder
        self._archives = folder / facts.ARCHIVE_FOLDERS[0]
        self._archive = None
        self._written = 0

    def __enter__(self):
        self._archives.mkdir(parents=True)
        return self

    def __exit__(self, *exception):
        if self._archive:
            self._archive.close()

    def write_attributes(self, indices: np.ndarray, rows: np.ndarray) -> None:
        with open(self._folder / facts.CSV_NAME, "w", newline="\n") as file:
            file.write(",".join(facts.CSV_COLUMNS) + "\n")
            for index, row in zip(indices, rows, strict=True):
                names = labels.label_names(row)
                file.write(",".join([str(index), *names]) + "\n")

    def write_portrait(self, index: int, png: bytes) -> None:
        number, place = divmod(self._written, facts.IMAGES_PER_ARCHIVE)
        if place == 0:
            if self._archive:
                self._archive.close()
            name = facts.ARCHIVE_NAME.format(number=number)
            # PNG is compressed already; stored entries can be read in place.
            self._archive = zipfile.ZipFile(
                self._archives / name, "w", zipfile.ZIP_STORED
            )
        name = facts.IMAGE_NAME.format(index=index)
        add_file(self._archive, name, png)
        self._written += 1
