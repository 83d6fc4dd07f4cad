import numpy as np
import pytest

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.gallery.choose import choose_rows

GENDER = [SCHEMA.task("gender")]


def test_a_natural_draw_keeps_shares_and_a_balanced_one_evens_them():
    labels = {"gender": np.repeat([0, 1, -1], [900, 90, 10])}
    rows = np.arange(1000)
    natural = choose_rows(rows, 500, seed=1)
    # Three standard deviations of a draw without repetition.
    count = (labels["gender"][natural] == 0).sum()
    assert abs(count - 450) < 3 * np.sqrt(500 * 0.9 * 0.1 * 0.5)
    balanced = labels["gender"][choose_rows(rows, 80, 1, labels, GENDER)]
    assert np.bincount(balanced).tolist() == [40, 40]
    # As even as can be where one has too few.
    filled = labels["gender"][choose_rows(rows, 300, 1, labels, GENDER)]
    assert np.bincount(filled).tolist() == [210, 90]


def test_draws_are_of_the_rows_once_each_and_the_seed_settles_them():
    rows = np.arange(5, 400, 3)
    drawn = choose_rows(rows, 50, seed=3)
    assert set(drawn) <= set(rows) and len(set(drawn)) == 50
    assert drawn.tolist() == choose_rows(rows, 50, seed=3).tolist()
    assert drawn.tolist() != choose_rows(rows, 50, seed=4).tolist()
    assert choose_rows(rows, 999, seed=3).tolist() == rows.tolist()


def test_every_kind_can_be_balanced_alone_and_together():
    portraits = make_portraits(400, schema=EVERY_KIND)
    rows = np.arange(400)
    labels = portraits.labels
    pair = EVERY_KIND.get_tasks(["origin", "smile"])
    drawn = choose_rows(rows, 60, 0, labels, pair)
    cells = labels["origin"][drawn] * 2 + labels["smile"][drawn]
    assert np.bincount(cells).tolist() == [10] * 6
    # Those of a kind stand together.
    assert (np.diff(cells) >= 0).all()
    (age,) = EVERY_KIND.get_tasks(["age"])
    tens = labels["age"][choose_rows(rows, 50, 0, labels, [age])] // 10
    assert set(np.bincount(tens.astype(int))[:10].tolist()) <= {4, 5}
    (signs,) = EVERY_KIND.get_tasks(["signs"])
    flags = labels["signs"][choose_rows(rows, 40, 0, labels, [signs])]
    assert np.bincount(flags @ [2, 1]).tolist() == [10] * 4


def test_nothing_to_balance_is_told():
    labels = {"gender": np.full(9, -1)}
    with pytest.raises(UserError, match="9 portraits without gender"):
        choose_rows(np.arange(9), 4, 0, labels, GENDER)
