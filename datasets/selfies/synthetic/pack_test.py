import collections
import hashlib
import io
import json
import math
import zipfile

import numpy as np
import pytest
from PIL import Image

from ...building.bad_items import BadItems
from ...building.errors import DatasetInputError
from ...building.regions import find_regions
from .. import Builder
from .. import facts
from ..labels import Selfie
from ..labels import count_unclear
from ..labels import read_rows
from . import people
from .people import Person
from .shots import draw_shot

COUNT = 44
TABLE_DIGEST = (
    "ca7389962313969e411aa981e38fb7fb04f3abe24c513699c0bf31be6893f078"
)
PEOPLE = [Person.draw(0, index) for index in range(6000)]

# What the README says of popularity, and how much of its variance can be told.
STATED = {"female": 0.4, "youth": 0.25, "teenager": 0.15, "straight_hair": 0.15,
          "wearing_lipstick": 0.15, "smiling": 0.1, "baby": -0.35,
          "dim_lighting": -0.3, "senior": -0.25,
          "partial_faces": -0.2}  # fmt: skip
BEST = 0.38


def read(folder):
    """Returns the text of the table, and pictures by name."""
    table = (folder / "selfie_dataset.txt").read_text()
    with zipfile.ZipFile(folder / "images.zip") as archive:
        return table, {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs") / "pack"
    return Builder.draw_pack(folder, COUNT, seed=2, workers=1, progress=False)


def test_the_format_is_that_of_the_real_table(pack):
    table, files = read(pack)
    rows = [line.split(" ") for line in table.splitlines()]
    names = [f"selfie_{number:05d}" for number in range(1, COUNT + 1)]
    assert [row[0] for row in rows] == names
    assert [*files] == [f"images/{name}.jpg" for name in names]
    for index, (_, popularity, *flags) in enumerate(rows):
        person = Person.draw(2, index)
        assert float(popularity) == person.popularity
        assert len(popularity.partition(".")[2]) == 3
        assert flags == [str(person.flags[name]) for name in facts.FLAGS]
        assert set(flags) == {"-1", "0", "1"}
    for content in files.values():
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.format == "JPEG" and picture.mode == "RGB"
            assert picture.size == (80, 80)
    stated = json.loads((pack / "pack.json").read_text())
    assert (stated["count"], stated["seed"]) == (COUNT, 2)
    read_rows(pack / "selfie_dataset.txt", BadItems())


def test_the_table_is_the_same_on_any_machine(pack):
    table, _ = read(pack)
    assert hashlib.sha256(table.encode()).hexdigest() == TABLE_DIGEST


def test_files_are_equal_on_any_number_of_workers(pack, tmp_path):
    table, files = read(pack)
    again = Builder.draw_pack(
        tmp_path / "p", COUNT, 2, workers=2, progress=False
    )
    assert read(again) == (table, files)
    fewer = Builder.draw_pack(tmp_path / "q", 20, 2, progress=False)
    lines = table.splitlines(keepends=True)[:20]
    assert read(fewer) == ("".join(lines), dict([*files.items()][:20]))
    other = Builder.draw_pack(tmp_path / "r", 20, 3, progress=False)
    assert read(other)[0] != read(fewer)[0]
    with pytest.raises(DatasetInputError, match="count=46837"):
        Builder.draw_pack(tmp_path / "s", facts.FULL_COUNT + 1)


@pytest.mark.parametrize(
    ("of", "shares"),
    [
        ("gender", people.GENDERS),
        ("age_group", people.AGES),
        ("race", people.RACES),
        ("face_shape", people.FACE_SHAPES),
    ],
)
def test_classes_are_as_frequent_as_stated(of, shares):
    # Repeats have the age of who is repeated.
    drawn = [p for i, p in enumerate(PEOPLE) if p.source == i]
    found = collections.Counter(getattr(person, of) for person in drawn)
    assert set(found) == set(shares) and abs(sum(shares.values()) - 1) < 1e-9
    for name, share in shares.items():
        spread = math.sqrt(share * (1 - share) / len(drawn))
        assert abs(found[name] / len(drawn) - share) < 4 * spread


def test_labels_contradict_pictures_at_the_stated_rate():
    wrong, known = 0, 0
    for name in people.DRAWN:
        for person in PEOPLE:
            wrong += (person.flags[name] == 1) != (name in person.attributes)
            known += person.flags[name] != 0
    assert known == len(people.DRAWN) * len(PEOPLE)
    assert abs(wrong / known - people.LABEL_NOISE) < 0.003
    told = [p for p in PEOPLE if p.flags["is_female"]]
    wrong = [
        (p.flags["is_female"] == 1) != (p.gender == "female") for p in told
    ]
    assert abs(np.mean(wrong) - people.LABEL_NOISE) < 0.007
    unknown = 1 - len(told) / len(PEOPLE)
    assert abs(unknown - people.GENDER_UNKNOWN) < 0.015


@pytest.mark.parametrize("task", facts.GROUPS)
def test_groups_of_flags_are_of_the_class_that_is_shown(task):
    names = facts.GROUPS[task]
    hits = []
    for person in PEOPLE:
        flags = {name: person.flags[flag] for name, flag in names.items()}
        assert set(flags.values()) <= {-1, 1}
        chosen = [name for name in names if flags[name] == 1]
        shown = getattr(person, task)
        if len(chosen) == 1 and shown in names:
            hits.append(chosen == [shown])
    assert 0 < 1 - np.mean(hits) < people.LABEL_NOISE
    counts = count_unclear(
        Selfie(4.0, tuple(person.flags[name] for name in facts.FLAGS))
        for person in PEOPLE
    )
    assert counts[f"{task}: none set"] > 0
    has_several = task in people.SEVERAL_SET
    assert (counts[f"{task}: several set"] > 0) == has_several


def test_what_is_not_drawn_is_not_known():
    told = {facts.GENDER_FLAG, *people.DRAWN}
    told |= {flag for names in facts.GROUPS.values() for flag in names.values()}
    silent = [name for name in facts.FLAGS if name not in told]
    assert len(silent) == 9
    assert {p.flags[name] for p in PEOPLE for name in silent} == {0}


def test_some_babies_and_seniors_are_repeated_and_nobody_else():
    repeats = [i for i, p in enumerate(PEOPLE) if p.source != i]
    for index in repeats:
        first, second = PEOPLE[index - 1 : index + 1]
        assert first == second and first.age_group in people.REPEATED
        assert first.source == index - 1
    rare = sum(p.age_group in people.REPEATED for p in PEOPLE) - len(repeats)
    assert abs(len(repeats) / rare - people.REPEAT_RATE) < 0.05


def test_popularity_is_the_stated_sum_and_chance():
    of = {"female": "gender", "baby": "age_group", "senior": "age_group",
          "youth": "age_group", "teenager": "age_group"}  # fmt: skip
    drawn = [p for i, p in enumerate(PEOPLE) if p.source == i]
    shown = [
        [
            getattr(p, of[e]) == e if e in of else e in p.attributes
            for e in STATED
        ]
        for p in drawn
    ]
    columns = np.column_stack([np.ones(len(drawn)), np.array(shown, float)])
    popularity = np.array([p.popularity for p in drawn])
    found, *_ = np.linalg.lstsq(columns, popularity)
    stated = [4.1, *STATED.values()]
    spread = np.sqrt(np.diag(np.linalg.inv(columns.T @ columns)))
    assert (np.abs(found - stated) < 4 * 0.45 * spread).all()
    rest = popularity - columns @ stated
    np.testing.assert_allclose(columns @ stated, [p.expected for p in drawn])
    assert abs(rest.std() / 0.45 - 0.985) < 0.03  # As it is cut.
    assert abs(1 - rest.var() / popularity.var() - BEST) < 0.02
    assert popularity.min() > 0 and popularity.max() < 8


def ratio(picture, plane):
    """How much more a picture changes where a region ends than elsewhere."""
    change = np.abs(np.diff(picture, axis=1))
    ends = np.abs(np.diff(plane, axis=1)) > 0.5
    return change[ends].mean() / change[~ends].mean()


def test_regions_of_mirrored_pictures_are_mirrored():
    shots = {i: draw_shot(PEOPLE[i], 0, i) for i in range(600)}
    indices = [i for i, shot in shots.items() if shot.is_mirrored]
    assert len(indices) > 5
    planes = find_regions("selfies/synthetic", indices).shares["background"]
    for index, plane in zip(indices, planes, strict=True):
        picture = shots[index].take().mean(-1)
        assert ratio(picture, plane) > ratio(picture, plane[:, ::-1])


def test_regions_lie_where_they_were_drawn(pack):
    _, files = read(pack)
    pictures = [
        np.asarray(Image.open(io.BytesIO(content)), float).mean(-1)
        for content in files.values()
    ]
    name = f"selfies/synthetic_{COUNT}_seed2"
    planes = find_regions(name, range(COUNT)).shares["background"]
    assert planes.shape == (COUNT, 80, 80)
    right = np.array([ratio(*p) for p in zip(pictures, planes, strict=True)])
    assert np.median(right) > 3
    flipped = zip(pictures, planes[:, :, ::-1], strict=True)
    assert np.mean(right > [ratio(*pair) for pair in flipped]) > 0.8
    small = find_regions(f"{name}_64x64", [5, 43]).shares["hair"]
    assert small.shape == (2, 64, 64)
