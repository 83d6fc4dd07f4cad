"""Tables are read whole, or the line that is wrong is named."""

import pandas as pd
import pytest

from datasets.selfies.table import COLUMNS
from datasets.selfies.table import layout
from tp_keras.errors import UserError
from tp_keras.ranking.table_file import read_table


@pytest.fixture
def read(tmp_path):
    def read(text, *arguments):
        path = tmp_path / "faces.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_table(path, *arguments)

    return read


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_cells_are_texts_and_what_is_not_known_is_none(read, mark):
    rows = ["name", "age"], [f'"Ada{mark} or L."', "36"], ["Bob", "NA"]
    rows += ["\n C ", ""], ["?", " 7 "]
    table = read("\n".join(mark.join(row) for row in rows))
    assert [*table] == ["name", "age"]
    assert [*table["name"][:3]] == [f"Ada{mark} or L.", "Bob", "C"]
    assert [*table["name"].isna()] == [False, False, False, True]
    assert [*table["age"].fillna("none")] == ["36", "none", "none", "7"]


def test_it_reads_what_pandas_reads(read, tmp_path):
    table = read('\ufeffa,b\r\n1,"two\nlines"\r\n3,"a ""quote"""\r\n')
    theirs = pd.read_csv(tmp_path / "faces.csv", dtype=str)
    assert table.to_dict("list") == theirs.to_dict("list")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "which is empty"),
        (" \n\n", "which is empty"),
        ("a,b\n", "Expected one or more rows below the column names"),
        ("a,b\n1,2\n\n3\n", r"Line 4 of .* Expected 2 cells\. Received: 1"),
        ("a,b\n1,2,3\n", r"Line 2 of .* Expected 2 cells\. Received: 3"),
        ("a,b,a\n1,2,3\n", "Received: a more than once"),
        ("a,\n1,2\n", "each with a name of its own. Received: a, $"),
        ("a\n1\n", "Expected two or more columns"),
        ('a,b\n1,"2\n', "line 2: unexpected end of data"),
        (b"a,b\n\xff\xfe,1\n", "Expected a table as text in UTF-8"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(read, text, message):
    with pytest.raises(UserError, match=message):
        read(text)


def test_a_file_that_is_not_there_is_named(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(UserError, match="where there is none"):
            read_table(path)


def test_the_table_of_selfies_has_names_and_zeros_are_not_known(read):
    flags = ["1", "0", *["-1"] * 34]
    rows = [f"face_{row} {row}.5 {' '.join(flags)}\n" for row in range(3)]
    table = read("".join(rows), layout)
    assert tuple(table) == COLUMNS and len(set(COLUMNS)) == 38
    assert [*table["popularity"]] == ["0.5", "1.5", "2.5"]
    assert table["is_female"].isna().all()
    assert set(table["partial_faces"]) == {"1"}
    rows[1] = rows[1].replace(" 1 ", " ", 1)
    with pytest.raises(UserError, match="Line 2 of .* Expected 38 cells"):
        read("".join(rows), layout)
    assert layout(",".join(COLUMNS)) == layout(" ".join(COLUMNS)) == {}
