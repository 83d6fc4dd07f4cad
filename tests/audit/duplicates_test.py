import dataclasses

import numpy as np
import pytest

from tests.audit.drawn_portraits import draw
from tests.audit.picture_sets import set_of
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.audit import duplicates_page
from tp_keras.audit.duplicates import measure_duplicates
from tp_keras.audit.looks import measure_looks
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.records.record import Record
from tp_keras.records.record import find_one

NAN = float("nan")


def doubled():
    """Six portraits in train, of which three are in test again.

    Two of train are the same.
    """
    images = draw(40)[:9]
    images[6:] = images[:3]
    images[5] = images[4]
    schema = dataclasses.replace(EVERY_KIND, image_shape=images.shape[1:])
    parts = []
    for name, rows in (("train", range(6)), ("test", range(6, 9))):
        part = make_portraits(len(rows), split=name, schema=schema)
        indices = np.array(rows)
        parts.append(
            dataclasses.replace(part, images=images[rows], indices=indices)
        )
    # The pairs are (0, 0), (1, 1), (2, 2) of train and test.
    for task, train, test in (
        ("age", [30, 30, NAN], [34, 36, 50]),
        ("mood", [0, 1, 2], [0, 2, 1]),
        ("origin", [0, 1, 2], [0, 1, 2]),
        ("signs", [[0, 1], [1, 1], [0, 0]], [[0, 1], [1, 0], [-1, 0]]),
        ("smile", [-1, 0, 1], [0, -1, -1]),
    ):
        for part, values in zip(parts, (train, test), strict=True):
            part.labels[task][:3] = values
            part.labels[task][3:] = values[2]
    return PortraitSet(tuple(parts))


def measure(portraits):
    found = measure_duplicates(portraits, measure_looks(portraits))
    return found, [Record(**fields) for fields in found.records]


def test_clusters_leaks_and_contradictions_by_hand():
    found, records = measure(doubled())
    values = {
        (record.metric, record.split, record.task): (record.value, record.count)
        for record in records
    }
    assert values["duplicate_share", None, "all"] == (8 / 9, 9)
    assert values["duplicate_clusters", None, "all"] == (4, 9)
    assert values["largest_cluster", None, "all"] == (2, 9)
    assert values["leaked_share", "train", "all"] == (0.5, 6)
    assert values["leaked_share", "test", "all"] == (1, 3)
    contradicting = {
        task: values["contradicting_clusters", None, task]
        for task in EVERY_KIND.task_names
    }
    # 34 is within the tolerance of 30. Of a flag that is missing nothing is
    # said, nor of a label that is.
    assert contradicting == {
        "age": (1 / 2, 2),
        "mood": (2 / 4, 4),
        "origin": (0, 4),
        "signs": (1 / 4, 4),
        "smile": (0, 1),
    }
    pairs = found.lists["near_duplicates"]
    assert pairs["contradicting"].tolist() == ["age mood signs", "mood", "", ""]
    assert pairs[["index", "other_index"]].to_numpy().tolist() == [
        [1, 7],
        [2, 8],
        [0, 6],
        [4, 5],
    ]
    assert pairs["other_split"].tolist() == [*3 * ["test"], "train"]


def test_the_page_says_it_and_shows_it():
    portraits = doubled()
    found, records = measure(portraits)
    section = duplicates_page.section(
        records, found.lists, found.drawn, portraits
    )
    texts = " ".join(section.sentences)
    assert "8 of 9 portraits (88.9%) are near duplicates, in 4 clust" in texts
    assert "3 of 3 portraits of the split test (100.0%)" in texts
    assert "labels of mood contradict each other in 2 of 4 clusters" in texts
    assert "origin" not in texts
    (plot,) = section.plots
    shown = [text.get_text() for text in plot.figure.texts]
    assert len(shown) == 4 and "mood:\ncalm / merry" in shown[0].replace(
        "mood: ", "mood:\n"
    )


def test_without_duplicates_it_says_so():
    portraits = set_of(draw(40)[:20], ("train", "test"))
    found, records = measure(portraits)
    assert find_one(records, metric="largest_cluster").value == 0
    assert len(found.lists["near_duplicates"]) == 0
    section = duplicates_page.section(
        records, found.lists, found.drawn, portraits
    )
    assert section.sentences == ["No portrait is there twice."]
    assert not section.plots


@pytest.mark.parametrize("count", [1, 12])
def test_equal_portraits_are_one_cluster(count):
    portraits = set_of(np.full((count, 40, 40, 3), 9))
    found, records = measure(portraits)
    assert find_one(records, metric="largest_cluster").value == (
        count if count > 1 else 0
    )
    duplicates_page.section(records, found.lists, found.drawn, portraits)
