"""Synthetic portraits without the outliers and second shots of a pack."""

import functools

import numpy as np

from datasets.building.drawing.portrait import draw_portrait
from datasets.tiny_portraits.synthetic import labels
from datasets.tiny_portraits.synthetic.portrait import Appearance


@functools.cache
def _drawn(count):
    table = labels.LabelTable.draw(0)
    indices = labels.choose_indices(4000, 0, table.source)
    usual = (table.outlier[indices] < 0) & (table.source[indices] == indices)
    return np.stack(
        [
            draw_portrait(Appearance.of(table, 0, index))
            for index in indices[usual][:count]
        ]
    )


def draw(count=400) -> np.ndarray:
    """Portraits that a test may change, uint8 `[count, 108, 84, 3]`."""
    return _drawn(count).copy()
