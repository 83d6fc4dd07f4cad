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
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tp_keras.errors import UserError
from tp_keras.generator.drawing import pack as pack_lib
from tp_keras.generator.drawing.pack import FileWriter
from tp_keras.generator.drawing.pack import PackWriter
from tp_keras.generator.drawing.pack import iterate_portraits

TRAIN_END = facts.SPLIT_RANGES["train"][1]
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


@pytest.fixture
def old(tmp_path):
    return testing.write_pack(tmp_path / "old")


def write(folder, count, old):
    images = random_portraits(count)
    labels = {n: (v * count)[:count] for n, v in LABELS.items()}
    folder.mkdir()
    writer = PackWriter(folder, old, SCHEMA, TRAIN_END)
    writer.require(labels)
    with writer as pack:
        half = count // 2
        for rows in (slice(half), slice(half, None)):
            part = {name: names[rows] for name, names in labels.items()}
            pack.add(images[rows], part)
    return images


def test_a_pack_is_extended_in_its_own_format_and_left_as_it_is(
    old, tmp_path, monkeypatch
):
    monkeypatch.setattr(pack_lib, "IMAGES_PER_ARCHIVE", 2)
    before = {p: p.read_bytes() for p in old.rglob("*.*")}
    images = write(tmp_path / "new", 5, old)
    assert {p: p.read_bytes() for p in old.rglob("*.*")} == before
    found, labels = read(tmp_path / "new")
    # 0 and 7 are taken.
    added = {index: found[index] for index in (1, 2, 3, 4, 5)}
    np.testing.assert_array_equal(list(added.values()), images)
    assert list(labels[1].values()) == ["female", "blond", "wavy"]
    assert labels[3] == {"gender": "male", "hair_color": -1, "hair_type": -1}
    kept, kept_labels = read(old)
    for index, pixels in kept.items():
        np.testing.assert_array_equal(found[index], pixels)
    assert {i: labels[i] for i in kept_labels} == kept_labels
    assert len(labels) == len(kept_labels) + 5
    archives = sorted(p.name for p in tmp_path.glob("new/*/*.zip"))
    first = len(list(old.glob("*/*.zip")))
    assert archives[first:] == [
        facts.ARCHIVE_NAME.format(number=first + n) for n in range(3)
    ]


def test_a_pack_of_a_spreadsheet_gives_the_same_bytes(old, tmp_path):
    path = old / facts.CSV_NAME
    text = path.read_bytes().replace(b"\n", b"\r\n")
    path.write_bytes(b"\xef\xbb\xbf" + text)
    files = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        write(folder, 3, old)
        files.append([p.read_bytes() for p in sorted(folder.rglob("*.*"))])
        assert len(read(folder)[1]) == len(testing.ROWS) + 3
    assert files[0] == files[1]


SPOILED = {
    "gone": lambda old: shutil.rmtree(old),
    "no_csv": lambda old: (old / facts.CSV_NAME).unlink(),
    "columns": lambda old: (old / facts.CSV_NAME).write_text("a,b\n1,2\n"),
    "no_labels": lambda old: (old / facts.CSV_NAME).write_text("Index\n1\n"),
    "empty": lambda old: (old / facts.CSV_NAME).write_text(""),
    "not_text": lambda old: (old / facts.CSV_NAME).write_bytes(b"\xff\xfe"),
    "two": lambda old: (old / "other.csv").write_text(""),
    "no_archives": lambda old: shutil.rmtree(old / facts.ARCHIVE_FOLDERS[0]),
    "no_zip": lambda old: [p.write_text("") for p in old.glob("*/*.zip")],
}


@pytest.mark.parametrize("how", SPOILED)
def test_what_is_no_pack_is_not_extended(old, tmp_path, how):
    SPOILED[how](old)
    with pytest.raises(UserError, match="Expected a pack to extend.*gender"):
        PackWriter(tmp_path, old, SCHEMA, TRAIN_END)


def test_labels_and_room_are_required(old, tmp_path):
    # A generator of other labels does not extend it.
    with pytest.raises(UserError, match="out of origin, smile.*Gender"):
        PackWriter(tmp_path, old, EVERY_KIND, TRAIN_END)
    writer = PackWriter(tmp_path, old, SCHEMA, 9)
    # 0 and 7 are taken.
    writer.require({name: names[:1] * 7 for name, names in LABELS.items()})
    with pytest.raises(UserError, match="below --index_end, 7.*count=8"):
        writer.require({name: names[:1] * 8 for name, names in LABELS.items()})
    with pytest.raises(UserError, match="--labels.*Received: gender=unknown"):
        writer.require({**LABELS, "gender": ["male", "unknown", "male"]})


def test_single_files_are_sound_and_say_what_they_are(tmp_path):
    images = random_portraits(3)
    seeds = [11, 12, 2**53 - 1]
    with FileWriter(tmp_path, temperature=0.5) as files:
        for rows in (slice(2), slice(2, None)):
            part = {name: names[rows] for name, names in LABELS.items()}
            files.add(images[rows], part, seeds[rows])
    with (tmp_path / "portraits.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[2].values()) == [
        *("portrait_000002.png", "male", "unknown", "unknown"),
        *(str(2**53 - 1), "0.5"),
    ]
    assert list(rows[2]) == ["file", *LABELS, "seed", "temperature"]
    for row, pixels in zip(rows, images, strict=True):
        png = (tmp_path / row["file"]).read_bytes()
        np.testing.assert_array_equal(decode(png), pixels)
        assert find_defect(png, 108, 84) is None


def test_batches_keep_rows_together():
    seeds = np.arange(150)
    labels = {"origin": [f"row {seed}" for seed in seeds]}

    def generate(part, own, temperature):
        assert part["origin"] == [f"row {seed}" for seed in own]
        return own * temperature

    parts = list(iterate_portraits(generate, labels, seeds, 2.0))
    assert len(parts) > 1
    images, _, numbers = zip(*parts, strict=True)
    np.testing.assert_array_equal(np.concatenate(numbers), seeds)
    np.testing.assert_array_equal(np.concatenate(images), 2 * seeds)
