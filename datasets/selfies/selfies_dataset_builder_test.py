import hashlib
import pathlib

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_datasets as tfds

from tests import builders
from tests.builders import read_built

from ..building.build_record import BuildRecord
from ..building.errors import DatasetInputError
from ..building.group_splits import even_split_of
from ..building.pictures import convert
from ..building.prepare import prepare
from ..building.summary import format_summary
from ..building.testing import make_picture
from ..building.testing import write_pack
from . import facts
from . import selfies_dataset_builder
from . import testing

ROWS = testing.make_rows()
FILES = testing.make_files(ROWS)
TABLE = facts.TABLE_NAME
CONTENTS = [content for name, content in FILES.items() if name != TABLE]
SPLITS = {split: set() for split in ("train", "validation", "test")}
for _index, _content in enumerate(CONTENTS):
    SPLITS[even_split_of(hashlib.sha256(_content).hexdigest())].add(_index)


class SelfiesTest(builders.BuilderTestCase):
    DATASET_CLASS = selfies_dataset_builder.Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ["files"]
    SPLITS = {split: len(indices) for split, indices in SPLITS.items()}

    @classmethod
    def write_files(cls, folder):
        write_pack(folder, FILES)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    write_pack(folder, FILES)
    return prepare("selfies", folder / "tfds", folder)


def all_of(found):
    return {i: e for rows in found.values() for i, e in rows.items()}


def test_pixels_and_labels_are_those_of_the_files(built):
    assert built.builder_config.name == "files"
    found = read_built(built.data_path)
    assert {split: set(rows) for split, rows in found.items()} == SPLITS
    features = built.info.features
    for index, example in all_of(found).items():
        pixels = convert(CONTENTS[index], 80, 80, 80, is_least=True)
        np.testing.assert_array_equal(
            example["image"], tf.io.decode_png(pixels)
        )
        name, popularity, *flags = ROWS[index].split()
        flags = dict(zip(facts.FLAGS, map(int, flags), strict=True))
        assert example["popularity"] == np.float32(popularity)
        gender = {1: "female", -1: "male"}.get(flags["is_female"])
        found_names = {
            name: features[name].names[example[name]]
            for name in ("gender", *facts.GROUPS)
            if example[name] >= 0
        }
        assert found_names.pop("gender", None) == gender
        assert found_names.keys() == facts.GROUPS.keys()
        for task, name in found_names.items():
            assert flags[facts.GROUPS[task][name]] == 1
        # -1 is no and 0 not known there; here no is 0, and -1 not known.
        expected = [{-1: 0, 0: -1, 1: 1}[flags[n]] for n in facts.ATTRIBUTES]
        assert example["attributes"].tolist() == expected
        assert example["attributes"].dtype == np.int8


def test_metadata_tell_what_features_can_not(built):
    builder = tfds.builder_from_directory(built.data_path)
    numbers = {"unit": "points", "low": 0, "high": 8, "tolerance": 0.3}
    assert dict(builder.info.metadata) == {
        "protected": "gender",
        "guarded": ["hair_color", "popularity"],
        "conditions": ["gender", "hair_color"],
        "ordinal": ["age_group"],
        "shows_people": True,
        "numbers": {"popularity": numbers},
        "flags": {"attributes": list(facts.ATTRIBUTES)},
    }
    features = builder.info.features
    assert features["image"].shape == (80, 80, 3)
    assert features["gender"].names == ["female", "male"]
    assert features["race"].names == ["white", "black", "asian"]
    assert features["hair_color"].names == ["black", "brown", "blond", "red"]
    assert features["age_group"].names[::5] == ["baby", "senior"]


def test_splits_do_not_depend_on_names_order_size_or_container(built, tmp_path):
    rows = [
        f"{chr(97 + number % 7)}{number} {row.partition(' ')[2]}"
        for number, row in enumerate(reversed(ROWS))
    ]
    pictures = {
        f"images/{row.split()[0]}.JPG": content
        for row, content in zip(rows, reversed(CONTENTS), strict=True)
    }
    files = {TABLE: "".join(rows).encode()} | pictures
    write_pack(tmp_path, files, zipped=False)
    other = prepare("selfies", tmp_path / "tfds", tmp_path, image_size="64x64")
    assert other.builder_config.name == "files_64x64"
    first, second = read_built(built.data_path), read_built(other.data_path)
    last = len(ROWS) - 1
    for split in first:
        assert {last - index for index in second[split]} == set(first[split])
        for index, example in second[split].items():
            before = first[split][last - index]
            assert example["popularity"] == before["popularity"]
            assert example["image"].shape == (64, 64, 3)


def test_repeated_rows_and_pictures_stay_together(tmp_path):
    rows, files = [*ROWS], {}
    # Every row is there again under another name, with quite another picture;
    # and every picture with another row, saved by another quality.
    for number, row in enumerate(ROWS):
        name = f"repeated_{number}"
        rows.append(f"{name} {row.partition(' ')[2]}")
        files[f"images/{name}.jpg"] = make_picture(
            1000 + number, size=testing.PICTURE_SIZE
        )
    for number, content in enumerate(CONTENTS):
        name = f"saved_{number}"
        rows.append(testing.make_row(name, f"{1 + number / 100:.2f}"))
        pixels = tf.io.decode_jpeg(content)
        again = tf.io.encode_jpeg(pixels, quality=60).numpy()
        files[f"images/{name}.jpg"] = again
    files = {**FILES, TABLE: "".join(rows).encode(), **files}
    builder = prepare("selfies", tmp_path / "tfds", write_pack(tmp_path, files))
    count = len(ROWS)
    record = BuildRecord.read(pathlib.Path(builder.data_path))
    assert record.details["groups"] == count
    assert record.details["in groups of several"] == 3 * count
    assert record.details["repeated rows"] == 2 * count
    found = read_built(builder.data_path)
    assert {*found} == {*SPLITS}
    for indices in found.values():
        numbers = {index % count for index in indices}
        members = {number + count * i for number in numbers for i in range(3)}
        assert members == set(indices)


def test_rows_that_tell_no_class_are_missing_and_counted(tmp_path):
    name = facts.ROW_NAME.format
    rows = [
        *ROWS[:30],
        testing.make_row(name(number=31), baby=1, child=1, white=1),
        testing.make_row(name(number=32), is_female=0, red_hair=1),
    ]
    write_pack(tmp_path, testing.make_files(rows))
    builder = prepare("selfies", tmp_path / "tfds", tmp_path)
    found = all_of(read_built(builder.data_path))
    assert (found[30]["age_group"], found[30]["race"]) == (-1, 0)
    assert (found[31]["age_group"], found[31]["hair_color"]) == (-1, 3)
    assert found[31]["gender"] == -1
    folder = pathlib.Path(builder.data_path)
    record = BuildRecord.read(folder)
    assert record.details["age_group: several set"] == 1
    assert record.details["age_group: none set"] == 1
    assert record.details["race: none set"] == 1
    assert record.details["face_shape: none set"] == 2
    assert record.labels["age_group"]["n/a"] == 2
    summary = format_summary(record, folder)
    assert "age_group: several set" in summary
    attributes = record.labels["attributes"]
    # One in three of the first thirty is set, none of the last two.
    assert {attributes[flag] for flag in facts.ATTRIBUTES} == {10}
    assert attributes["n/a"] == 10 * len(facts.ATTRIBUTES)


def test_bad_items_are_listed_and_the_rest_is_built(tmp_path):
    size = testing.PICTURE_SIZE
    bad = {
        "images/selfie_00001.jpg": CONTENTS[0][:-500],
        "images/selfie_00002.jpg": make_picture(99, size=(79, 300)),
        "images/selfie_00003.jpg": make_picture(99, size=size, kind="PNG"),
        "images/selfie_00004.jpg": make_picture(99, size=size, mode="L"),
        "images/other.jpg": make_picture(98),
        TABLE: FILES[TABLE] + b"nobody,4.2\n",
    }
    write_pack(tmp_path, FILES | bad)
    with pytest.raises(DatasetInputError, match="line 41 has 1 of 38 cells"):
        prepare("selfies", tmp_path / "tfds", tmp_path)
    builder = prepare("selfies", tmp_path / "tfds", tmp_path, on_bad="skip")
    folder = pathlib.Path(builder.data_path)
    assert BuildRecord.read(folder).skipped == 6
    assert set(all_of(read_built(folder))) == {*range(4, len(ROWS))}
    listed = (folder / "skipped.csv").read_text()
    for reason in (
        *("damaged JPEG", "79x300 pixels", "not a JPEG", "colour mode L"),
        *("images/other.jpg,has no row", 'line 41","has 1 of 38'),
    ):
        assert listed.count(reason) == 1


def test_a_damaged_picture_is_named(tmp_path):
    bad = {"images/selfie_00009.jpg": CONTENTS[8][:-500]}
    write_pack(tmp_path, FILES | bad)
    message = "images.zip: images/selfie_00009.jpg is a damaged JPEG image"
    with pytest.raises(DatasetInputError, match=message):
        prepare("selfies", tmp_path / "tfds", tmp_path)


def test_synthetic_faces_are_built(tmp_path):
    builder = prepare("selfies/synthetic_tiny", tmp_path)
    assert builder.info.metadata["shows_people"] is False
    found = read_built(builder.data_path)
    examples = all_of(found)
    assert sorted(examples) == [*range(400)]
    assert {*found} == {*SPLITS}
    for name in ("gender", *facts.GROUPS):
        classes = set(range(len(builder.info.features[name].names)))
        assert {int(e[name]) for e in examples.values()} == classes | {-1}
    record = BuildRecord.read(pathlib.Path(builder.data_path))
    assert 10 < record.details["repeated rows"] < 60
    assert (
        record.details["in groups of several"]
        >= (record.details["repeated rows"])
    )


if __name__ == "__main__":
    tfds.testing.test_main()
