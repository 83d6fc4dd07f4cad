"""Whether faces are still found where they are, along the same axes."""

from collections.abc import Callable
from collections.abc import Iterator

import cv2
import numpy as np
import tqdm

from tp_keras.limits.axes import Axis
from tp_keras.limits.measure import measure_recall

# Portraits are cut tightly; photographs show more around a face.
_BORDER = 0.5

# A face is found if its middle is no farther off, in its widths.
_NEAR = 0.5


def measure_finder(
    find: Callable, images: np.ndarray, axes: list[Axis], seed: int
) -> Iterator[dict]:
    """Yields the fields of records of a finder's recall along axes.

    Each portrait is changed, gets a border that repeats its edge, and counts
    as found if a face lies where it must be: where faces of aligned portraits
    are found unchanged (the median), moved as the axis moves them.

    Args:
        find: Function from a uint8 image to faces with a `box`: left, top,
            width and height in pixels, as `FaceFinder.find`.
        images: uint8 array `[count, height, width, 3]` of aligned portraits.
        axes: What to measure.
        seed: Seed of the resampling.
    """
    border = round(_BORDER * max(images.shape[1:3]))

    def middles(image):
        framed = cv2.copyMakeBorder(
            image, border, border, border, border, cv2.BORDER_REPLICATE
        )
        boxes = np.array([face.box for face in find(framed)], np.float64)
        boxes = boxes.reshape(-1, 4)
        return boxes[:, :2] + boxes[:, 2:] / 2 - border, boxes[:, 2]

    seen = [middles(image) for image in images]
    first = [(m[0], w[0]) for m, w in seen if len(m)]
    if not first:
        return
    middle = np.median([m for m, _ in first], axis=0)
    width = float(np.median([w for _, w in first]))

    def hits(found, where, near):
        return [
            bool((np.linalg.norm(m - where, axis=1) < near).any())
            for m, _ in found
        ]

    unchanged = hits(seen, middle, _NEAR * width)
    for axis in tqdm.tqdm(axes, "finder of faces", delay=2, leave=False):
        rows = [unchanged]
        for value in axis.values:
            where, near = middle, _NEAR * width
            if axis.move is not None:
                turn = np.asarray(axis.move(value))
                where = turn[:, :2] @ middle + turn[:, 2]
                near *= np.sqrt(abs(np.linalg.det(turn[:, :2])))
            found = [middles(image) for image in axis.change(images, value)]
            rows.append(hits(found, where, near))
        yield from measure_recall(axis, np.array(rows), seed)
