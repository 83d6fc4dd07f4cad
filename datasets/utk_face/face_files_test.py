import gzip
import pathlib
import shutil
import zipfile

import pytest

from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from ..building.testing import write_files
from ..building.testing import write_tar
from ..building.testing import write_zip
from . import testing
from .face_files import FaceFiles

PICTURES = testing.make_pictures(6)


def read(manual_dir, folder="", bad_items=None):
    """Returns index, labels and bytes by name."""
    files = FaceFiles(manual_dir, folder, bad_items or BadItems())
    return {
        pathlib.PurePath(file.name).name: (*files.faces[file], content)
        for file, content in files.archives.read(files.faces)
    }


def below(folder):
    return {f"{folder}/{name}": data for name, data in PICTURES.items()}


FORMS = {
    "UTKFace.zip": lambda path: write_zip(
        path / "UTKFace.zip", below("UTKFace")
    ),
    "UTKFace.tar.gz": lambda path: write_tar(
        path / "UTKFace.tar.gz", below("UTKFace")
    ),
    "flat archive": lambda path: write_zip(path / "crop_part1.zip", PICTURES),
    "folder": lambda path: write_files(path, PICTURES),
    "folder below": lambda path: write_files(path, below("a/UTKFace")),
    "archive with notes": lambda path: write_zip(
        path / "UTKFace.zip",
        below("UTKFace")
        | {"__MACOSX/UTKFace/._1_1_1_20170116220224657.jpg": b"note"}
        | {"UTKFace/.DS_Store": b"", "README.txt": b"text"},
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_reads_the_same(tmp_path, form):
    FORMS[form](tmp_path)
    before = sorted(tmp_path.rglob("*"))
    found = read(tmp_path)
    assert {name: data for name, (_, _, data) in found.items()} == PICTURES
    assert sorted(tmp_path.rglob("*")) == before  # Nothing is unpacked.
    # The place among the sorted names.
    assert [found[name][0] for name in sorted(found)] == list(range(6))
    name = testing.NAME(3, 1, 3, 3)
    assert found[name][1] == (3.0, "female", "indian")


def test_several_folders_are_named_and_one_is_chosen(tmp_path):
    # The same pictures two or three times, as they are handed around.
    files = below("UTKFace") | below("utkface_aligned_cropped/UTKFace")
    write_zip(tmp_path / "archive.zip", files | below("crop_part1"))
    with pytest.raises(DatasetInputError) as error:
        read(tmp_path)
    assert str(error.value) == (
        f"{tmp_path} holds pictures in 3 folders, maybe the same ones: "
        "archive.zip: UTKFace, archive.zip: utkface_aligned_cropped/UTKFace, "
        "archive.zip: crop_part1. Choose one of these names with --folder. "
        "Received: folder=''"
    )
    for folder in ("crop_part1", "archive.zip: UTKFace"):
        assert len(read(tmp_path, folder)) == 6
    with pytest.raises(DatasetInputError, match="Received: folder='part2'"):
        read(tmp_path, "part2")


def test_several_archives_are_named(tmp_path):
    FORMS["UTKFace.zip"](tmp_path)
    FORMS["UTKFace.tar.gz"](tmp_path)
    with pytest.raises(DatasetInputError, match=r"gz: UTKFace, UTKFace\.zip"):
        read(tmp_path)
    assert len(read(tmp_path, "UTKFace.tar.gz: UTKFace")) == 6
    # Or the archive itself is named.
    assert read(tmp_path / "UTKFace.zip") == read(tmp_path / "UTKFace.tar.gz")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (testing.NAME(117, 1, 1, 9), "has the age '117'"),
        ("portrait.png", "has no labels in its name"),
    ],
)
def test_a_bad_name_is_refused_or_listed(tmp_path, name, reason):
    files = PICTURES | {name: b"whatever"}
    write_zip(tmp_path / "a.zip", files)
    with pytest.raises(DatasetInputError) as error:
        read(tmp_path)
    assert str(error.value).startswith(f"a.zip: {name} {reason}")
    assert "Rename or delete it, or leave" in str(error.value)
    bad_items = BadItems("skip")
    found = read(tmp_path, bad_items=bad_items)
    assert found.keys() == PICTURES.keys()
    [item] = bad_items.items
    assert item.reason.startswith(reason)
    # The others keep their place among all names.
    names = sorted(files)
    assert all(found[n][0] == names.index(n) for n in found)


def test_a_huge_and_a_second_picture_are_listed(tmp_path):
    name = testing.NAME(20, 1, 1, 9)
    write_zip(tmp_path / "a.zip", {name: bytes(2 << 20)} | PICTURES)
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(tmp_path / "a.zip", "a") as archive,
    ):
        archive.writestr(min(PICTURES), b"other")
    bad_items = BadItems("skip")
    assert len(read(tmp_path, bad_items=bad_items)) == 6
    assert [item.reason for item in bad_items.items] == [
        "is there a second time",
        "claims to have 2,097,152 bytes",
    ]


def test_a_damaged_tar_archive_is_named(tmp_path):
    FORMS["UTKFace.tar.gz"](tmp_path)
    path = tmp_path / "UTKFace.tar.gz"
    content = path.read_bytes()
    tar = gzip.decompress(content)
    for damaged in (
        content[: len(content) // 2],
        content[:-8] + bytes(8),  # Another checksum and length.
        gzip.compress(tar[: len(tar) // 2]),
        b"nonsense",
    ):
        path.write_bytes(damaged)
        with pytest.raises(DatasetInputError, match="not a whole tar archive"):
            read(tmp_path)


def test_what_holds_no_picture_says_what_is_expected(tmp_path):
    with pytest.raises(DatasetInputError, match="There is no folder"):
        read(tmp_path / "missing")
    with pytest.raises(DatasetInputError, match="neither an archive nor a pic"):
        read(tmp_path)
    write_zip(tmp_path / "a.zip", {"notes.txt": b"text"})
    with pytest.raises(DatasetInputError, match="holds no picture, in no arch"):
        read(tmp_path)
    shutil.rmtree(tmp_path)
