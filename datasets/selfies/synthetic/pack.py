"""Draws table and archive in the format of the Selfie data set."""

import functools
import pathlib
from collections.abc import Callable
from collections.abc import Sequence

import numpy as np

from ...building.drawing.folder import write_listed
from ...building.drawing.shot import Shot
from ...building.pictures import encode_jpeg
from ...building.regions import regions_of_shots
from ...building.variants import FaceConfig
from .. import facts
from . import people
from .people import Person
from .shots import draw_shot

# Raised whenever the same seed and index draw another picture or row.
GENERATOR_VERSION = 1


def write_pack(
    folder: pathlib.Path, count: int, seed: int, draw_in_order: Callable
) -> None:
    """Draws `selfie_dataset.txt` and `images.zip`; see `FaceBuilder`."""
    draw = functools.partial(_draw_files, seed)
    files = draw_in_order(draw, range(count))
    write_listed(folder, facts.TABLE_NAME, facts.FOLDER_NAME, files)


def draw_regions(
    config: FaceConfig, indices: Sequence[int]
) -> dict[str, np.ndarray]:
    """Draws where the regions of portraits are; see `FaceBuilder`."""
    shots = [_draw_shot(config.seed, index)[1] for index in indices]
    return regions_of_shots(shots, config.size)


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
    return person, draw_shot(person, seed, index)


def _draw_files(
    seed: int, indices: Sequence[int]
) -> list[tuple[str, str, bytes]]:
    """Draws file name, row and JPEG file of some portraits."""
    files = []
    for index in indices:
        person, shot = _draw_shot(seed, index)
        name = facts.ROW_NAME.format(number=index + 1)
        cells = [name, f"{person.popularity:.3f}"]
        cells += [str(person.flags[flag]) for flag in facts.FLAGS]
        content = encode_jpeg(shot.take())
        files.append((f"{name}.jpg", " ".join(cells), content))
    return files
