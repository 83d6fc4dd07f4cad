import csv
import io
import json
import re
import zipfile

import numpy as np
import pytest
from PIL import Image

from ...building import drawn_pack
from ...building.errors import DatasetInputError
from .. import Builder
from .. import facts
from . import labels
from . import pack as pack_module

COUNT = 150


@pytest.fixture(scope="module")
def pack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("packs") / "pack"
    return Builder.draw_pack(folder, COUNT, seed=2, workers=1, progress=False)


def _files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _read(folder):
    """Returns the rows of the attribute file and the pictures by index."""
    with open(folder / facts.CSV_NAME, newline="") as file:
        rows = list(csv.DictReader(file))
    pictures = {}
    for path in sorted((folder / facts.ARCHIVE_FOLDERS[0]).iterdir()):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            for name in archive.namelist():
                index = int(re.fullmatch(facts.IMAGE_NAME_PATTERN, name)[1])
                picture = Image.open(io.BytesIO(archive.read(name)))
                assert picture.mode == "RGB"
                pictures[index] = np.asarray(picture)
    return rows, pictures


def test_the_format_is_that_of_the_archives(pack):
    text = (pack / facts.CSV_NAME).read_bytes()
    assert text.startswith(b"Image_Index,Gender,Hair_Color,Hair_Type\n")
    assert b"\r" not in text and b'"' not in text
    rows, pictures = _read(pack)
    indices = [int(row["Image_Index"]) for row in rows]
    assert len(rows) == COUNT
    assert indices == sorted(set(indices)) == list(pictures)
    for row in rows:
        for column, classes in zip(
            facts.CSV_COLUMNS[1:], facts.CLASSES.values(), strict=True
        ):
            allowed = classes if column == "Gender" else (*classes, "n/a")
            assert row[column] in allowed
    assert {p.shape for p in pictures.values()} == {facts.IMAGE_SHAPE}
    assert {facts.split_of(index) for index in indices} == {
        "train", "validation", "test",
    }  # fmt: skip

    stated = json.loads((pack / "pack.json").read_text())
    assert (stated["count"], stated["seed"]) == (COUNT, 2)
    assert stated["label_noise"] == labels.LABEL_NOISE
    assert stated["generator_version"] == pack_module.GENERATOR_VERSION


def test_archives_hold_so_many_portraits_and_not_more(tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "IMAGES_PER_ARCHIVE", 8)
    folder = Builder.draw_pack(tmp_path / "p", 20, workers=1, progress=False)
    sizes = {}
    for path in (folder / facts.ARCHIVE_FOLDERS[0]).iterdir():
        with zipfile.ZipFile(path) as archive:
            sizes[path.name] = len(archive.namelist())
    assert sizes == {
        facts.ARCHIVE_NAME.format(number=number): size
        for number, size in enumerate([8, 8, 4])
    }


def test_counterfactuals_flip_the_gender_of_the_test_portraits(pack):
    rows, pictures = _read(pack)
    others, changed = _read(pack / "Counterfactuals")
    by_index = {row["Image_Index"]: row for row in rows}
    table = labels.LabelTable.draw(2)
    expected = [
        index
        for index in pictures
        if facts.split_of(index) == "test" and table.outlier[index] < 0
    ]
    assert list(changed) == expected
    for row in others:
        first = by_index[row["Image_Index"]]
        assert {first["Gender"], row["Gender"]} == {"female", "male"}
        assert first["Hair_Color"] == row["Hair_Color"]
        assert first["Hair_Type"] == row["Hair_Type"]
        index = int(row["Image_Index"])
        assert (pictures[index] != changed[index]).any()
        assert (pictures[index] == changed[index]).mean() > 0.6


def test_a_pack_that_is_there_is_not_drawn_again(pack, monkeypatch):
    monkeypatch.setattr(Builder, "write_pack", None)
    assert Builder.draw_pack(pack, COUNT, seed=2) == pack


def test_a_folder_of_something_else_is_left_alone(pack, tmp_path):
    before = _files(pack)
    with pytest.raises(DatasetInputError, match="something else"):
        Builder.draw_pack(pack, COUNT, seed=3)
    assert _files(pack) == before
    (tmp_path / "letter.txt").write_text("mine")
    with pytest.raises(DatasetInputError, match="output_dir"):
        Builder.draw_pack(tmp_path, 10)
    with pytest.raises(DatasetInputError, match="letter.txt"):
        Builder.draw_pack(tmp_path / "letter.txt", 10)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_drawing_that_fails_midway_leaves_no_pack(tmp_path, monkeypatch):
    draw_in_order = drawn_pack.draw_in_order

    def fail_midway(*arguments, **settings):
        for number, files in enumerate(draw_in_order(*arguments, **settings)):
            if number == 5:
                raise OSError("No space left on device")
            yield files

    monkeypatch.setattr(drawn_pack, "draw_in_order", fail_midway)
    with pytest.raises(OSError, match="No space"):
        Builder.draw_pack(tmp_path / "p", 20, workers=1, progress=False)
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    (tmp_path / ".p.drawing").mkdir()  # what a killed process leaves
    Builder.draw_pack(tmp_path / "p", 20, workers=1, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["p"]


@pytest.mark.parametrize(
    ("settings", "word"),
    [({"count": 0}, "count=0"), ({"count": 134_735}, "count=134735"),
     ({"count": 5, "seed": -1}, "seed=-1")],
)  # fmt: skip
def test_settings_out_of_range_are_refused(tmp_path, settings, word):
    with pytest.raises(DatasetInputError, match=word):
        Builder.draw_pack(tmp_path / "p", **settings)
    assert not (tmp_path / "p").exists()
