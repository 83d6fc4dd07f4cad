"""Columns are classes or bins, by what the training part holds."""

import numpy as np
import pandas as pd
import pytest

from tp_keras.ranking.columns import quantile_edges
from tp_keras.ranking.columns import read_column


def read(cells, training=None, bins=3):
    texts = pd.Series(cells, name="column", dtype=object)
    if training is None:
        training = np.ones(len(cells), bool)
    return read_column(texts, np.asarray(training, bool), bins)


def test_bins_are_those_of_pandas_where_nothing_ties():
    values = np.random.default_rng(0).normal(size=1000)
    column = read([f"{value!r}" for value in values.tolist()], bins=4)
    assert column.kind == "numeric" and len(column.levels) == 4
    np.testing.assert_array_equal(
        column.codes, pd.qcut(values, 4, labels=False)
    )


@pytest.mark.parametrize(
    ("values", "edges"),
    [
        ([1, 2, 3, 4, 5, 6], [2 + 2 / 3, 4 + 1 / 3]),
        ([0] * 70 + [*range(1, 31)], [0]),
        ([0, 1, 2] + [9] * 97, [2]),
        ([5, 7], [5]),
    ],
)
def test_ties_leave_fewer_bins_and_none_is_empty(values, edges):
    values = np.array(values, float)
    found = quantile_edges(values, 3)
    if len(set(values)) == len(values) > 2:
        edges = np.quantile(values, [1 / 3, 2 / 3])
    np.testing.assert_allclose(found, edges)
    counts = np.bincount(np.searchsorted(found, values))
    assert len(counts) == len(found) + 1 and counts.all()


def test_edges_and_levels_are_those_of_the_training_part():
    numbers = [*map(str, np.arange(0, 12, 0.5)), "1000.5", "2000.5"]
    training = [True] * 24 + [False] * 2
    column = read(numbers, training, bins=2)
    assert column.levels == ("up to 5.75", "above 5.75")
    assert column.codes[-2:].tolist() == [1, 1]
    letters = read(["x", "y", "x", "y", "z"], [1, 1, 1, 1, 0])
    assert letters.levels == ("x", "y") and letters.codes[-1] == -1


@pytest.mark.parametrize(
    ("cells", "kind", "levels"),
    [
        (["-1", "1", None, "1", "-1"], "binary", ("-1", "1")),
        (["no", "yes", "no", None, "yes"], "binary", ("no", "yes")),
        (["10", "2", "2.0", "10", "3", "3"], "categorical", ("2", "3", "10")),
        (["b", "a", "c", "a", "b", "c"], "categorical", ("a", "b", "c")),
        (["1", "2", "x", "x", "1", "2"], "categorical", ("1", "2", "x")),
        ([".5", "1.5"] * 3, "binary", ("0.5", "1.5")),
    ],
)
def test_kinds_are_told_by_the_cells(cells, kind, levels):
    column = read(cells)
    assert (column.kind, column.levels, column.problem) == (kind, levels, "")
    known = [cell is not None for cell in cells]
    np.testing.assert_array_equal(column.known, known)


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (["a", None, "a"], "one value"),
        (["1", "1.0", "1"], "one value"),
        ([None, None], "no value"),
        ([f"face {n}" for n in range(60)], "60 different texts"),
        ([f"face {n % 60}" for n in range(600)], "60 different texts"),
        (["inf", "1", "2", "3", "4"], "5 different texts"),
    ],
)
def test_what_cannot_be_told_has_a_problem(cells, problem):
    assert read(cells).problem == problem
