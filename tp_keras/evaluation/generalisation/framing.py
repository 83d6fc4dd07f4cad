"""How large and where faces are, found from pixels alone and made alike.

Aligned faces that are averaged make a face. Where the mean face of other
portraits, made smaller or larger and moved, falls onto the mean face of the
training, their framing is that of the training. No face detector is needed,
and no label is looked at.
"""

import dataclasses
import itertools
import math

import cv2
import numpy as np
import scipy.optimize
import tqdm
from PIL import Image

# What is tried at first: scales about 7 % apart, shifts by a twentieth.
_SCALES = tuple(1.07**step for step in range(-10, 13))
_SHIFTS = tuple(step / 20 for step in range(-5, 6))

# A picture must fill so much of the view, or there is too little to compare.
_LEAST_COVERED = 0.25

# A difference that a training's augmentation makes as well.
_SAME_SCALE, _SAME_SHIFT = 0.02, 0.01


@dataclasses.dataclass(frozen=True)
class Framing:
    """What of a picture is looked at: a view of the run's proportions.

    The largest such view inside of the picture, about its middle, has scale 1.

    Attributes:
        scale: Height of the view in heights of that one. Above 1 it reaches
            beyond the picture, whose border is repeated, and faces get
            smaller.
        right: How far the middle of the view lies to the right of the
            picture's, in widths of the view of scale 1; `down` in heights.
    """

    scale: float = 1.0
    right: float = 0.0
    down: float = 0.0

    def box(self, picture, size) -> tuple[float, float, float, float]:
        """Returns left, top, right and bottom of the view in pixels.

        `picture` is height and width of a picture, `size` that of the view.
        """
        unit = min(picture[0] / size[0], picture[1] / size[1])
        height, width = size[0] * unit, size[1] * unit
        left = picture[1] / 2 + (self.right - self.scale / 2) * width
        top = picture[0] / 2 + (self.down - self.scale / 2) * height
        return left, top, left + self.scale * width, top + self.scale * height


UNCHANGED = Framing()


def frame(images, size, framing: Framing = UNCHANGED, title=None) -> np.ndarray:
    """Returns the view of each image in another size.

    Pixels are averaged where the view gets smaller and interpolated where it
    gets larger; images of that size are returned unchanged `UNCHANGED`.

    Args:
        images: uint8 array `[count, height, width, 3]`.
        size: Height and width of what is returned.
        framing: `Framing`.
        title: Title of a progress bar; None for none.

    Returns:
        A uint8 array `[count, *size, 3]`.
    """
    box = np.array(framing.box(images.shape[1:3], size))
    height, width = images.shape[1:3]
    left, top = np.ceil(np.maximum(-box[:2], 0)).astype(int).tolist()
    over = np.ceil(np.maximum(box[2:] - [width, height], 0)).astype(int)
    right, bottom = over.tolist()
    box += [left, top, left, top]
    framed = np.empty((len(images), *size, 3), np.uint8)
    for row in tqdm.trange(
        len(images), desc=title, delay=2, leave=False, disable=title is None
    ):
        padded = cv2.copyMakeBorder(
            np.asarray(images[row]),
            *(top, bottom, left, right),
            cv2.BORDER_REPLICATE,
        )
        framed[row] = Image.fromarray(padded).resize(
            size[::-1], Image.Resampling.BILINEAR, box=tuple(box)
        )
    return framed


def covered(framing: Framing, picture, size) -> tuple[slice, slice]:
    """Returns rows and columns of the view that lie inside of the picture."""
    left, top, right, bottom = framing.box(picture, size)
    return (
        _inside(top, bottom, picture[0], size[0]),
        _inside(left, right, picture[1], size[1]),
    )


def _inside(low, high, length, count):
    """Returns which of `count` pixels from low to high have neighbours."""
    step = (high - low) / count
    # Pixels have their middle at a half.
    first = math.ceil((0.5 - low) / step - 0.5 - 1e-6)
    last = math.floor((length - 0.5 - low) / step - 0.5 + 1e-6)
    return slice(max(first, 0), max(min(last + 1, count), 0))


def find_framing(mean_face, other_face) -> tuple[Framing, float, float]:
    """Finds the view in which one mean face is most like another.

    Likeness is Pearson's correlation of their brightness where the view shows
    the picture, at least a quarter of it: it stays the same whatever the
    exposure and contrast. The mean of pictures in a view is the view of their
    mean, so one picture is tried, not all of them.

    Args:
        mean_face: Float array `[height, width, 3]`, the mean portrait of the
            training.
        other_face: Float array `[h, w, 3]`, the mean of other portraits.

    Returns:
        `Framing` of the other portraits, `UNCHANGED` if it is hardly another;
        the correlation before and after. Without any contrast they are NaN.
    """
    wanted, other = (
        np.asarray(face, np.float32).mean(-1)
        for face in (mean_face, other_face)
    )
    size = wanted.shape

    def likeness(numbers):
        framing = Framing(*numbers)
        # The refinement must not leave what was tried at first.
        scale, *moved = np.abs(numbers)
        if not _SCALES[0] <= scale <= _SCALES[-1] or max(moved) > _SHIFTS[-1]:
            return -1.0
        known = covered(framing, other.shape, size)
        seen, true = _view(other, framing, size)[known], wanted[known]
        if seen.size < _LEAST_COVERED * wanted.size:
            return -1.0
        seen, true = seen - seen.mean(), true - true.mean()
        seen, true = seen.ravel(), true.ravel()
        norm = math.sqrt(float(seen @ seen) * float(true @ true))
        # Rounding alone makes a contrast of some 1e-5 levels.
        return float(seen @ true) / norm if norm > 1e-3 * seen.size else -1.0

    before = likeness((1.0, 0.0, 0.0))
    if before == -1.0:
        return UNCHANGED, math.nan, math.nan
    tried = itertools.product(_SCALES, _SHIFTS, _SHIFTS)
    best = scipy.optimize.minimize(
        lambda numbers: -likeness(numbers),
        max(tried, key=likeness),
        method="Nelder-Mead",
        options={"xatol": 1e-3, "fatol": 1e-5},
    )
    framing = Framing(*map(float, best.x))
    moved = max(abs(framing.right), abs(framing.down))
    if abs(framing.scale - 1) < _SAME_SCALE and moved < _SAME_SHIFT:
        return UNCHANGED, before, before
    return framing, before, -float(best.fun)


def _view(image, framing, size):
    """Returns the view of one image of floats."""
    left, top, right, bottom = framing.box(image.shape[:2], size)
    across, along = (right - left) / size[1], (bottom - top) / size[0]
    transform = np.array(
        [
            [across, 0, left + across / 2 - 0.5],
            [0, along, top + along / 2 - 0.5],
        ]
    )
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, transform, size[::-1], flags=how)
