import dataclasses
import io
import json
import math
import zipfile

import numpy as np
import pytest
from PIL import Image

from ...building.drawing.portrait import render
from ...building.errors import DatasetInputError
from ...building.regions import find_regions
from .. import Builder
from .. import facts
from . import people
from .people import Person
from .people import Shot

COUNT = 44
PEOPLE = [Person.draw(0, index) for index in range(8000)]


def read(folder, part):
    """Returns rows, and pictures by name."""
    rows = (folder / f"{part}.txt").read_text().splitlines()
    with zipfile.ZipFile(folder / f"{part}.zip") as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    return [tuple(row.split("\t")) for row in rows], files


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs") / "pack"
    return Builder.draw_pack(folder, COUNT, seed=2, workers=1, progress=False)


def test_the_format_is_that_of_the_challenge(pack):
    indices = {
        "train": [i for i in range(COUNT) if i % 7 != 6],
        "test": [6, 13, 20, 27, 34, 41],
    }
    for part, chosen in indices.items():
        rows, files = read(pack, part)
        assert [*files] == [f"{part}/{name}" for name, _, _ in rows]
        assert [name for name, _, _ in rows] == [
            f"{number:06d}.jpg" for number in range(1, len(chosen) + 1)
        ]
        for index, (_, criterion, gender) in zip(chosen, rows, strict=True):
            person = Person.draw(2, index)
            assert criterion == {"no": "-1", "yes": "1"}[person.criterion]
            assert gender == {"female": "-1", "male": "1"}[person.gender]
        for content in files.values():
            with Image.open(io.BytesIO(content)) as picture:
                assert picture.format == "JPEG" and picture.mode == "RGB"
                assert picture.size == (80, 80)
    stated = json.loads((pack / "pack.json").read_text())
    assert (stated["count"], stated["seed"]) == (COUNT, 2)
    assert stated["label_noise"] == 0.05


def test_files_are_equal_on_any_number_of_workers(pack, tmp_path):
    again = Builder.draw_pack(
        tmp_path / "p", COUNT, 2, workers=2, progress=False
    )
    fewer = Builder.draw_pack(tmp_path / "q", 20, 2, progress=False)
    for part, count in (("train", 18), ("test", 2)):
        rows, files = read(pack, part)
        assert read(again, part) == (rows, files)
        rows, files = rows[:count], dict([*files.items()][:count])
        assert read(fewer, part) == (rows, files)
    Builder.draw_pack(tmp_path / "r", 6, 2, progress=False)
    assert not list((tmp_path / "r").glob("test*"))
    with pytest.raises(DatasetInputError, match="count=202578"):
        Builder.draw_pack(tmp_path / "s", facts.FULL_COUNT + 1)


@pytest.mark.parametrize(
    ("has_light_hair", "wears_glasses", "criterion"),
    [
        (False, False, "no"),
        (True, False, "yes"),
        (False, True, "yes"),
        (True, True, "no"),
    ],
)
def test_the_criterion_is_one_of_the_two_and_one_label_in_twenty_is_wrong(
    monkeypatch, has_light_hair, wears_glasses, criterion
):
    monkeypatch.setattr(people, "LIGHT_HAIR", dict.fromkeys(people.GENDERS, 0))
    monkeypatch.setattr(
        people, "GLASSES_WORN", dict.fromkeys(people.GENDERS, 0)
    )
    if has_light_hair:
        people.LIGHT_HAIR.update(female=1, male=1)
    if wears_glasses:
        people.GLASSES_WORN.update(female=1, male=1)
    drawn = [Person.draw(0, index) for index in range(4000)]
    shown = {(p.has_light_hair, p.wears_glasses) for p in drawn}
    assert shown == {(has_light_hair, wears_glasses)}
    wrong = np.mean([person.criterion != criterion for person in drawn])
    assert abs(wrong - 0.05) < 4 * math.sqrt(0.05 * 0.95 / len(drawn))


@pytest.mark.parametrize(
    ("gender", "share", "met"), [("female", 2867, 729), ("male", 2237, 329)]
)
def test_cells_are_as_large_as_those_of_the_real_rows(gender, share, met):
    chosen = [p for p in PEOPLE if p.gender == gender]
    assert abs(len(chosen) / len(PEOPLE) - share / 5104) < 0.02
    found = np.mean([p.criterion == "yes" for p in chosen])
    assert abs(found - met / share) < 0.025
    both = [p for p in chosen if p.has_light_hair and p.wears_glasses]
    assert len(both) > 5  # What tells "either" from "any of the two".


def draw_shots(count, **shown):
    person = dataclasses.replace(PEOPLE[0], **shown)
    return [Shot.draw(person, 0, index) for index in range(count)]


@pytest.mark.parametrize("gender", ["female", "male"])
def test_glasses_are_drawn_at_the_eyes_of_who_wears_some(gender):
    shots = draw_shots(40, gender=gender, wears_glasses=True)
    kinds = [shot.appearance.outfit.glasses for shot in shots]
    assert set(kinds) == {"round", "square", "sun"}
    bare = draw_shots(40, gender=gender, wears_glasses=False)
    for shot, other in zip(shots, bare, strict=True):
        assert other.appearance.outfit.glasses == "none"
        # Nothing else tells them apart.
        outfit = shot.appearance.outfit
        assert shot == dataclasses.replace(
            other,
            appearance=dataclasses.replace(other.appearance, outfit=outfit),
        )
        picture, _ = render(shot.appearance)
        without, _ = render(other.appearance)
        changed = np.abs(picture - without).max(0) > 12
        assert changed.sum() > 40
        pose = shot.appearance.pose
        x, y = pose.face_points(np.flatnonzero(changed))
        assert np.abs(x).max() < 1.25 and y.min() > -0.6 and y.max() < 0.3
        # Left and right of the nose as well.
        assert (x > 0.2).sum() > 10 and (x < -0.2).sum() > 10


def test_light_hair_is_lighter_than_dark_hair():
    def brightness(**shown):
        values = []
        for shot in draw_shots(40, **shown):
            picture, (_, hair, _) = render(shot.appearance)
            values.append(picture[:, hair > 0.99].mean())
        return np.array(values)

    light, dark = brightness(has_light_hair=True), brightness()
    assert np.quantile(light, 0.1) > np.quantile(dark, 0.75)


def test_pictures_are_altered_as_often_and_as_far_as_stated(monkeypatch):
    shots = draw_shots(400)
    monkeypatch.setattr(people, "ALTERED", dict.fromkeys(people.ALTERED, 0))
    before = draw_shots(400)
    assert not any(shot.is_mirrored or shot.side < 80 for shot in before)
    pairs = [
        (a.appearance, b.appearance) for a, b in zip(shots, before, strict=True)
    ]
    turns = np.degrees([a.pose.roll - b.pose.roll for a, b in pairs])
    light = np.array([a.camera.exposure / b.camera.exposure for a, b in pairs])
    assert 6 < np.abs(turns).max() <= 8 and turns.min() < -6 < 6 < turns.max()
    assert 1 / 1.4 <= light.min() < 0.8 and 1.25 < light.max() <= 1.4
    sides = np.array([shot.side for shot in shots])
    assert 44 <= sides.min() < 50
    for share, altered in (
        (0.5, turns != 0),
        (0.5, light != 1),
        (0.4, sides < 80),
        (0.5, [shot.is_mirrored for shot in shots]),
    ):
        assert abs(np.mean(altered) - share) < 0.1


def test_a_mirrored_picture_is_mirrored_and_a_coarse_one_has_less_detail():
    for shot in draw_shots(8):
        plain = dataclasses.replace(shot, side=80, is_mirrored=False)
        mirrored = dataclasses.replace(plain, is_mirrored=True)
        picture = plain.take()
        np.testing.assert_array_equal(mirrored.take(), picture[:, ::-1])
        coarse = dataclasses.replace(plain, side=44).take()
        assert coarse.shape == picture.shape and coarse.dtype == np.uint8

        def detail(pixels):
            return np.abs(np.diff(pixels.astype(float), axis=1)).mean()

        assert detail(coarse) < 0.9 * detail(picture)


def test_regions_lie_where_they_were_drawn(pack):
    pictures = [
        np.asarray(Image.open(io.BytesIO(content)), float).mean(-1)
        for part in ("train", "test")
        for content in read(pack, part)[1].values()
    ]
    name = f"hidden_criterion/synthetic_{COUNT}_seed2"
    planes = find_regions(name, range(COUNT)).shares["background"]
    assert planes.shape == (COUNT, 80, 80)

    def ratio(picture, plane):
        change = np.abs(np.diff(picture, axis=1))
        ends = np.abs(np.diff(plane, axis=1)) > 0.5
        return change[ends].mean() / change[~ends].mean()

    pairs = [*zip(pictures, planes, strict=True)]
    assert np.median([ratio(*pair) for pair in pairs]) > 3
    # Neither the other way round, nor in another order.
    flipped = [ratio(picture, plane[:, ::-1]) for picture, plane in pairs]
    moved = [ratio(*pair) for pair in zip(pictures, planes[::-1], strict=True)]
    right = [ratio(*pair) for pair in pairs]
    assert np.mean(np.array(right) > flipped) > 0.8
    assert np.mean(np.array(right[-6:]) > moved[-6:]) > 0.8
    small = find_regions(f"{name}_64x64", [5, 43]).shares["hair"]
    assert small.shape == (2, 64, 64)


def test_a_person_is_settled_by_seed_and_index():
    assert Person.draw(0, 5) == PEOPLE[5]
    first, second = (Shot.draw(PEOPLE[5], seed, 5) for seed in (0, 1))
    assert first == Shot.draw(PEOPLE[5], 0, 5) != second
