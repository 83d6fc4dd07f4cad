import pytest

from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from . import facts
from . import testing
from .attributes import Attributes
from .attributes import read_attributes

HEADER = b"Image_Index,Gender,Hair_Color,Hair_Type\n"
GOOD = b"3,female,blond,n/a\n"


def read(content, on_bad="raise", missing=()):
    bad_items = BadItems(on_bad)
    table = read_attributes(content, facts.CSV_NAME, bad_items, missing)
    return table, bad_items


def test_rows_become_labels_in_ascending_order():
    table, _ = read(HEADER + b"202598,male,gray,straight\n" + GOOD)
    assert list(table.items()) == [
        (3, Attributes(3, "female", "blond", -1)),
        (202598, Attributes(2, "male", "gray", "straight")),
    ]
    assert table[3].labels() == {
        "gender": "female",
        "hair_color": "blond",
        "hair_type": -1,
    }


CONTENT = testing.format_csv(testing.ROWS).encode()


def quote(content):
    """Puts each cell between quotes, as R and other programs do."""
    lines = content.decode().splitlines()
    return "".join(
        ",".join(f'"{cell}"' for cell in line.split(",")) + "\n"
        for line in lines
    ).encode()


def add_column(content, name, front=False):
    """Adds a column of numbers, at the end or in front."""
    lines = content.decode().splitlines()
    columns = [name, *map(str, range(1, len(lines)))]
    return "".join(
        f"{cell},{line}\n" if front else f"{line},{cell}\n"
        for line, cell in zip(lines, columns, strict=True)
    ).encode()


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (b"\xef\xbb\xbf" + CONTENT.replace(b"\n", b"\r\n"), None),
        (quote(CONTENT), None),
        (CONTENT.replace(b",", b" , "), None),
        (CONTENT.rstrip() + b"\n\n  \n", None),
        (CONTENT.replace(b",", b";"), "separated by semicolons"),
        (CONTENT.replace(b",", b"\t"), "separated by tabs"),
        (add_column(CONTENT, "Age"), "not read: Age"),
        (quote(add_column(CONTENT, "", front=True)), "not read: column 1"),
        # R's write.table, whose header has a cell less than the rows.
        (add_column(CONTENT, "", front=True)[1:], "not read: column 1"),
        (CONTENT.replace(b"\n", b",\n"), "not read: column 5"),
        (CONTENT.replace(b"\n", b",\n").replace(b",\n", b"\n", 1), "column 5"),
    ],
)
def test_what_other_programs_make_of_the_file_is_the_same(content, note):
    expected, _ = read(CONTENT)
    found, bad_items = read(content)
    assert found == expected
    if note is None:
        assert not bad_items.notes
    else:
        [said] = bad_items.notes
        assert said.startswith("Tiny_Portraits_Attributes.csv: ")
        assert said.endswith(note)


def test_columns_stand_in_any_order():
    content = b"Hair_Type,Note,Image_Index,Hair_Color,Gender\n"
    content += b'wavy,"two\nlines",7,n/a,male\nwavy,x,8,n/a,none\n'
    with pytest.raises(DatasetInputError, match="line 4 has the unknown Gend"):
        read(content)
    table, _ = read(content, "skip")
    assert table == {7: Attributes(3, "male", -1, "wavy")}


def test_missing_labels_of_pandas_are_one_message_and_one_flag():
    rows = b"".join(b"%d,male,,\n" % i for i in range(2, 60))
    content = HEADER + b"0,male,black,NaN\n1,male,bald,bald\n" + rows
    with pytest.raises(DatasetInputError) as error:
        read(content)
    assert str(error.value) == (
        "Tiny_Portraits_Attributes.csv, line 4 has the unknown Hair_Color ''; "
        "known are black, brown, blond, gray, bald, n/a (and 57 more like it). "
        "If it means n/a, read it so with --missing '' NaN, or leave what is "
        "bad out of the data set with --on_bad=skip."
    )
    table, bad_items = read(content, missing=("", "NaN"))
    assert table[0][1:] == ("male", "black", -1)
    assert table[59][1:] == ("male", -1, -1)
    assert not bad_items.items and len(table) == 60
    # Without a hair label is not without a gender, nor cut off.
    for row, reason in ((b",n/a,n/a", "Gender ''"), (b"male,n/a", "3 of 4")):
        with pytest.raises(DatasetInputError, match=f"line 2 has .*{reason}"):
            read(HEADER + b"3," + row, missing=("", "NaN"))


def test_the_index_of_a_bad_row_is_remembered():
    rows = b"4,male,purple,curly\n5,male,bl\nx,male,n/a,n/a\n3,male,n/a,n/a\n"
    _, bad_items = read(HEADER + GOOD + rows, "skip")
    assert len(bad_items.items) == 4  # Two faults are one bad row.
    assert bad_items.indices == {4, 5}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "csv is empty. Copy"),
        (b"\n", "csv is empty. Copy"),
        (HEADER, "names no portrait"),
        (GOOD, "names the columns Image_Index,Gender.*Received: '3,female"),
        (b"Image_Index,Gender\n3,male\n", "must start with a line that names"),
        (b"Gender," + HEADER + GOOD, "each once"),
        (HEADER.replace(b",", b" "), "separated by commas, semicolons or tabs"),
        (HEADER + GOOD + b'4,"male', "line 3, can't be split into columns"),
        (b'"Image_Index,' + HEADER[12:] + GOOD, "must start with a line that"),
        (b'"x,' + HEADER + GOOD, "must start with a line that names"),
        (HEADER.rstrip() + b',"x\n' + GOOD, "can't be split into columns"),
        (HEADER + b'4,"ma"le,n/a,n/a\n' + GOOD, "line 2, can't be split"),
        (HEADER.decode().encode("utf-16"), "line 1, is not UTF-8"),
        (HEADER + GOOD + b"4,f\xe9male,n/a,n/a\n", "line 3, is not UTF-8"),
    ],
)
@pytest.mark.parametrize("on_bad", ["raise", "skip"])
def test_a_file_that_is_wrong_as_a_whole_is_always_refused(
    content, message, on_bad
):
    with pytest.raises(DatasetInputError, match=message):
        read(content, on_bad)


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
        (b"9" * 5000 + b",male,n/a,n/a", "has the Image_Index '9999"),
        (b"4,male,bla", "has 3 of 4 columns ('4,male,bla'): the file is trunc"),
        (b"4,male,n/a,n/a,1", "has 5 of 4 columns"),
    ],
)
def test_a_bad_row_is_refused_or_listed(row, reason):
    # The last row has no line end, as in a file that was cut off.
    content = HEADER + GOOD + b"5,male,n/a,n/a\n" + row
    with pytest.raises(DatasetInputError) as error:
        read(content)
    assert str(error.value).startswith(
        f"Tiny_Portraits_Attributes.csv, line 4 {reason}"
    )
    assert "--on_bad=skip" in str(error.value)
    table, bad_items = read(content, "skip")
    assert list(table) == [3, 5]
    assert table[3].gender == "female"
    [(item, listed)] = bad_items.items
    assert item == "Tiny_Portraits_Attributes.csv, line 4"
    assert listed.startswith(reason)
