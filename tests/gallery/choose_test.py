import numpy as np
import pytest

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.gallery.choose import choose_rows
from tp_keras.gallery.choose import find_task
from tp_keras.gallery.choose import matching_rows
from tp_keras.gallery.choose import parse_filters


@pytest.fixture
def portraits():
    """Six portraits with labels of every kind."""
    portraits = make_portraits(6, schema=EVERY_KIND)
    portraits.labels["age"][:] = [19, 20, 30, 31, np.nan, 100]
    portraits.labels["mood"][:] = [0, 1, 2, 3, -1, 1]
    portraits.labels["origin"][:] = [0, 1, 2, 0, 1, 2]
    portraits.labels["signs"][:] = [
        *([0, 0], [1, 0], [0, 1], [1, 1], [-1, -1], [-1, 1])
    ]
    portraits.labels["smile"][:] = [0, 1, -1, 0, 1, -1]
    return portraits


@pytest.mark.parametrize(
    ("texts", "rows"),
    [
        ("", [0, 1, 2, 3, 4, 5]),
        ("age=20-30", [1, 2]),
        ("age=31-", [3, 5]),
        ("age=-19.5", [0]),
        ("age=100", [5]),
        ("age=19,31-99,missing", [0, 3, 4]),
        ("mood=calm", [1, 5]),
        ("mood=sad,wild origin=north", [0, 3]),
        ("origin=west smile=missing", [2, 5]),
        ("signs=hat", [1, 3]),
        ("signs=hat,scarf", [1, 2, 3, 5]),
        ("signs=none", [0]),
        ("signs=missing", [4]),
        ("age=20- signs=hat smile=yes", [1]),
    ],
)
def test_filters_of_every_kind_by_hand(portraits, texts, rows):
    filters = parse_filters(texts.split(), EVERY_KIND)
    assert matching_rows(portraits, filters).tolist() == rows


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ("mood=calmm", "a mood out of sad, calm, .*Did you mean calm.*: calmm"),
        ("moood=calm", "Did you mean mood.* Received: moood"),
        ("mood=xyz", "sad, calm, merry, wild, missing. Received: xyz"),
        ("mood=", "TASK=CLASS.*Received: mood="),
        ("mood=sad mood=calm", "each task once"),
        ("age=young", "0 to 100 such as 0-100, .*Received: age=young"),
        ("age=-", "Received: age=-"),
        ("signs=glove", "hat, scarf, none, missing"),
    ],
)
def test_what_is_no_filter(texts, expected):
    with pytest.raises(UserError, match=expected):
        parse_filters(texts.split(), EVERY_KIND)


def test_labels_that_nobody_has_are_told_with_what_there_is(portraits):
    filters = parse_filters(["age=200-", "mood=calm"], EVERY_KIND)
    with pytest.raises(UserError) as error:
        matching_rows(portraits, filters)
    text = str(error.value)
    assert "None of the 6 portraits of made/here/1.0.0, split train" in text
    assert "age: 10-19 1, 20-29 1, 30-39 2, 100-109 1, missing 1" in text
    assert "mood: sad 1, calm 2, merry 1, wild 1, missing 1" in text
    assert text.endswith("Received: age=200-: 0, mood=calm: 2")


def test_a_natural_draw_keeps_shares_and_a_balanced_one_evens_them():
    labels = {"gender": np.repeat([0, 1, -1], [900, 90, 10])}
    rows = np.arange(1000)
    task = [find_task("gender", SCHEMA)]
    natural = choose_rows(rows, 500, seed=1)
    # Three standard deviations of a draw without repetition.
    count = (labels["gender"][natural] == 0).sum()
    assert abs(count - 450) < 3 * np.sqrt(500 * 0.9 * 0.1 * 0.5)
    balanced = labels["gender"][choose_rows(rows, 80, 1, labels, task)]
    assert np.bincount(balanced).tolist() == [40, 40]
    # As even as can be where one has too few.
    filled = labels["gender"][choose_rows(rows, 300, 1, labels, task)]
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
    task = [find_task("gender", SCHEMA)]
    with pytest.raises(UserError, match="9 portraits without gender"):
        choose_rows(np.arange(9), 4, 0, labels, task)
