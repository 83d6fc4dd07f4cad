import csv
import io
import shutil

import numpy as np
import pytest
from PIL import Image

from datasets.building.bad_items import BadItems
from datasets.building.png_check import find_defect
from datasets.tiny_portraits import facts
from datasets.tiny_portraits import testing
from datasets.tiny_portraits.portrait_pack import PortraitPack
from tests.export.networks import random_portraits
from tp_keras.errors import UserError
from tp_keras.generator.drawing import pack as pack_lib
from tp_keras.generator.drawing.files import FileWriter
from tp_keras.generator.drawing.pack import PackWriter
from tp_keras.generator.drawing.png import encode_pngs

LABELS = {
    "gender": ["female", "male", "male"],
    "hair_color": ["blond", "bald", "unknown"],
    "hair_type": ["wavy", "bald", "unknown"],
}


def decode(png):
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image)


def read(folder):
    """Reads a pack as the data set does."""
    pack = PortraitPack(folder, BadItems())
    images = dict(pack.portraits(pack.indices("train")))
    return {i: decode(png) for i, png in images.items()}, {
        index: row.labels() for index, row in pack.attributes.items()
    }


def write(folder, count, extends=None):
    images = random_portraits(count)
    labels = {n: (v * count)[:count] for n, v in LABELS.items()}
    folder.mkdir()
    with PackWriter(folder, extends) as pack:
        half = count // 2
        for rows in (slice(half), slice(half, None)):
            part = {name: names[rows] for name, names in labels.items()}
            pack.add(images[rows], part)
    return images


def test_the_format_is_that_of_the_data_set():
    assert pack_lib.CSV_NAME == facts.CSV_NAME
    assert pack_lib.CSV_COLUMNS == facts.CSV_COLUMNS
    assert pack_lib.MISSING_LABEL == facts.MISSING_LABEL
    assert pack_lib.ARCHIVE_FOLDERS == facts.ARCHIVE_FOLDERS
    assert pack_lib.ARCHIVE_NAME == facts.ARCHIVE_NAME
    assert pack_lib.IMAGE_NAME == facts.IMAGE_NAME
    assert pack_lib.IMAGES_PER_ARCHIVE == facts.IMAGES_PER_ARCHIVE
    assert facts.SPLIT_RANGES["train"] == (0, pack_lib.TRAIN_END)


def test_the_data_set_reads_it(tmp_path, monkeypatch):
    monkeypatch.setattr(pack_lib, "IMAGES_PER_ARCHIVE", 2)
    images = write(tmp_path / "pack", 5)
    found, labels = read(tmp_path / "pack")
    np.testing.assert_array_equal(list(found.values()), images)
    assert list(found) == [0, 1, 2, 3, 4]
    assert labels[0] == {
        "gender": "female",
        "hair_color": "blond",
        "hair_type": "wavy",
    }
    assert labels[2] == {"gender": "male", "hair_color": -1, "hair_type": -1}
    names = sorted(p.name for p in tmp_path.rglob("*.zip"))
    assert names == [f"Tiny_Portraits_Archive_00{n}.zip" for n in range(3)]


def test_the_same_portraits_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / name, 3)
    files = [
        [p.read_bytes() for p in sorted((tmp_path / name).rglob("*.*"))]
        for name in ("a", "b")
    ]
    assert files[0] == files[1]
    assert len(files[0]) == 2


def test_a_pack_is_extended_and_left_as_it_is(tmp_path):
    old = testing.write_pack(tmp_path / "old")
    before = {p: p.read_bytes() for p in old.rglob("*.*")}
    images = write(tmp_path / "new", 4, extends=old)
    assert {p: p.read_bytes() for p in old.rglob("*.*")} == before
    found, labels = read(tmp_path / "new")
    # 0 and 7 are taken.
    added = {index: found[index] for index in (1, 2, 3, 4)}
    np.testing.assert_array_equal(list(added.values()), images)
    kept, kept_labels = read(old)
    for index, pixels in kept.items():
        np.testing.assert_array_equal(found[index], pixels)
    assert {i: labels[i] for i in kept_labels} == kept_labels
    assert len(labels) == len(kept_labels) + 4


def test_a_pack_of_a_spreadsheet_is_extended(tmp_path):
    old = testing.write_pack(tmp_path / "old")
    path = old / facts.CSV_NAME
    text = path.read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text)
    write(tmp_path / "new", 2, extends=old)
    assert len(read(tmp_path / "new")[1]) == len(testing.ROWS) + 2


@pytest.mark.parametrize(
    "spoil",
    [
        lambda old: shutil.rmtree(old),
        lambda old: (old / facts.CSV_NAME).unlink(),
        lambda old: (old / facts.CSV_NAME).write_text("a,b\n1,2\n"),
        lambda old: (old / facts.CSV_NAME).write_text(""),
        lambda old: (old / facts.CSV_NAME).write_bytes(b"\xff\xfe\x00"),
        lambda old: shutil.rmtree(old / facts.ARCHIVE_FOLDERS[0]),
    ],
    ids=["gone", "no_csv", "columns", "empty", "not_text", "no_archives"],
)
def test_what_is_no_pack_is_not_extended(tmp_path, spoil):
    old = testing.write_pack(tmp_path / "old")
    spoil(old)
    with pytest.raises(UserError, match="Expected a pack of Tiny Portraits"):
        PackWriter(tmp_path, extends=old)


def test_there_is_no_room_for_more_than_the_training_range(tmp_path):
    pack_lib.check_capacity(162_770)
    with pytest.raises(UserError, match="count=162,771"):
        pack_lib.check_capacity(162_771)
    old = testing.write_pack(tmp_path / "old")
    assert PackWriter(tmp_path, extends=old).capacity == 162_770 - 5


def test_files_are_sound_portraits():
    images = random_portraits(20)
    pngs = encode_pngs(images)
    np.testing.assert_array_equal([decode(png) for png in pngs], images)
    assert {find_defect(png, 108, 84) for png in pngs} == {None}


def test_single_files_say_what_they_are(tmp_path):
    images = random_portraits(3)
    with FileWriter(tmp_path, temperature=0.5) as files:
        files.add(images[:2], LABELS, [11, 12])
        files.add(images[2:], LABELS, [2**53 - 1])
    with (tmp_path / "portraits.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[2] == {
        "file": "portrait_000002.png",
        "gender": "female",
        "hair_color": "blond",
        "hair_type": "wavy",
        "seed": str(2**53 - 1),
        "temperature": "0.5",
    }
    for row, pixels in zip(rows, images, strict=True):
        with Image.open(tmp_path / row["file"]) as image:
            np.testing.assert_array_equal(image, pixels)
