import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from ...building.drawing.portrait import draw_portrait
from ...building.drawing.portrait import render
from ...building.errors import DatasetInputError
from ...building.near_duplicates import group
from ...building.pictures import look_at
from .. import Builder
from .. import facts
from ..labels import MISSING
from ..labels import read_labels
from . import people
from .people import Person
from .people import draw_appearance

COUNT = 40
PEOPLE = [Person.draw(0, index) for index in range(4000)]


def read(folder):
    with zipfile.ZipFile(folder / facts.ARCHIVE_NAME) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs") / "pack"
    return Builder.draw_pack(folder, COUNT, seed=2, workers=1, progress=False)


def test_the_format_is_that_of_the_archive(pack):
    files = read(pack)
    assert len(files) == COUNT
    for index, (name, content) in enumerate(files.items()):
        folder, name = name.split("/")
        person = Person.draw(2, index)
        age, gender, race = read_labels(name)
        assert folder == "UTKFace" and age == person.age
        assert gender == facts.CLASSES["gender"][person.gender]
        assert (race == MISSING) == (person.race == MISSING)
        with Image.open(io.BytesIO(content)) as picture:
            assert picture.format == "JPEG" and picture.mode == "RGB"
            assert picture.size == (200, 200)
    stated = json.loads((pack / "pack.json").read_text())
    assert (stated["count"], stated["seed"]) == (COUNT, 2)


def test_files_are_equal_on_any_number_of_workers(pack, tmp_path):
    again = Builder.draw_pack(
        tmp_path / "p", COUNT, 2, workers=2, progress=False
    )
    assert read(again) == read(pack)
    fewer = Builder.draw_pack(tmp_path / "q", 20, 2, progress=False)
    assert [*read(fewer).items()] == [*read(pack).items()][:20]
    with pytest.raises(DatasetInputError, match="count=23708"):
        Builder.draw_pack(tmp_path / "r", facts.FULL_COUNT + 1)


def test_people_are_as_frequent_as_in_the_real_set():
    counts = np.zeros((2, 5))
    for person in PEOPLE:
        if person.race != MISSING:
            counts[person.gender, person.race] += 1
    expected = np.array(people.JOINT_COUNTS) / np.sum(people.JOINT_COUNTS)
    spread = np.sqrt(expected * (1 - expected) / len(PEOPLE))
    assert (np.abs(counts / counts.sum() - expected) < 5 * spread).all()
    ages = np.bincount([person.age for person in PEOPLE], minlength=117)
    assert set(np.argsort(ages)[-2:]) == {1, 26}
    assert 0.12 < (ages[:18].sum() / len(PEOPLE)) < 0.25
    heaps = ages[30:70:5].sum() / ages[30:70].sum()
    assert heaps > 0.25  # One in five without heaps.
    absent = np.mean([person.race == MISSING for person in PEOPLE])
    assert 0.002 < absent < 0.009


def test_labels_contradict_pictures_at_the_stated_rates():
    shown = [p.shown[1] != p.gender for p in PEOPLE]
    assert abs(np.mean(shown) - people.LABEL_NOISE["gender"]) < 0.006
    age, label = np.array([(p.shown[0], p.age) for p in PEOPLE]).T
    ratio = age[label > 0] / label[label > 0]
    assert abs(ratio.std() - people.AGE_SPREAD) < 0.01


def test_second_shots_and_nobody_else_are_near_duplicates():
    indices = [i for i, p in enumerate(PEOPLE[:400]) if p.source != i]
    assert indices
    chosen = sorted({*range(60), *indices, *(i - 1 for i in indices)})
    looks = []
    for index in chosen:
        file = io.BytesIO()
        appearance = draw_appearance(PEOPLE[index], 0, index)
        picture = Image.fromarray(draw_portrait(appearance))
        picture.save(file, "JPEG", quality=92)
        looks.append(look_at(file.getvalue(), facts.SIZE))
    groups = dict(zip(chosen, group(looks), strict=True))
    for index in indices:
        assert PEOPLE[index].age == PEOPLE[index - 1].age
        assert groups[index] == groups[index - 1]
    assert len(set(groups.values())) == len(chosen) - len(indices)


def looks_of(age, gender=1, race=0, count=12):
    person = Person(age, gender, race, (age, gender, race), 0)
    for index in range(count):
        yield draw_appearance(
            Person(**{**vars(person), "source": index}), 0, index
        )


def test_cues_shift_with_the_labels_and_overlap():
    def values(cue, **labels):
        labels = {"age": 30} | labels
        return np.array([cue(look) for look in looks_of(count=150, **labels)])

    cues = [
        (lambda a: a.head.eye_size, {"age": 8}, {"age": 20}),
        (lambda a: a.head.wrinkles, {"age": 60}, {"age": 45}),
        (lambda a: min(a.hair.color), {"age": 60}, {"age": 40}),
        (lambda a: -a.hair.hairline, {"age": 70, "gender": 0}, {"age": 40}),
        (lambda a: a.cues.brow, {"gender": 0}, {"gender": 1}),
        (lambda a: -a.head.skin[0], {"race": 1}, {"race": 3}),
        (lambda a: a.head.nose, {"race": 1}, {"race": 0}),
        (lambda a: -a.head.eye_size, {"race": 2}, {"race": 0}),
    ]
    for cue, higher, lower in cues:
        high, low = values(cue, **higher), values(cue, **lower)
        assert high.mean() > low.mean() + 0.5 * low.std()
        assert np.quantile(high, 0.02) < np.quantile(low, 0.98)
    assert all(look.cues.beard == "none" for look in looks_of(8, gender=0))


def test_wrinkles_and_the_face_fill_the_picture():
    for look in looks_of(80, count=4):
        _, regions = render(look)
        skin, hair, _ = regions
        assert skin.mean() > 0.25 and (skin + hair).mean() > 0.45
