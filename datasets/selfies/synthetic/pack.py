"""Draws table and archive in the format of the Selfie data set."""

import functools
import pathlib
import zipfile
from collections.abc import Callable
from collections.abc import Sequence

import numpy as np

from ...building.drawing.folder import add_file
from ...building.pictures import cut_planes
from ...building.pictures import encode_jpeg
from ...building.regions import regions_of
from ...building.variants import FaceConfig
from .. import facts
from ..listed_files import LISTING
from . import people
from .people import Person
from .shots import Shot

# Raised whenever the same seed and index draw another picture or row.
GENERATOR_VERSION = 1


def write_pack(
    folder: pathlib.Path, count: int, seed: int, draw_in_order: Callable
) -> None:
    """Draws `selfie_dataset.txt` and `images.zip`; see `FaceBuilder`."""
    rows = []
    draw = functools.partial(_draw_files, seed)
    with zipfile.ZipFile(folder / LISTING.archive_name, "w") as archive:
        drawn = draw_in_order(draw, range(count))
        for number, (cells, content) in enumerate(drawn, start=1):
            name = facts.ROW_NAME.format(number=number)
            add_file(archive, f"{facts.FOLDER_NAME}/{name}.jpg", content)
            rows.append(" ".join([name, *cells]) + "\n")
    (folder / facts.TABLE_NAME).write_text("".join(rows), newline="\n")


def draw_regions(
    config: FaceConfig, indices: Sequence[int]
) -> dict[str, np.ndarray]:
    """Draws where the regions of portraits are; see `FaceBuilder`."""
    shots = [_draw_shot(config.seed, index)[1] for index in indices]
    shares = regions_of((shot.appearance for shot in shots), len(shots))
    regions = {}
    for name, planes in shares.items():
        pairs = zip(shots, planes, strict=True)
        placed = np.stack([shot.place(plane, axis=1) for shot, plane in pairs])
        regions[name] = cut_planes(placed, *config.size)
    return regions


def describe_pack(count: int, seed: int) -> dict:
    """Returns all that a pack depends on."""
    return {
        "generator_version": GENERATOR_VERSION,
        "seed": int(seed),
        "count": int(count),
        "genders": people.GENDERS,
        "ages": people.AGES,
        "races": people.RACES,
        "shown": people.SHOWN,
        "label_noise": people.LABEL_NOISE,
        "none_set": people.NONE_SET,
        "several_set": people.SEVERAL_SET,
        "gender_unknown": people.GENDER_UNKNOWN,
        "repeat_rate": people.REPEAT_RATE,
        "popularity": {"base": people.BASE, "chance": people.CHANCE}
        | people.EFFECTS,
    }


def draw_samples(count: int, seed: int = 0) -> list[np.ndarray]:
    """Draws the first portraits of a seed, uint8 [80, 80, 3]."""
    return [_draw_shot(seed, index)[1].take() for index in range(count)]


def _draw_shot(seed: int, index: int) -> tuple[Person, Shot]:
    person = Person.draw(seed, index)
    return person, Shot.draw(person, seed, index)


def _draw_files(
    seed: int, indices: Sequence[int]
) -> list[tuple[list[str], bytes]]:
    """Draws the cells behind the name, and the JPEG file, of portraits."""
    files = []
    for index in indices:
        person, shot = _draw_shot(seed, index)
        cells = [f"{person.popularity:.3f}"]
        cells += [str(person.flags[name]) for name in facts.FLAGS]
        files.append((cells, encode_jpeg(shot.take())))
    return files
