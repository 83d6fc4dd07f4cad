import numpy as np
import pytest

from benchmarks.cell_accuracy import CellAccuracy
from tests.portrait_factory import make_portraits

# 30 black-haired women, 20 blond ones, 10 bald men: too few for a cell.
PORTRAITS = make_portraits(60)
PORTRAITS.labels.update(
    {
        "gender": np.repeat([0, 0, 1], [30, 20, 10]),
        "hair_color": np.repeat([0, 2, 4], [30, 20, 10]),
        "hair_type": np.repeat([0, -1, 2], [30, 20, 10]),
    }
)


def make_hits():
    """Two seeds: in hair colour 27 and 21 of 30, 10 of 20, none of 10."""
    hits = np.ones((2, 3, 60))
    hits[0, 1, :3] = 0
    hits[1, 1, :9] = 0
    hits[:, 1, 30:40] = 0
    hits[:, 1, 50:] = 0
    hits[:, 2, 30:50] = np.nan
    return hits


def test_figures_by_hand():
    figures = CellAccuracy(PORTRAITS, 50).measure(make_hits())
    color = (24 + 10) / 60
    balanced = (24 / 30 + 10 / 20 + 0) / 3
    assert figures["accuracy"].value == pytest.approx((1 + color + 1) / 3)
    assert figures["balanced accuracy"].value == pytest.approx(
        (1 + balanced + 1) / 3
    )
    # Bald men are fewer than the cell needs.
    assert figures["worst cell"].value == pytest.approx(0.5)

    accuracy = CellAccuracy(PORTRAITS, 5)
    assert list(accuracy.cells) == ["female, black", "female, blond"]
    assert accuracy.worst_cell(make_hits()) == "female, blond"


def test_interval_is_that_of_portraits_drawn_one_by_one():
    hits = make_hits()
    figure = CellAccuracy(PORTRAITS, 4000).measure(hits)["accuracy"]
    rng = np.random.default_rng(5)
    samples = [
        np.nanmean(hits[:, :, rng.integers(60, size=60)], axis=2).mean()
        for _ in range(1000)
    ]
    assert figure.interval == pytest.approx(
        tuple(np.quantile(samples, [0.025, 0.975])), abs=0.015
    )

    # The same hits differ by nothing.
    accuracy = CellAccuracy(PORTRAITS, 50)
    first, second = (accuracy.measure(make_hits()) for _ in range(2))
    difference = first["worst cell"] - second["worst cell"]
    assert (difference.value, *difference.interval) == (0, 0, 0)


def test_no_cell_without_portraits():
    hits = make_hits()[:, :, 50:]
    accuracy = CellAccuracy(PORTRAITS.take(np.arange(50, 60)), 5)
    assert "worst cell" not in accuracy.measure(hits)
    assert accuracy.worst_cell(hits) == ""
