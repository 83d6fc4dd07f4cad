import dataclasses

import numpy as np

from tests.portrait_factory import AGE
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SMILE
from tests.portrait_factory import make_portraits
from tp_keras.export.run_export import choose_rows
from tp_keras.tasks import Schema


def labelled(smile, age):
    labels = {"smile": np.array(smile), "age": np.array(age, np.float32)}
    schema = Schema(EVERY_KIND.image_shape, tasks=(SMILE, AGE))
    portraits = make_portraits(len(smile), schema=EVERY_KIND)
    return dataclasses.replace(portraits, labels=labels, schema=schema)


# Two classes, and ages of two ranges.
PORTRAITS = labelled([0] * 90 + [1] * 8 + [-1] * 2, [5] * 97 + [90] * 3)


def test_classes_and_ranges_are_taken_in_turn():
    # Four rows are one of each.
    for seed in range(5):
        rows = choose_rows(PORTRAITS, 4, seed)
        assert {0, 1} <= set(PORTRAITS.labels["smile"][rows])
        assert {5, 90} <= set(PORTRAITS.labels["age"][rows])
    # Rare ones give all they have.
    rows = choose_rows(PORTRAITS, 40, seed=0)
    assert (PORTRAITS.labels["smile"][rows] == 1).sum() == 8
    assert (PORTRAITS.labels["age"][rows] == 90).sum() == 3
    assert len(rows) == 40
    assert (np.diff(rows) > 0).all()


def test_all_rows_if_there_are_no_more():
    unlabelled = labelled([-1] * 5, [np.nan] * 5)
    assert choose_rows(unlabelled, 9, seed=0).tolist() == [0, 1, 2, 3, 4]


def test_the_seed_decides():
    first = choose_rows(PORTRAITS, 20, seed=0).tolist()
    assert choose_rows(PORTRAITS, 20, seed=0).tolist() == first
    assert choose_rows(PORTRAITS, 20, seed=1).tolist() != first
