import zipfile

import pytest

from ..building.archives import base_name
from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from ..building.testing import make_picture
from ..building.testing import write_pack
from . import testing
from .labels import Labels
from .listed_files import open_part

FILES = testing.make_part("train", testing.CELLS)


def read(folder, bad_items=None, part="train", start=0):
    """Returns index, labels and bytes by name."""
    files = open_part(folder, part, bad_items or BadItems(), start)
    return {
        base_name(file): (*files.faces[file], content)
        for file, content in files.archives.read(files.faces)
    }


@pytest.mark.parametrize("zipped", [True, False])
def test_rows_and_pictures_are_joined_by_name(tmp_path, zipped):
    names = [*FILES][:0:-1]  # In another order than the rows.
    files = {name: FILES[name] for name in ("train.txt", *names)}
    # What systems leave there is not looked at.
    notes = {"train/._000001.jpg": b"note", "train/list.txt": b"text"}
    write_pack(tmp_path, files | notes, zipped)
    before = sorted(tmp_path.rglob("*"))
    found = read(tmp_path)
    assert [found[name] for name in sorted(found)] == [
        (0, Labels("no", "female"), FILES["train/000001.jpg"]),
        (1, Labels("no", "male"), FILES["train/000002.jpg"]),
        (2, Labels("yes", "female"), FILES["train/000003.jpg"]),
        (3, Labels("yes", "male"), FILES["train/000004.jpg"]),
    ]
    assert sorted(tmp_path.rglob("*")) == before  # Nothing is unpacked.


def test_indices_of_a_second_list_follow(tmp_path):
    files = testing.make_files()
    write_pack(tmp_path, files)
    first = open_part(tmp_path, "train", BadItems())
    second = read(tmp_path, part="test", start=first.end)
    assert sorted(row[0] for row in second.values()) == [*range(43, 48)]


def test_the_archive_is_read_where_both_are_there(tmp_path):
    write_pack(tmp_path, FILES)
    other = dict.fromkeys(FILES, make_picture(9)) | {
        "train.txt": FILES["train.txt"]
    }
    write_pack(tmp_path, other, zipped=False)
    assert read(tmp_path)["000001.jpg"][2] == FILES["train/000001.jpg"]


EXTRA = {"train/000005.jpg": b"a", "train/more/000006.JPG": b"b"}
WITHOUT = {n: data for n, data in FILES.items() if "3" not in n}


@pytest.mark.parametrize(
    ("files", "zipped", "message", "items", "count"),
    [
        (
            FILES | EXTRA,
            True,
            "train.zip: train/000005.jpg has no row in train.txt (and 1 more "
            "like it). Delete it or add the row, or leave",
            ["train.zip: train/000005.jpg", "train.zip: train/more/000006.JPG"],
            4,
        ),
        (
            FILES | {"train/000005.jpg": b"a"},
            False,
            "manual/train/000005.jpg has no row in train.txt",
            ["manual/train/000005.jpg"],
            4,
        ),
        (
            WITHOUT,
            True,
            "train.txt, line 3: 000003.jpg has no picture; there is none in "
            "train.zip or a folder train. Get the pictures again or delete",
            ["train.txt, line 3: 000003.jpg"],
            3,
        ),
        (
            FILES | {"train/a/000002.jpg": b"a"},
            True,
            "train.zip: train/a/000002.jpg is there a second time",
            ["train.zip: train/a/000002.jpg"],
            4,
        ),
        (
            FILES | {"train/000002.jpg": bytes(2 << 20)},
            True,
            "train.zip: train/000002.jpg claims to have 2,097,152 bytes",
            ["train.zip: train/000002.jpg"],
            3,
        ),
    ],
)
def test_a_row_or_picture_of_no_use_is_named_or_listed(
    tmp_path, files, zipped, message, items, count
):
    folder = write_pack(tmp_path / "manual", files, zipped)
    with pytest.raises(DatasetInputError) as error:
        read(folder)
    assert str(error.value).startswith(message)
    bad_items = BadItems("skip")
    assert len(read(folder, bad_items)) == count
    assert [item.item for item in bad_items.items] == items


def test_the_picture_of_a_bad_row_is_no_further_bad_item(tmp_path):
    text = FILES["train.txt"].replace(b"000002.jpg\t-1", b"000002.jpg\t0")
    write_pack(tmp_path, FILES | {"train.txt": text})
    bad_items = BadItems("skip")
    assert len(read(tmp_path, bad_items)) == 3
    assert [item.item for item in bad_items.items] == ["train.txt, line 2"]


def test_what_is_not_there_says_what_is_expected(tmp_path):
    with pytest.raises(DatasetInputError) as error:
        read(tmp_path)
    assert str(error.value) == (
        f"There is no train.txt in {tmp_path}. Expected it there, with "
        "train.zip or a folder train beside it."
    )
    write_pack(tmp_path, {"train.txt": FILES["train.txt"]})
    with pytest.raises(DatasetInputError, match=r"no pictures of train\.txt"):
        read(tmp_path)
    (tmp_path / "train.zip").write_bytes(b"nonsense")
    with pytest.raises(DatasetInputError, match="not a whole ZIP archive"):
        read(tmp_path)
    with zipfile.ZipFile(tmp_path / "train.zip", "w"):
        pass
    with pytest.raises(DatasetInputError, match="line 1: 000001.jpg has no p"):
        read(tmp_path)
