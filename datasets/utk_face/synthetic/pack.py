"""Draws an archive in the format of UTKFace."""

import functools
import pathlib
import zipfile
from collections.abc import Callable
from collections.abc import Sequence

import numpy as np

from ...building.drawing.folder import add_file
from ...building.drawing.portrait import draw_portrait
from ...building.pictures import cut_planes
from ...building.pictures import encode_jpeg
from ...building.regions import regions_of
from ...building.variants import FaceConfig
from .. import facts
from ..labels import MISSING
from . import people
from .people import Person
from .people import draw_appearance

# Raised whenever the same seed and index draw another picture or label.
GENERATOR_VERSION = 1


def write_pack(
    folder: pathlib.Path, count: int, seed: int, draw_in_order: Callable
) -> None:
    """Draws `UTKFace.zip`; see `FaceBuilder.write_pack`."""
    draw = functools.partial(_draw_files, seed)
    with zipfile.ZipFile(folder / facts.ARCHIVE_NAME, "w") as archive:
        for name, content in draw_in_order(draw, range(count)):
            add_file(archive, f"{facts.FOLDER_NAME}/{name}", content)


def draw_regions(
    config: FaceConfig, indices: Sequence[int]
) -> dict[str, np.ndarray]:
    """Draws where the regions of portraits are; see `FaceBuilder`.

    The index of a portrait is the place of its file among their names.
    """
    people = [Person.draw(config.seed, i) for i in range(config.count)]
    names = [_file_name(person, index) for index, person in enumerate(people)]
    order = sorted(range(config.count), key=names.__getitem__)
    drawn = [order[index] for index in indices]
    looks = (draw_appearance(people[i], config.seed, i) for i in drawn)
    shares = regions_of(looks, len(drawn))
    return {name: cut_planes(x, *config.size) for name, x in shares.items()}


def describe_pack(count: int, seed: int) -> dict:
    """Returns all that a pack depends on."""
    return {
        "generator_version": GENERATOR_VERSION,
        "seed": int(seed),
        "count": int(count),
        "label_noise": people.LABEL_NOISE,
        "age_spread": people.AGE_SPREAD,
        "no_race_rate": people.NO_RACE_RATE,
        "near_duplicate_rate": people.NEAR_DUPLICATE_RATE,
        "grayscale_rate": people.GRAYSCALE_RATE,
    }


def draw_samples(count: int, seed: int = 0) -> list[np.ndarray]:
    """Draws the first portraits of a pack, uint8 [200, 200, 3]."""
    return [_draw(seed, index)[1] for index in range(count)]


def _draw(seed: int, index: int) -> tuple[Person, np.ndarray]:
    person = Person.draw(seed, index)
    return person, draw_portrait(draw_appearance(person, seed, index))


def _draw_files(seed: int, indices: range) -> list[tuple[str, bytes]]:
    """Draws name and JPEG file of some portraits."""
    files = []
    for index in indices:
        person, picture = _draw(seed, index)
        files.append((_file_name(person, index), encode_jpeg(picture)))
    return files


def _file_name(person: Person, index: int) -> str:
    labels = [person.age, person.gender, person.race]
    if person.race == MISSING:
        labels.pop()
    return facts.FILE_NAME.format(
        labels="_".join(map(str, labels)), stamp=2017_0101_000_000_000 + index
    )
