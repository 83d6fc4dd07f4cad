import numpy as np
import pytest

from benchmarks.audit import found_rows
from benchmarks.audit import precision_rows
from benchmarks.planted_portraits import COPIES
from benchmarks.planted_portraits import OUTLIERS
from benchmarks.planted_portraits import plant
from tests.audit.drawn_portraits import draw

TRUTH = {
    "copy:exact": np.array([[4, 1], [2, 3]]),
    "copy:drawn second shots": np.array([[8, 9]]),
    "outlier:grey": np.array([5, 6, 7]),
    "outlier:drawn empty": np.array([10]),
}
FOUND = {
    "ours": {"pairs": [[1, 4], [8, 9], [0, 5]], "odd": [5, 6, 10, 11]},
    "theirs": {"pairs": [], "odd": []},
}


def test_found_against_planted_by_hand():
    assert found_rows(TRUTH, FOUND) == [
        ["copy, exact", "2", "1", "0"],
        ["copy, drawn second shots", "1", "1", "0"],
        ["outlier, grey", "3", "2", "0"],
        ["outlier, drawn empty", "1", "1", "0"],
    ]
    assert precision_rows(TRUTH, FOUND) == [
        ["near duplicates: precision", "0.667 (n = 3)", "0.000 (n = 0)"],
        ["near duplicates: recall", "0.500 (n = 2)", "0.000 (n = 2)"],
        [
            "near duplicates: recall with drawn ones",
            "0.667 (n = 3)",
            "0.000 (n = 3)",
        ],
        ["outliers: precision", "0.750 (n = 4)", "0.000 (n = 0)"],
        ["outliers: recall", "0.667 (n = 3)", "0.000 (n = 3)"],
        ["outliers: recall with drawn ones", "0.750 (n = 4)", "0.000 (n = 4)"],
    ]


def test_what_is_planted_is_what_changes():
    images, before = draw(100), draw(100)
    planted = plant(images, seed=3, copies=2, outliers=2, spared=range(10))
    changed = {int(copy) for _, copy in planted.pairs} | set(planted.odd)
    differ = (images != before).any((1, 2, 3))
    assert set(np.flatnonzero(differ)) == changed
    assert min(planted.pairs.min(), planted.odd.min()) >= 10
    assert len(changed) == 2 * (len(COPIES) + len(OUTLIERS))
    again = draw(100)
    plant(again, seed=3, copies=2, outliers=2, spared=range(10))
    np.testing.assert_array_equal(images, again)


@pytest.mark.parametrize("kind", [*COPIES, *OUTLIERS])
@pytest.mark.parametrize("shape", [(108, 84, 3), (64, 64, 3)])
def test_every_alteration_keeps_the_size(kind, shape):
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, shape).astype(np.uint8)
    altered = (COPIES | OUTLIERS)[kind](image, rng)
    assert altered.shape == shape and altered.dtype == np.uint8
    assert (altered != image).any() == (kind != "exact")
