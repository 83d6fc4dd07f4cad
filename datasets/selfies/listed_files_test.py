import pytest

from ..building.archives import base_name
from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from ..building.testing import make_picture
from ..building.testing import write_pack
from . import testing
from .labels import read_rows
from .listed_files import open_files

FILES = testing.make_files(testing.make_rows(4))
TABLE = "selfie_dataset.txt"


def read(folder, bad_items=None):
    """Returns index, cells and bytes by name."""
    files = open_files(folder, bad_items or BadItems())
    return {
        base_name(file): (*files.faces[file], content)
        for file, content in files.archives.read(files.faces)
    }


@pytest.mark.parametrize("zipped", [True, False])
def test_rows_and_pictures_are_joined_by_name(tmp_path, zipped):
    names = [*FILES][:0:-1]  # In another order than the rows.
    files = {name: FILES[name] for name in (TABLE, *names)}
    notes = {"images/._selfie_00001.jpg": b"note", "images/list.txt": b"text"}
    write_pack(tmp_path, files | notes, zipped)
    rows = read_rows(tmp_path / TABLE, BadItems())
    assert read(tmp_path) == {
        f"selfie_0000{number}.jpg": (
            number - 1,
            rows[f"selfie_0000{number}"].labels,
            FILES[f"images/selfie_0000{number}.jpg"],
        )
        for number in (1, 2, 3, 4)
    }


def test_endings_in_the_table_and_folders_in_the_archive_do_not_matter(
    tmp_path,
):
    pictures = {
        f"images/more/{name.split('/')[1]}": data
        for name, data in FILES.items()
        if "/" in name
    }
    table = FILES[TABLE].replace(b"selfie_00002 ", b"selfie_00002.jpg ")
    write_pack(tmp_path, {TABLE: table} | pictures)
    assert [row[0] for row in read(tmp_path).values()] == [0, 1, 2, 3]


WITHOUT = {n: data for n, data in FILES.items() if "3" not in n}
BAD_ROW = FILES[TABLE].replace(b"selfie_00002 2.", b"selfie_00002 x.")


@pytest.mark.parametrize(
    ("files", "message", "items", "count"),
    [
        (
            FILES | {"images/selfie_00005.jpg": b"a"},
            "images.zip: images/selfie_00005.jpg has no row in selfie_dataset"
            ".txt. Delete it or add the row, or leave",
            ["images.zip: images/selfie_00005.jpg"],
            4,
        ),
        (
            WITHOUT,
            "selfie_dataset.txt, line 3: selfie_00003 has no picture; there is "
            "none in images.zip or a folder images. Get the pictures again or",
            ["selfie_dataset.txt, line 3: selfie_00003"],
            3,
        ),
        (
            FILES | {"images/selfie_00002.jpeg": make_picture(9)},
            "images.zip: images/selfie_00002.jpeg is there a second time",
            ["images.zip: images/selfie_00002.jpeg"],
            4,
        ),
        (
            # Its picture is no further bad item.
            FILES | {TABLE: BAD_ROW},
            "selfie_dataset.txt, line 2 has the popularity 'x.0625'",
            ["selfie_dataset.txt, line 2"],
            3,
        ),
    ],
)
def test_a_row_or_picture_of_no_use_is_named_or_listed(
    tmp_path, files, message, items, count
):
    write_pack(tmp_path, files)
    with pytest.raises(DatasetInputError) as error:
        read(tmp_path)
    assert str(error.value).startswith(message)
    bad_items = BadItems("skip")
    assert len(read(tmp_path, bad_items)) == count
    assert [item.item for item in bad_items.items] == items


def test_what_is_not_there_says_what_is_expected(tmp_path):
    with pytest.raises(DatasetInputError) as error:
        read(tmp_path)
    assert str(error.value) == (
        f"There is no selfie_dataset.txt in {tmp_path}. Expected it there, "
        "with images.zip or a folder images beside it."
    )


def test_a_table_alone_says_what_it_is_good_for(tmp_path):
    write_pack(tmp_path, {TABLE: FILES[TABLE]})
    with pytest.raises(DatasetInputError) as error:
        read(tmp_path)
    assert str(error.value) == (
        f"There are no pictures of selfie_dataset.txt in {tmp_path}. Expected "
        "images.zip or a folder images beside it. The table alone is what "
        "training.rank_attributes reads."
    )
