import collections

import pytest

from tests.portrait_factory import SCHEMA
from tp_keras.errors import UserError
from tp_keras.generator.drawing.labels import choose_labels
from tp_keras.generator.drawing.labels import describe_labels
from tp_keras.generator.drawing.labels import free_classes
from tp_keras.generator.drawing.labels import parse_labels
from tp_keras.generator.drawing.labels import shared_classes
from tp_keras.tasks import Task

# Four whole cells, and one with a missing label.
TABLE = [
    ("female", "brown", "wavy", 60),
    ("male", "black", "straight", 30),
    ("female", "unknown", "wavy", 25),
    ("male", "gray", "straight", 6),
    ("male", "bald", "bald", 4),
]
COUNTS = [
    dict(zip((*SCHEMA.conditions, "count"), row, strict=True)) for row in TABLE
]


def shares(count, cells, **given):
    labels = choose_labels(SCHEMA.complete_labels(given), count, cells, COUNTS)
    counter = collections.Counter(zip(*labels.values(), strict=True))
    return [counter[row[:3]] for row in TABLE]


@pytest.mark.parametrize(
    ("count", "cells", "given", "expected"),
    [
        (250, "natural", {}, [120, 60, 50, 12, 8]),
        # 4.8, 2.4, 2.0, .48, .32: the greatest remainders are rounded up.
        (10, "natural", {}, [5, 2, 2, 1, 0]),
        (40, "balanced", {}, [10, 10, 0, 10, 10]),
        (2, "level", {}, [0, 0, 0, 0, 2]),
        # Both at 15 in the end: 6 + 9 and 4 + 11.
        (20, "level", {}, [0, 0, 0, 9, 11]),
        # 60 for all.
        (140, "level", {}, [0, 30, 0, 54, 56]),
        (144, "level", {}, [1, 31, 0, 55, 57]),
        # What is given restricts the cells.
        (36, "natural", {"hair_type": "straight"}, [0, 30, 0, 6, 0]),
        (10, "balanced", {"gender": "female"}, [10, 0, 0, 0, 0]),
    ],
)
def test_shares_of_cells(count, cells, given, expected):
    assert shares(count, cells, **given) == expected


def test_level_and_what_is_left_over_are_as_even_as_can_be():
    assert sorted(shares(42, "balanced")) == [0, 10, 10, 11, 11]
    # Against pouring one portrait at a time onto the lowest cell.
    start = {row[:3]: row[3] for row in TABLE if "unknown" not in row}
    present = dict(start)
    for count in range(1, 160):
        present[min(present, key=present.get)] += 1
        found = shares(count, "level")
        heights = [
            row[3] + own
            for row, own in zip(TABLE, found, strict=True)
            if row[:3] in start
        ]
        assert sorted(heights) == sorted(present.values())
        assert sum(found) == count


def test_rows_are_alike_without_cells_and_else_mixed_by_the_seed():
    given = SCHEMA.complete_labels({"gender": "male"})
    labels = choose_labels(given, 2, None, None)
    assert labels == {name: [label] * 2 for name, label in given.items()}

    def column(seed):
        labels = SCHEMA.complete_labels({})
        return choose_labels(labels, 40, "balanced", COUNTS, seed)["hair_color"]

    assert column(1) == column(1) != column(2)
    assert len(set(column(1)[:8])) > 1


@pytest.mark.parametrize(
    ("given", "cells", "counts", "message"),
    [
        ({}, "rare", COUNTS, "out of natural, balanced, level"),
        ({}, "natural", None, "its data is gone"),
        ({"hair_color": "blond"}, "natural", COUNTS, "'hair_color': 'blond'"),
        # There, but only with a missing label.
        ({"gender": "female"}, "level", COUNTS[2:], "None of the portraits"),
    ],
)
def test_what_cannot_be_shared_out(given, cells, counts, message):
    with pytest.raises(UserError, match=message):
        choose_labels(SCHEMA.complete_labels(given), 5, cells, counts)


def test_labels_of_a_command_line():
    pairs = ("hair_color=blond", "gender=unknown")
    expected = {"hair_color": "blond", "gender": "unknown"}
    assert parse_labels(pairs, SCHEMA) == expected
    assert parse_labels((), SCHEMA) == {}
    for pairs, message in (
        (["blond"], "names out of gender, hair_color, hair_type.*: blond"),
        (["gender="], "NAME=CLASS.*Received: gender="),
        (["gender=male", "gender=female"], "each name once"),
        (["age=young"], "labels of gender, hair_color, hair_type.*age"),
        (["gender=man"], "female, male, or unknown.*gender=man"),
    ):
        with pytest.raises(UserError, match=message):
            parse_labels(pairs, SCHEMA)


def test_labels_in_words():
    for labels, text in (
        (("female", "blond", "wavy"), "female, blond, wavy"),
        (("unknown", "brown", "unknown"), "brown"),
        (("male", "bald", "bald"), "male, bald"),
        (("unknown",) * 3, "any attributes"),
    ):
        labels = dict(zip(SCHEMA.conditions, labels, strict=True))
        assert describe_labels(labels) == text


def test_classes_that_tasks_share_are_not_free():
    tasks = SCHEMA.condition_tasks
    assert shared_classes(tasks) == {"bald"}
    free = free_classes(tasks)
    assert list(free.values()) == [[0, 1], [0, 1, 2, 3], [0, 1]]
    # Yes and no of different things say nothing of each other.
    answers = [Task(name, "binary", ("no", "yes")) for name in ("hat", "scarf")]
    assert shared_classes(answers) == set()
    assert list(free_classes(answers).values()) == [[0, 1], [0, 1]]
