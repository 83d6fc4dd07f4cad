import numpy as np
import pytest

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.data.filters import matching_rows
from tp_keras.data.filters import parse_filters
from tp_keras.data.filters import take_labelled
from tp_keras.errors import UserError


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


def test_portraits_are_taken_from_the_data_sets_that_know_the_label(portraits):
    others = make_portraits(8, schema=SCHEMA)
    mood, first = take_labelled([portraits, others], ["mood=calm"])
    assert mood.indices.tolist() == [1, 5] and first is others
    assert mood.images.shape == (2, *EVERY_KIND.image_shape)
    assert mood.parts == (2,) and mood.fingerprint != portraits.fingerprint
    both = take_labelled([portraits], ["mood=calm,sad", "age=-50"])
    assert both[0].indices.tolist() == [0, 1]
    assert take_labelled([portraits], []) == [portraits]


def test_a_label_that_no_data_set_knows_is_refused_or_left(portraits):
    with pytest.raises(UserError, match="Did you mean mood.*: moood"):
        take_labelled([portraits], ["moood=calm"])
    assert take_labelled([portraits], ["moood=calm"], strict=False) == [
        portraits
    ]
