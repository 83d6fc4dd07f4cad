import pytest

from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from .labels import Labels
from .labels import read_rows

TEXT = b"000001.jpg\t-1\t1\n000002.jpg\t1\t-1\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "train.txt"


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT[:-1],
        b"\xef\xbb\xbf" + TEXT,  # As spreadsheets mark the encoding.
        TEXT.replace(b"\n", b"\r\n"),
        TEXT + b"\n \n",
    ],
)
def test_labels_are_those_of_the_row(path, text):
    path.write_bytes(text)
    rows = read_rows(path, BadItems())
    # -1 is no, 1 is yes; -1 is a woman, 1 a man.
    assert rows == {
        "000001.jpg": (1, Labels(criterion="no", gender="male")),
        "000002.jpg": (2, Labels(criterion="yes", gender="female")),
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("000003.jpg\t-1", "has 2 of 3 columns, which tabs separate"),
        ("000003.jpg -1 1", "has 1 of 3 columns"),
        ("000003.jpg\t-1\t1\t", "has 4 of 3 columns"),
        ("000003.jpg\t0\t1", "has the criterion '0'; expected -1 or 1"),
        ("000003.jpg\t1\t1.0", "has the gender '1.0'; expected -1 or 1"),
        ("000003.jpg\t\t1", "has the criterion ''; expected -1 or 1"),
        ("000001.jpg\t1\t1", "repeats 000001.jpg"),
    ],
)
def test_a_bad_row_is_named_or_listed(path, row, reason):
    path.write_bytes(TEXT + row.encode() + b"\n000004.jpg\t1\t1\n")
    with pytest.raises(DatasetInputError) as error:
        read_rows(path, BadItems())
    assert str(error.value).startswith(f"train.txt, line 3 {reason}")
    assert "Correct the row, or leave what is bad out" in str(error.value)
    bad_items = BadItems("skip")
    rows = read_rows(path, bad_items)
    [item] = bad_items.items
    assert item.item == "train.txt, line 3"
    assert item.reason.startswith(reason)
    good = {name: row.labels for name, row in rows.items() if row.labels}
    assert [*good] == ["000001.jpg", "000002.jpg", "000004.jpg"]
    assert good["000001.jpg"] == Labels("no", "male")
    assert rows["000004.jpg"].line == 4


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "lists no picture. Expected rows of file name, criterion"),
        (b"000001.jpg\t2\t1\n", "lists no picture"),
        (TEXT + b"\xff", r"no UTF-8 text \(invalid start byte at byte 32\)"),
    ],
)
def test_a_list_of_no_use_says_what_is_expected(path, text, reason):
    path.write_bytes(text)
    with pytest.raises(DatasetInputError, match=reason):
        read_rows(path, BadItems("skip"))
