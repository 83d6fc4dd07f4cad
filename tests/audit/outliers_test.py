import numpy as np
import pytest

from benchmarks.planted_portraits import OUTLIERS
from benchmarks.planted_portraits import plant
from tests.audit.drawn_portraits import draw
from tests.audit.picture_sets import set_of
from tp_keras.audit import outliers_page
from tp_keras.audit.looks import measure_looks
from tp_keras.audit.outliers import FLAGGED
from tp_keras.audit.outliers import REASONS
from tp_keras.audit.outliers import measure_outliers
from tp_keras.audit.outliers import relative_excess
from tp_keras.records.record import Record

# What the oddest kind of a planted one may be.
KINDS = {
    "no face": {"no face", "striped", "far", "noisy"},
    "noise": {"noisy", "sharp"},
    "stripes": {"striped"},
    "cut": {"flat"},
    "grey": {"grey"},
    "over-exposed": {"over-exposed", "plain", "flat"},
    "under-exposed": {"under-exposed", "plain", "flat", "grey"},
    "blurred": {"blurred"},
    "framed": {"framed"},
    "drawing": {"sharp", "striped", "noisy", "grey"},
}


def measure(images, splits=("train",), **more):
    portraits = set_of(images, splits)
    looks = measure_looks(portraits)
    points = looks.components.points
    return portraits, measure_outliers(portraits, looks, points, **more)


def test_every_kind_is_among_the_two_per_cent_with_its_reason():
    images = draw(800)
    planted = plant(images, copies=0, outliers=1)
    _, found = measure(images)
    flagged = found.lists["outliers"].set_index("index")
    assert len(flagged) == round(FLAGGED * 800)
    assert np.isin(planted.odd, flagged.index).all()
    for kind, rows in planted.outliers.items():
        for row in set(rows) & set(flagged.index):
            assert flagged["kind"][row] in KINDS[kind], kind
            assert REASONS[flagged["kind"][row]] in flagged["reason"][row]
    assert set(planted.outliers) == set(OUTLIERS)
    assert flagged["score"].is_monotonic_decreasing


def test_what_many_are_is_no_outlier():
    """So one in thirty that is grey doesn't hide a single black one."""
    images = draw(400)
    images[:14] = images[:14].mean(3, keepdims=True)
    images[77] //= 20
    _, found = measure(images)
    listed = found.lists["outliers"]
    assert 77 in listed["index"][:2].tolist()
    assert (listed["kind"] == "grey").sum() < len(listed) / 2


def test_excess_by_hand():
    values = np.arange(100.0)
    excess = relative_excess(values)
    assert excess[np.argsort(values)[49:51]].mean() == pytest.approx(0, abs=0.1)
    assert np.quantile(excess, 0.98) <= 1 < 1.2
    np.testing.assert_allclose(excess, relative_excess(values * 9 + 5))
    np.testing.assert_array_equal(relative_excess(np.full(9, 3.0)), np.zeros(9))
    # One that differs where no other does.
    assert relative_excess(np.r_[np.zeros(99), 1.0])[-1] > 5


def test_an_odd_place_in_the_embedding_is_far():
    images = draw(400)
    portraits = set_of(images)
    points = np.random.default_rng(0).normal(size=(400, 8))
    points[123] = 12
    found = measure_outliers(portraits, measure_looks(portraits), points)
    listed = found.lists["outliers"].set_index("index")
    assert listed["kind"][123] == "far"
    assert listed["reason"][123].startswith("far from all")


@pytest.mark.parametrize("count", [1, 3, 60])
def test_equal_portraits_are_no_outliers(count):
    images = np.full((count, 40, 40, 3), 200)
    portraits, found = measure(images)
    assert len(found.lists["outliers"]) == 0
    records = [Record(**fields) for fields in found.records]
    section = outliers_page.section(
        records, found.lists, found.drawn, portraits
    )
    assert not section.plots and not section.sentences


def test_the_page_shows_the_worst_of_each_kind():
    images = draw(400)
    images[[5, 205, 305]] //= 20
    portraits, found = measure(images, ("train", "test"))
    records = [Record(**fields) for fields in found.records]
    section = outliers_page.section(
        records, found.lists, found.drawn, portraits
    )
    shown = {
        text.get_text().split(":")[0]
        for plot in section.plots
        for text in plot.figure.texts
    }
    assert {"train 5", "test 205", "test 305"} <= shown
    assert len(shown) == 8
    assert any("oddest portraits" in text for text in section.sentences)
    by_split = {
        record.split: (record.value * record.count)
        for record in records
        if record.split
    }
    assert sum(by_split.values()) == pytest.approx(8)
