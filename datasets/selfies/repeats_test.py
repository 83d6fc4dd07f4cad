import numpy as np
import pandas as pd
import pytest

from ..building.bad_items import BadItems
from ..building.errors import DatasetInputError
from . import facts
from . import testing
from .labels import count_repeats as count_repeated_selfies
from .labels import read_rows
from .repeats import count_repeats
from .repeats import group_rows
from .table import COLUMNS

ROWS = testing.make_rows(6)


def rename(row, name, popularity=None):
    _, known, *flags = row.split()
    return " ".join([name, popularity or known, *flags]) + "\n"


# The first three times, the third twice, the second with another popularity.
TABLE = [
    *(ROWS[0], ROWS[1], ROWS[2]),
    rename(ROWS[2], "a"),
    *(rename(ROWS[0], "b"), rename(ROWS[1], "c", "3.1"), ROWS[3]),
    rename(ROWS[0], "d"),
]
GROUPS = [0, 1, 2, 2, 0, 3, 4, 0]


def as_texts():
    return pd.DataFrame([row.split() for row in TABLE], columns=COLUMNS)


def test_rows_equal_but_for_their_name_are_one_group():
    found = group_rows(as_texts())
    assert found.dtype == np.int64 and found.tolist() == GROUPS


def test_numbers_and_texts_and_both_ways_to_be_unknown_are_the_same():
    texts = as_texts()
    texts.loc[0, "popularity"] += "0"
    unknown = texts[[*facts.FLAGS]] == "0"
    assert unknown.any(axis=None)
    texts[[*facts.FLAGS]] = texts[[*facts.FLAGS]].mask(unknown, None)
    numbers = as_texts()
    for name in COLUMNS[1:]:
        numbers[name] = pd.to_numeric(numbers[name])
    some = pd.concat([numbers[:4], texts[4:]])
    for table in (texts, numbers, some, numbers.drop(columns="image")):
        assert group_rows(table).tolist() == GROUPS


def test_another_flag_is_another_group():
    for name in facts.FLAGS:
        table = as_texts()
        table.loc[4, name] = "1" if table.loc[4, name] == "-1" else "-1"
        assert group_rows(table).tolist() == [0, 1, 2, 2, 3, 4, 5, 0]


def test_the_builder_takes_the_same_rows_for_repeated(tmp_path):
    (tmp_path / "table.txt").write_text("".join(TABLE))
    rows = read_rows(tmp_path / "table.txt", BadItems())
    selfies = [row.labels for row in rows.values()]
    told = count_repeats(group_rows(as_texts()))
    assert told == {
        "rows": 8,
        "groups": 5,
        "repeated rows": 5,
        "largest group": 3,
    }
    assert count_repeated_selfies(selfies) == 5 and len(set(selfies)) == 5


def test_an_empty_table_has_no_groups():
    groups = group_rows(as_texts()[:0])
    assert groups.tolist() == []
    assert count_repeats(groups)["largest group"] == 0


def test_what_is_no_such_table_is_refused():
    with pytest.raises(DatasetInputError, match="without popularity, braces"):
        group_rows(as_texts().drop(columns=["popularity", "braces"]))
    table = as_texts()
    table.loc[3, "braces"] = "no"
    with pytest.raises(DatasetInputError, match="numbers in the column braces"):
        group_rows(table)
