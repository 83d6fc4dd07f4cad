import hashlib
import pathlib
import pickle

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tests import builders
from tests.builders import read_built

from ..building.build_record import BuildRecord
from ..building.errors import DatasetInputError
from ..building.group_splits import split_of
from ..building.pictures import convert
from ..building.prepare import prepare
from ..building.testing import make_picture
from ..building.testing import write_files
from ..building.testing import write_zip
from . import facts
from . import testing
from . import utk_face_dataset_builder

PICTURES = testing.make_pictures(30)
NAMES = sorted(PICTURES)
SPLITS = {split: [] for split in ("train", "validation", "test")}
for _index, _name in enumerate(NAMES):
    _digest = hashlib.sha256(PICTURES[_name]).hexdigest()
    SPLITS[split_of(_digest)].append(_index)


class UtkFaceTest(builders.BuilderTestCase):
    DATASET_CLASS = utk_face_dataset_builder.Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ["80x80"]
    SPLITS = {split: len(indices) for split, indices in SPLITS.items()}

    @classmethod
    def write_files(cls, folder):
        write_zip(folder / "a.zip", PICTURES)


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    write_zip(folder / "UTKFace.zip", PICTURES)
    return folder


@pytest.fixture(scope="module")
def built(pack, tmp_path_factory):
    return prepare("utk_face", tmp_path_factory.mktemp("tfds"), pack)


def test_pixels_and_labels_are_those_of_the_files(built):
    assert built.builder_config.name == "108x84"
    found = read_built(built.data_path)
    assert {split: sorted(rows) for split, rows in found.items()} == SPLITS
    for index, example in {**found["train"], **found["test"]}.items():
        name = NAMES[index]
        pixels = tf.io.decode_png(convert(PICTURES[name], 200, 108, 84))
        np.testing.assert_array_equal(example["image"], pixels)
        age, gender, race, _ = name.split("_")
        assert example["age"] == np.float32(age)
        assert (example["gender"], example["race"]) == (int(gender), int(race))


def test_metadata_tell_what_features_can_not(built):
    builder = tfds.builder_from_directory(built.data_path)
    age = {"unit": "years", "low": 0, "high": 116, "tolerance": 5}
    assert dict(builder.info.metadata) == {
        "protected": "race",
        "guarded": ["gender", "age"],
        "conditions": ["gender", "race"],
        "shows_people": True,
        "numbers": {"age": age},
    }
    features = builder.info.features
    assert features["image"].shape == (108, 84, 3)
    assert features["age"].dtype == np.float32
    for name, classes in facts.CLASSES.items():
        assert tuple(features[name].names) == classes


def test_splits_and_indices_do_not_depend_on_size_or_container(built, tmp_path):
    write_files(tmp_path / "faces", PICTURES)
    other = prepare(
        "utk_face", tmp_path / "tfds", tmp_path / "faces", image_size="64x64"
    )
    assert other.builder_config.name == "64x64"
    first, second = read_built(built.data_path), read_built(other.data_path)
    for split, examples in first.items():
        assert examples.keys() == second[split].keys()
        for index, example in examples.items():
            assert second[split][index]["age"] == example["age"]
            assert second[split][index]["image"].shape == (64, 64, 3)


def test_duplicates_of_every_split_stay_together(tmp_path):
    files = dict(PICTURES)
    for number, content in enumerate(PICTURES.values()):
        files[testing.NAME(50, 1, 1, 1000 + number)] = content
    write_zip(tmp_path / "a.zip", files)
    builder = prepare("utk_face", tmp_path / "tfds", tmp_path)
    names = sorted(files)
    found = {
        split: {files[names[index]] for index in rows}
        for split, rows in read_built(builder.data_path).items()
    }
    assert sum(map(len, found.values())) == 30
    record = BuildRecord.read(pathlib.Path(builder.data_path))
    assert record.details == {"groups": 30, "near duplicates": 60}
    assert sum(record.counts.values()) == 60


def test_bad_pictures_are_listed_and_the_rest_is_built(tmp_path):
    bad = {
        testing.NAME(20, 1, 1, 1): make_picture(99)[:-900],
        testing.NAME(20, 1, 1, 2): make_picture(99, size=(80, 80)),
        testing.NAME(20, 1, 1, 3): b"nonsense",
        "holiday.jpg": make_picture(98),
    }
    no_race = {"61_1_20170109142408075.jpg.chip.jpg": make_picture(97)}
    write_zip(tmp_path / "a.zip", PICTURES | bad | no_race)
    with pytest.raises(DatasetInputError, match="holiday.jpg has no labels"):
        prepare("utk_face", tmp_path / "tfds", tmp_path)
    builder = prepare("utk_face", tmp_path / "tfds", tmp_path, on_bad="skip")
    folder = pathlib.Path(builder.data_path)
    record = BuildRecord.read(folder)
    assert record.skipped == 4
    assert sum(record.counts.values()) == 31
    assert record.labels["race"]["n/a"] == 1
    assert record.labels["age"]["to"] == 61.0
    listed = (folder / "skipped.csv").read_text()
    for reason in ("damaged JPEG", "80x80 pixels", "not a JPEG", "no labels"):
        assert listed.count(reason) == 1
    examples = [
        e
        for rows in read_built(builder.data_path).values()
        for e in rows.values()
    ]
    assert [e["age"] for e in examples if e["race"] == -1] == [61]


def test_another_folder_is_another_data_set(tmp_path):
    files = {
        f"{folder}/{name}": content
        for folder in ("a", "b")
        for name, content in PICTURES.items()
    }
    write_zip(tmp_path / "archive.zip", files)
    with pytest.raises(DatasetInputError, match="Choose one of these names"):
        prepare("utk_face", tmp_path / "tfds", tmp_path)
    builder = prepare("utk_face", tmp_path / "tfds", tmp_path, folder="a")
    assert pickle.loads(pickle.dumps(builder)).folder == "a"
    with pytest.raises(DatasetInputError, match="--folder changed.*--overwri"):
        prepare("utk_face", tmp_path / "tfds", tmp_path, folder="b")


def test_synthetic_faces_are_built(tmp_path):
    builder = prepare("utk_face/synthetic_30_80x80", tmp_path)
    assert builder.info.metadata["shows_people"] is False
    found = read_built(builder.data_path)
    indices = [index for rows in found.values() for index in rows]
    assert sorted(indices) == list(range(30))
    assert found["train"][indices[0]]["image"].shape == (80, 80, 3)


if __name__ == "__main__":
    tfds.testing.test_main()
