"""What a portrait looks like in a few numbers, in one pass over the pixels."""

import collections
import dataclasses
import functools
import os
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from tp_keras.audit.components import Components
from tp_keras.audit.portrait_set import PortraitSet

# Name -> what it is. Of a black picture all are 0 but `dark` and
# `repeated_lines`, and none grows with the size of a picture.
STATISTICS = {
    "brightness": "mean grey value, 0 to 1",
    "contrast": "standard deviation of the grey values",
    "dark": "share of nearly black pixels",
    "bright": "share of nearly white pixels",
    "saturation": "mean of the largest minus the least of red, green, blue",
    "colorfulness": "spread and strength of the colours (Hasler, Suesstrunk)",
    "redness": "mean of red minus green",
    "yellowness": "mean of red and green, minus blue",
    "sharpness": "spread of the Laplacian, relative to the contrast",
    "noise": "what differs from pixel to pixel where little else does",
    "stripes": "what differs from one mean of a line to the next",
    "repeated_lines": "share of rows, or columns, that equal the one before",
    "border_brightness": "brightness of the outer band",
    "border_contrast": "contrast of the outer band",
    "border_redness": "redness of the outer band",
    "border_yellowness": "yellowness of the outer band",
}

# The longer side of a thumbnail, and how much of it is the outer band.
THUMBNAIL_SIDE = 32
BAND = 2

_BATCH_SIZE = 256

# Grey values, of 255.
_DARK, _BRIGHT, _SAME = 16, 240, 2

# Blind to a slope and to an edge: Immerkaer, Fast noise variance estimation,
# 1996. Of cells of the picture a quarter is smoother than what is taken.
_NOISE_KERNEL = np.outer([1, -2, 1], [1, -2, 1]).astype(np.float32)
_NOISE_CELLS = 10
_NOISE_QUANTILE = 0.25


@dataclasses.dataclass(frozen=True)
class Looks:
    """What `measure_looks` has seen of each row of a `PortraitSet`.

    Attributes:
        statistics: Name out of `STATISTICS` -> float32 `[count]`.
        thumbnails: uint8 `[count, height, width, 3]`, the portraits reduced so
            that the longer side is `THUMBNAIL_SIDE`; smaller ones as they are.
    """

    statistics: dict[str, np.ndarray]
    thumbnails: np.ndarray

    @functools.cached_property
    def components(self) -> Components:
        """The principal components of the thumbnails."""
        return Components(self.thumbnails)


def measure_looks(portraits: PortraitSet, title: str | None = None) -> Looks:
    """Measures the statistics and thumbnails of all portraits.

    Args:
        portraits: What to look at; read once, in the order of the rows.
        title: Of the progress bar; None shows none.
    """
    count = len(portraits)
    height, width, _ = portraits.schema.image_shape
    scale = min(1, THUMBNAIL_SIDE / max(height, width))
    size = max(round(height * scale), 1), max(round(width * scale), 1)
    thumbnails = np.empty((count, *size, 3), np.uint8)
    statistics = {name: np.empty(count, np.float32) for name in STATISTICS}

    def look(rows, images):
        thumbnails[rows], found = _look(images, size)
        for name, values in found.items():
            statistics[name][rows] = values

    # OpenCV and NumPy let other threads run. The queue is short, as it holds
    # pixels.
    workers = os.cpu_count() or 1
    with ThreadPoolExecutor(workers) as pool:
        waiting = collections.deque()
        for batch in portraits.batches(_BATCH_SIZE, title):
            waiting.append(pool.submit(look, *batch))
            if len(waiting) > workers:
                waiting.popleft().result()
        for left in waiting:
            left.result()
    return Looks(statistics, thumbnails)


def _look(images, size):
    """Returns thumbnails and statistics of a batch of portraits."""
    count, height, width, _ = images.shape
    # All portraits below each other are one picture, so that a function is
    # called once; where one ends no pixel of a thumbnail goes on.
    tall = images.reshape(count * height, width, 3)
    thumbnails = cv2.resize(
        tall, (size[1], count * size[0]), interpolation=cv2.INTER_AREA
    ).reshape(count, *size, 3)
    gray = _grey(images)
    tall = gray.reshape(count * height, width)
    mean, spread = _mean_and_spread(gray)
    colors = _Colors(thumbnails.reshape(count, -1, 3))
    band = _Colors(thumbnails[:, _outer_band(size)])
    return thumbnails, {
        "brightness": mean,
        "contrast": spread,
        "dark": _share(gray < _DARK),
        "bright": _share(gray >= _BRIGHT),
        "saturation": colors.saturation,
        "colorfulness": colors.colorfulness,
        "redness": colors.redness,
        "yellowness": colors.yellowness,
        "sharpness": _sharpness(gray, spread),
        "noise": _noise(tall, count),
        "stripes": _stripes(gray),
        "repeated_lines": _repeated_lines(gray),
        "border_brightness": band.brightness,
        "border_contrast": band.contrast,
        "border_redness": band.redness,
        "border_yellowness": band.yellowness,
    }


def brightness_of(images: np.ndarray) -> np.ndarray:
    """Returns the statistic `brightness` of portraits alone.

    Args:
        images: uint8 `[count, height, width, 3]`.

    Returns:
        float32 `[count]`.
    """
    return _mean_and_spread(_grey(images))[0]


def _grey(images):
    """Returns the grey values of portraits, uint8 `[count, height, width]`."""
    tall = images.reshape(-1, *images.shape[2:])
    return cv2.cvtColor(tall, cv2.COLOR_RGB2GRAY).reshape(images.shape[:3])


class _Colors:
    """The colours of pixels uint8 `[count, pixels, 3]`, from 0 to 1."""

    def __init__(self, pixels):
        red, green, blue = np.moveaxis(pixels.astype(np.float32) / 255, -1, 0)
        gray = 0.299 * red + 0.587 * green + 0.114 * blue
        red_green, yellow_blue = red - green, (red + green) / 2 - blue
        largest = np.maximum(np.maximum(red, green), blue)
        least = np.minimum(np.minimum(red, green), blue)
        self.brightness, self.contrast = gray.mean(1), gray.std(1)
        self.saturation = (largest - least).mean(1)
        self.redness, self.yellowness = red_green.mean(1), yellow_blue.mean(1)
        # Hasler and Suesstrunk, Measuring colourfulness in natural images,
        # 2003.
        spread = np.hypot(red_green.std(1), yellow_blue.std(1))
        strength = np.hypot(self.redness, self.yellowness)
        self.colorfulness = spread + 0.3 * strength


def _outer_band(size):
    """Returns where the outer band of a thumbnail lies, as a mask."""
    mask = np.ones(size, bool)
    mask[BAND:-BAND, BAND:-BAND] = False
    return mask


def _mean_and_spread(pictures):
    """Returns mean and standard deviation of each picture, from 0 to 1."""
    pairs = [cv2.meanStdDev(picture) for picture in pictures]
    return np.array(pairs, np.float32)[:, :, 0, 0].T / 255


def _share(mask):
    """Returns the share of true pixels of each picture."""
    pixels = mask.reshape(len(mask), -1)
    return np.count_nonzero(pixels, axis=1) / pixels.shape[1]


def _sharpness(gray, spread):
    # One by one, as its border is none of the neighbour's.
    edges = [cv2.Laplacian(picture, cv2.CV_16S) for picture in gray]
    _, edge_spread = _mean_and_spread(edges)
    # Less than one grey value is no contrast.
    return edge_spread / np.maximum(spread, 1 / 255)


def _noise(tall, count):
    """Returns the noise of each picture: the mean response where it is low."""
    response = cv2.filter2D(tall, cv2.CV_16S, _NOISE_KERNEL)
    cells = cv2.resize(
        np.abs(response),
        (_NOISE_CELLS, count * _NOISE_CELLS),
        interpolation=cv2.INTER_AREA,
    ).reshape(count, -1)
    place = int(_NOISE_QUANTILE * (cells.shape[1] - 1))
    lowest = np.partition(cells, place, axis=1)[:, place]
    # Of noise of spread 1 the response has a mean of 6 sqrt(2 / pi).
    return lowest / (6 * np.sqrt(2 / np.pi) * 255)


def _stripes(gray):
    """Returns how much lines differ from their neighbours, on the whole."""
    bends = [
        np.abs(np.diff(gray.mean(axis, dtype=np.float32), 2)).mean(1)
        for axis in (1, 2)
        if gray.shape[3 - axis] > 2
    ]
    return np.max([np.zeros(len(gray)), *bends], axis=0) / 255


def _repeated_lines(gray):
    """Returns the share of rows, or columns, that equal the one before."""
    shares = []
    for axis in (1, 2):
        lines = np.moveaxis(gray, axis, 1)
        changes = cv2.absdiff(lines[:, 1:], lines[:, :-1]).max(2)
        shares.append(_share(changes <= _SAME))
    return np.max(shares, axis=0)
