"""Draws lists and archives in the format of the hidden criterion."""

import functools
import pathlib
from collections.abc import Callable
from collections.abc import Sequence

import numpy as np

from ...building.drawing.folder import write_listed
from ...building.pictures import encode_jpeg
from ...building.regions import regions_of_shots
from ...building.variants import FaceConfig
from .. import facts
from . import people
from .people import Person
from .people import Shot

# Raised whenever the same seed and index draw another picture or label.
GENERATOR_VERSION = 1

# One portrait in so many is of the test, about as many as of the real ones.
_TEST_STEP = 7


def write_pack(
    folder: pathlib.Path, count: int, seed: int, draw_in_order: Callable
) -> None:
    """Draws `train` and `test`, a list and an archive each.

    See `FaceBuilder.write_pack`. So few that none is of the test have no test.
    """
    draw = functools.partial(_draw_files, seed)
    for part, indices in _share_out(count).items():
        if not indices:
            continue
        drawn = enumerate(draw_in_order(draw, indices), start=1)
        files = (
            (facts.FILE_NAME.format(number=number), numbers, content)
            for number, (numbers, content) in drawn
        )
        write_listed(
            folder,
            facts.LIST_NAME.format(part=part),
            part,
            ((n, "\t".join([n, *row]), data) for n, row, data in files),
        )


def draw_regions(
    config: FaceConfig, indices: Sequence[int]
) -> dict[str, np.ndarray]:
    """Draws where the regions of portraits are; see `FaceBuilder`.

    The index of a portrait is the place of its row, that of the test rows
    after the others.
    """
    drawn = [i for part in _share_out(config.count).values() for i in part]
    shots = [_draw_shot(config.seed, drawn[index])[1] for index in indices]
    return regions_of_shots(shots, config.size)


def describe_pack(count: int, seed: int) -> dict:
    """Returns all that a pack depends on."""
    return {
        "generator_version": GENERATOR_VERSION,
        "seed": int(seed),
        "count": int(count),
        "genders": people.GENDERS,
        "light_hair": people.LIGHT_HAIR,
        "glasses": people.GLASSES_WORN,
        "label_noise": facts.LABEL_NOISE,
        "altered": people.ALTERED,
    }


def draw_samples(count: int, seed: int = 0) -> list[np.ndarray]:
    """Draws the first portraits of a seed, uint8 [80, 80, 3]."""
    return [_draw_shot(seed, index)[1].take() for index in range(count)]


def _share_out(count: int) -> dict[str, list[int]]:
    """Returns which of the portraits are of which part."""
    parts: dict[str, list[int]] = {facts.TRAIN: [], facts.TEST: []}
    for index in range(count):
        is_test = index % _TEST_STEP == _TEST_STEP - 1
        parts[facts.TEST if is_test else facts.TRAIN].append(index)
    return parts


def _draw_shot(seed: int, index: int) -> tuple[Person, Shot]:
    person = Person.draw(seed, index)
    return person, Shot.draw(person, seed, index)


def _draw_files(
    seed: int, indices: Sequence[int]
) -> list[tuple[list[str], bytes]]:
    """Draws the numbers of the row and the JPEG file of some portraits."""
    files = []
    for index in indices:
        person, shot = _draw_shot(seed, index)
        numbers = [
            facts.NUMBERS[names.index(getattr(person, column))]
            for column, names in facts.CLASSES.items()
        ]
        files.append((numbers, encode_jpeg(shot.take())))
    return files
