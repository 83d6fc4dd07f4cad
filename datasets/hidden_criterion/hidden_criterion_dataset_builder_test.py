import collections
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
from ..building.pictures import convert
from ..building.prepare import prepare
from ..building.summary import format_summary
from ..building.testing import make_picture
from ..building.testing import write_pack
from . import facts
from . import hidden_criterion_dataset_builder
from . import testing

FILES = testing.make_files()
# 15 % of 20, 13, 7 and 3 rows are 3, 1.95, 1.05 and .45.
VALIDATION = (3, 2, 1, 0)


class HiddenCriterionTest(builders.BuilderTestCase):
    DATASET_CLASS = hidden_criterion_dataset_builder.Builder
    BUILDER_CONFIG_NAMES_TO_TEST = ["files"]
    SPLITS = {"train": 37, "validation": 6, "test": 5}

    @classmethod
    def write_files(cls, folder):
        write_pack(folder, FILES)


def count_cells(examples):
    cells = [(int(e["criterion"]), int(e["gender"])) for e in examples]
    counts = collections.Counter(cells)
    return tuple(counts[cell] for cell in [(0, 0), (0, 1), (1, 0), (1, 1)])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    write_pack(folder, FILES)
    return prepare("hidden_criterion", folder / "tfds", folder)


def test_pixels_and_labels_are_those_of_the_files(built):
    assert built.builder_config.name == "files"
    found = read_built(built.data_path)
    rows = {index: e for split in found.values() for index, e in split.items()}
    assert sorted(rows) == [*range(48)] and sorted(found["test"]) == [
        *range(43, 48)
    ]
    cells = testing.TRAIN + testing.TEST
    contents = [data for name, data in FILES.items() if "/" in name]
    for index, example in rows.items():
        pixels = tf.io.decode_png(convert(contents[index], 80, 80, 80))
        np.testing.assert_array_equal(example["image"], pixels)
        criterion, gender = (int(number) > 0 for number in cells[index])
        assert (example["criterion"], example["gender"]) == (criterion, gender)


def test_of_every_cell_the_least_hashes_are_for_validation(built):
    found = read_built(built.data_path)["validation"]
    assert count_cells(found.values()) == VALIDATION
    names = [name for name in FILES if name.startswith("train/")]
    hashes = [hashlib.sha256(FILES[name]).hexdigest() for name in names]
    expected = []
    for cell, count in zip(testing.CELLS, VALIDATION, strict=True):
        members = [i for i, c in enumerate(testing.TRAIN) if c == cell]
        expected += sorted(members, key=hashes.__getitem__)[:count]
    assert sorted(found) == sorted(expected)


def test_metadata_tell_what_features_can_not(built):
    builder = tfds.builder_from_directory(built.data_path)
    assert dict(builder.info.metadata) == {
        "protected": "gender",
        "guarded": ["criterion"],
        "conditions": ["gender", "criterion"],
        "shows_people": True,
    }
    features = builder.info.features
    assert features["image"].shape == (80, 80, 3)
    assert features["criterion"].names == ["no", "yes"]
    assert features["gender"].names == ["female", "male"]


def test_splits_do_not_depend_on_names_order_size_or_container(built, tmp_path):
    lines = FILES["train.txt"].decode().splitlines()[::-1]
    files = {"train.txt": "\n".join(lines).replace("0.jpg", "0.JPEG").encode()}
    for name in [*FILES][:0:-1]:
        if name.startswith("train/"):
            files[name.replace("0.jpg", "0.JPEG")] = FILES[name]
    write_pack(tmp_path, files, zipped=False)
    other = prepare(
        "hidden_criterion", tmp_path / "tfds", tmp_path, image_size="64x64"
    )
    assert other.builder_config.name == "files_64x64"
    first, second = read_built(built.data_path), read_built(other.data_path)
    for split in ("train", "validation"):
        # The rows stand the other way round.
        assert {42 - index for index in second[split]} == first[split].keys()
        for index, example in second[split].items():
            assert example["gender"] == first[split][42 - index]["gender"]
            assert example["image"].shape == (64, 64, 3)


def test_near_duplicates_stay_together(tmp_path):
    cells = [testing.CELLS[0]] * 40
    files = testing.make_part("train", cells)
    # Every third is there again, saved by another quality.
    for number in range(2, 40, 3):
        name = f"train/{number + 1:06d}.jpg"
        pixels = tf.io.decode_jpeg(files[f"train/{number:06d}.jpg"])
        files[name] = tf.io.encode_jpeg(pixels, quality=60).numpy()
    write_pack(tmp_path, files)
    builder = prepare("hidden_criterion", tmp_path / "tfds", tmp_path)
    record = BuildRecord.read(pathlib.Path(builder.data_path))
    assert record.details == {"groups": 27, "near duplicates": 26}
    found = read_built(builder.data_path)
    assert len(found["validation"]) == 6
    for number in range(2, 40, 3):
        pair = {number - 1, number}
        assert any(pair <= split.keys() for split in found.values())


def test_without_a_test_list_there_is_no_test_split(tmp_path):
    files = {n: d for n, d in FILES.items() if n != "test.txt"}
    write_pack(tmp_path, files)
    builder = prepare("hidden_criterion", tmp_path / "tfds", tmp_path)
    assert [*builder.info.splits] == ["train", "validation"]
    folder = pathlib.Path(builder.data_path)
    summary = format_summary(BuildRecord.read(folder), folder)
    assert "train 37, validation 6, test none" in summary
    assert "No portrait of test was found" in summary


def test_bad_pictures_are_listed_and_the_rest_is_built(tmp_path):
    bad = {
        "train/000001.jpg": make_picture(99, size=(80, 80))[:-500],
        "train/000002.jpg": make_picture(99),
        "train/000003.jpg": make_picture(99, size=(80, 80), kind="PNG"),
        "test/000001.jpg": b"",
    }
    write_pack(tmp_path, FILES | bad)
    message = "train.zip: train/000001.jpg is a damaged JPEG image"
    with pytest.raises(DatasetInputError, match=message):
        prepare("hidden_criterion", tmp_path / "tfds", tmp_path)
    builder = prepare(
        "hidden_criterion", tmp_path / "tfds", tmp_path, on_bad="skip"
    )
    folder = pathlib.Path(builder.data_path)
    assert BuildRecord.read(folder).skipped == 4
    counts = {
        name: len(rows) for name, rows in read_built(builder.data_path).items()
    }
    # 15 % of 17 women without the criterion still are 3.
    assert counts == {"train": 34, "validation": 6, "test": 4}
    listed = (folder / "skipped.csv").read_text()
    for reason in ("damaged JPEG", "200x200 pixels", "not a JPEG", "is empty"):
        assert listed.count(reason) == 1


def test_synthetic_faces_are_built(tmp_path):
    builder = prepare("hidden_criterion/synthetic_tiny", tmp_path)
    assert builder.info.metadata["shows_people"] is False
    found = read_built(builder.data_path)
    indices = [index for rows in found.values() for index in rows]
    assert sorted(indices) == [*range(400)]
    assert len(found["test"]) == 57  # One in seven.
    rows = [e for s in ("train", "validation") for e in found[s].values()]
    expected = [round(facts.VALIDATION_SHARE * n) for n in count_cells(rows)]
    assert count_cells(found["validation"].values()) == tuple(expected)


if __name__ == "__main__":
    tfds.testing.test_main()
