"""Writes a pack of synthetic portraits in the format of Tiny Portraits."""

import json
import os
import pathlib
import shutil
import zipfile

import numpy as np
from tqdm import tqdm

from .. import crew
from .. import facts
from ..errors import DatasetInputError
from . import labels
from .workers import draw_in_order

# Raised whenever the same seed and index draw another picture or label.
GENERATOR_VERSION = 1

COUNTERFACTUALS = "Counterfactuals"
PACK_FILE = "pack.json"


def draw_pack(
    output_dir,
    count: int,
    seed: int = 0,
    *,
    workers: int | None = None,
    progress: bool = True,
) -> pathlib.Path:
    """Draws a pack of portraits with labels, unless it is there already.

    The pack is drawn into a folder beside `output_dir` and renamed at the end:
    a drawing that is killed leaves no pack. The same count and seed give the
    same bytes in every file, on any number of workers; a portrait depends on
    the seed and its index alone.

    `output_dir/Counterfactuals` is a pack of its own. It holds each portrait
    of the test range a second time under the same index, with the cues and
    the label of the other gender and nothing else changed; outliers are left
    out.

    Args:
        output_dir: The folder of the pack.
        count: The number of portraits, from 1 to 134,734.
        seed: Settles everything that is drawn; not negative.
        workers: The number of processes; None takes one per processor.
        progress: Whether a progress bar is shown.

    Returns:
        `output_dir` as a path.

    Raises:
        DatasetInputError: If `count` or `seed` is out of range, or if
            `output_dir` holds anything else than a pack of these settings.

    Example:
        >>> draw_pack("data/synthetic", count=2000)  # doctest: +SKIP
    """
    output_dir = pathlib.Path(output_dir).expanduser()
    _check(count, seed, workers)
    settings = describe_pack(count, seed)
    if output_dir.is_file() or (
        output_dir.is_dir() and any(output_dir.iterdir())
    ):
        if _read_settings(output_dir) == settings:
            return output_dir
        raise DatasetInputError(
            "The output folder is something else than a pack of these "
            "settings. Give another --output_dir or delete it. "
            f"Received: output_dir={output_dir}, count={count}, seed={seed}"
        )
    output_dir.parent.mkdir(parents=True, exist_ok=True)
    drawing = output_dir.with_name(f".{output_dir.name}.drawing")
    shutil.rmtree(drawing, ignore_errors=True)  # of a killed drawing
    try:
        _write_pack(drawing, count, seed, workers, progress)
        (drawing / PACK_FILE).write_text(json.dumps(settings, indent=2) + "\n")
        os.replace(drawing, output_dir)
    finally:
        shutil.rmtree(drawing, ignore_errors=True)
    return output_dir


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


def _check(count: int, seed: int, workers: int | None) -> None:
    if not 1 <= count <= facts.FULL_COUNT:
        raise DatasetInputError(
            f"A pack holds 1 to {facts.FULL_COUNT} portraits. "
            f"Received: count={count}"
        )
    if seed < 0:
        raise DatasetInputError(
            f"Expected a seed of 0 or more. Received: seed={seed}"
        )
    if workers is not None and workers < 1:
        raise DatasetInputError(
            f"Expected 1 worker or more. Received: workers={workers}"
        )


def _read_settings(folder: pathlib.Path) -> dict | None:
    try:
        return json.loads((folder / PACK_FILE).read_text())
    except (OSError, ValueError):
        return None


def _write_pack(folder, count, seed, workers, progress) -> None:
    """Writes both packs, portraits and counterfactuals, in one drawing."""
    table = labels.LabelTable.draw(seed)
    indices = labels.choose_indices(count, seed, table.source)
    begin, _ = facts.SPLIT_RANGES["test"]
    paired = (indices >= begin) & (table.outlier[indices] < 0)
    other_labels = table.labels[indices[paired]].copy()
    other_labels[:, 0] = 1 - other_labels[:, 0]
    workers = workers or crew.count_cores()
    with (
        _PackWriter(folder) as pack,
        _PackWriter(folder / COUNTERFACTUALS) as others,
        tqdm(
            total=count, desc="Drawing", unit=" portraits", disable=not progress
        ) as bar,
    ):
        pack.write_attributes(indices, table.labels[indices])
        others.write_attributes(indices[paired], other_labels)
        for index, png, other_png in draw_in_order(
            seed, indices, paired, workers, table
        ):
            pack.write_portrait(index, png)
            if other_png:
                others.write_portrait(index, other_png)
            bar.update()


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
        # A fixed date: the same pack has the same bytes on any day.
        entry = zipfile.ZipInfo(facts.IMAGE_NAME.format(index=index))
        entry.external_attr = 0o644 << 16
        self._archive.writestr(entry, png)
        self._written += 1
