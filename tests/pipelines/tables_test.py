"""Tables of counts, by hand, and of parts that add up to the whole."""

import dataclasses

import numpy as np

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.pipelines.tables import add_tables
from tp_keras.pipelines.tables import count_part
from tp_keras.pipelines.tables import frames

# Four portraits: groups north, west, none, north; a half grey, one white.
LABELS = {
    "age": np.array([4, 99, np.nan, 100], np.float32),
    "mood": np.array([0, 3, -1, 1], np.int32),
    "origin": np.array([0, 2, -1, 0], np.int32),
    "signs": np.array([[1, 0], [0, -1], [0, 1], [1, 1]], np.int32),
    "smile": np.array([1, 0, 1, -1], np.int32),
}
ANSWERS = {
    "age": np.array([12, 95, 50, 100], np.float32),
    # The expected class: 1.5 is rounded to the even one.
    "mood": np.array(
        [[1, 0, 0, 0], [0, 0.5, 0.5, 0], [1, 0, 0, 0], [0, 0, 1, 0]]
    ),
    "signs": np.array([[0.5, 0.1], [0.9, 0.9], [0.2, 0.2], [0.4, 0.6]]),
    "smile": np.array([[0.2, 0.8], [0.4, 0.6], [0.9, 0.1], [1, 0]]),
}


def four():
    portraits = make_portraits(4, schema=EVERY_KIND)
    images = np.full_like(portraits.images, 128)
    images[3] = 255
    return dataclasses.replace(portraits, images=images, labels=LABELS)


def test_four_portraits_are_counted_by_hand():
    tables = count_part(four(), ANSWERS, 1, 2)
    assert all(not table[0].any() for table in tables.values())
    found = {name: table[1] for name, table in tables.items()}
    # Groups: north, south, west, missing; the last class is missing.
    assert found["labels", "smile"].tolist() == [
        *([0, 1, 1], [0, 0, 0], [1, 0, 0], [0, 1, 0])
    ]
    assert found["labels", "signs: scarf"].tolist() == [
        *([1, 1, 0], [0, 0, 0], [0, 0, 1], [0, 1, 0])
    ]
    # Ages by tens, of which the last begins with 100.
    ages = found["labels", "age"]
    assert ages.shape == (4, 12)
    cells = np.argwhere(ages).tolist()
    assert cells == [[0, 0], [0, 10], [2, 9], [3, 11]]
    # By label and answer, where there is a label.
    assert np.argwhere(found["confusion", "age"]).tolist() == [
        *([0, 0, 1], [0, 10, 10], [2, 9, 9])
    ]
    assert np.argwhere(found["confusion", "mood"]).tolist() == [
        *([0, 0, 0], [0, 1, 2], [2, 3, 2])
    ]
    assert np.argwhere(found["confusion", "smile"]).tolist() == [
        *([0, 1, 1], [2, 0, 1], [3, 1, 0])
    ]
    assert np.argwhere(found["confusion", "signs: hat"]).tolist() == [
        *([0, 1, 0], [0, 1, 1], [2, 0, 1], [3, 0, 0])
    ]
    assert ("confusion", "origin") not in found
    # 128 / 255 * 64 = 32.1; white is in the last bin.
    assert np.argwhere(found["brightness", ""]).tolist() == [
        *([0, 32], [0, 63], [2, 32], [3, 32])
    ]


def test_parts_add_up_to_the_whole_and_to_the_sums_of_groups():
    portraits = make_portraits(60, schema=EVERY_KIND)
    rng = np.random.default_rng(0)
    answers = {
        task.name: rng.dirichlet(np.ones(task.num_classes), 60)
        for task in EVERY_KIND.tasks
        if task.has_classes
    }
    whole = count_part(portraits, answers, 0, 1)
    tables = {}
    for rows in (slice(0, 7), slice(7, 50), slice(50, 60)):
        part = {name: values[rows] for name, values in answers.items()}
        counted = count_part(portraits.take(rows), part, 0, 1)
        tables = add_tables(tables, counted)
    assert tables.keys() == whole.keys()
    assert all((tables[name] == whole[name]).all() for name in whole)
    written = frames(whole, EVERY_KIND, ["test"])["labels"]
    everyone = written[written["group"] == "all"]
    mood = everyone[everyone["task"] == "mood"].set_index("class_name")["count"]
    labels = portraits.labels["mood"]
    assert mood["wild"] == (labels == 3).sum()
    assert mood["missing"] == (labels == -1).sum()
    assert mood.sum() == 60
