import pathlib

import pytest

from datasets.tiny_portraits import testing
from datasets.tiny_portraits.attributes import Attributes
from datasets.tiny_portraits.attributes import read_attributes
from datasets.tiny_portraits.bad_items import BadItems
from datasets.tiny_portraits.errors import DatasetInputError

HEADER = b"Image_Index,Gender,Hair_Color,Hair_Type\n"
GOOD = b"3,female,blond,n/a\n"


def read(tmp_path, content, on_bad="raise"):
    path = tmp_path / "Tiny_Portraits_Attributes.csv"
    path.write_bytes(content)
    bad_items = BadItems(on_bad)
    return read_attributes(path, bad_items), bad_items.items


def test_rows_become_labels_in_ascending_order(tmp_path):
    table, _ = read(tmp_path, HEADER + b"202598,male,gray,straight\n" + GOOD)
    assert list(table.items()) == [
        (3, Attributes(3, "female", "blond", -1)),
        (202598, Attributes(2, "male", "gray", "straight")),
    ]
    assert table[3].labels() == {
        "gender": "female",
        "hair_color": "blond",
        "hair_type": -1,
    }


def test_what_a_spreadsheet_makes_of_the_file_is_the_same(tmp_path):
    content = testing.format_csv(testing.ROWS).encode()
    spreadsheet = b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")
    assert read(tmp_path, content) == read(tmp_path, spreadsheet)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "csv is empty. Copy"),
        (b"\n", "csv is empty. Copy"),
        (HEADER, "names no portrait"),
        (GOOD, "must start with the line Image_Index,Gender"),
        (
            b"Image_Index,Gender,Hair_Type,Hair_Color\n3,male,wavy,n/a\n",
            "in this order. Received: 'Image_Index,Gender,Hair_Type",
        ),
        (b"Image_Index,Gender\n3,male\n", "must start with the line"),
        (HEADER.replace(b",", b";") + GOOD, "must start with the line"),
        (HEADER + GOOD + b"4,f\xe9male,n/a,n/a\n", "line 3, is not UTF-8"),
    ],
)
@pytest.mark.parametrize("on_bad", ["raise", "skip"])
def test_a_file_that_is_wrong_as_a_whole_is_always_refused(
    tmp_path, content, message, on_bad
):
    with pytest.raises(DatasetInputError, match=message):
        read(tmp_path, content, on_bad)


def test_a_missing_file_is_named(tmp_path):
    path = pathlib.Path(tmp_path / "Tiny_Portraits_Attributes.csv")
    with pytest.raises(DatasetInputError, match=f"no attribute file {path}"):
        read_attributes(path, BadItems("skip"))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"4,female,purple,wavy", "has the unknown Hair_Color 'purple'; "),
        (b"4,female,black,curly", "has the unknown Hair_Type 'curly'; "),
        (b"4,n/a,black,wavy", "has the unknown Gender 'n/a'; "),
        (b"4,Female,black,wavy", "has the unknown Gender 'Female'; "),
        (b"4,female,,wavy", "has the unknown Hair_Color ''; "),
        (b"3,male,black,wavy", "repeats the Image_Index 3 of line 2"),
        (b"-4,male,black,wavy", "has the Image_Index '-4' where a number"),
        (b"4.0,male,black,wavy", "has the Image_Index '4.0' where a number"),
        (b"202599,male,n/a,n/a", "has the Image_Index 202599; the last one"),
        (b"4,male,bla", "has 3 of 4 columns ('4,male,bla'): the file is trunc"),
        (b"4,male,n/a,n/a,1", "has 5 of 4 columns"),
    ],
)
def test_a_bad_row_is_refused_or_listed(tmp_path, row, reason):
    # The last row has no line end, as in a file that was cut off.
    content = HEADER + GOOD + b"5,male,n/a,n/a\n" + row
    with pytest.raises(DatasetInputError) as error:
        read(tmp_path, content)
    assert str(error.value).startswith(
        f"Tiny_Portraits_Attributes.csv, line 4 {reason}"
    )
    assert "--on_bad=skip" in str(error.value)
    table, items = read(tmp_path, content, "skip")
    assert list(table) == [3, 5]
    assert table[3].gender == "female"
    [(item, listed)] = items
    assert item == "Tiny_Portraits_Attributes.csv, line 4"
    assert listed.startswith(reason)
