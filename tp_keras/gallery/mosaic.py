"""Mosaics of portraits that fill a screen."""

import dataclasses
import math
import os
from collections.abc import Sequence

import cv2
import numpy as np
from sklearn.decomposition import PCA

from tp_keras.data.labels import strata
from tp_keras.data.portraits import Portraits
from tp_keras.gallery import assignment
from tp_keras.gallery.screen import Screen
from tp_keras.gallery.screen import read_tiles
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

SORTS = ("embedding", "hue", "label", "random", "none")

# The longer side of what is compared of portraits, and of what is matched
# with a part of a picture: it is as good with more, and takes longer.
_SMALL, _TINY = 12, 4

# Directions in which portraits on a grid are compared.
_DIRECTIONS = 16

# Where random neighbours are nearer than that, all is the same but rounding.
_LEAST_DISTANCE = 1e-3


@dataclasses.dataclass(frozen=True)
class Mosaic:
    """What `draw_mosaic` has drawn.

    Attributes:
        pixels: uint8 `[height, width, 3]`.
        items: Row of the portrait in each place, integers `[rows * columns]`.
        repeats: How often a portrait is there at most.
        distance: How far neighbours are from each other, relative to random
            order; None where that is not what they are sorted by.
    """

    pixels: np.ndarray
    items: np.ndarray
    repeats: int
    distance: float | None = None


def draw_mosaic(
    portraits: Portraits,
    rows: np.ndarray,
    screen: Screen,
    sort: str,
    seed: int,
    by: Sequence[Task] = (),
    run_dir: str | os.PathLike | None = None,
) -> Mosaic:
    """Fills a screen with portraits in some order.

    If there are more than tiles, some are drawn by chance (`"none"`: the
    first), if fewer they are repeated, every second time mirrored.

    Args:
        portraits: Where the portraits are.
        rows: Which to take, integers `[n]`.
        screen: What to fill.
        sort: One of `SORTS`: `"embedding"` makes neighbours alike, `"hue"` and
            `"label"` sort from left to right, light above dark.
        seed: Settles choice and order.
        by: Tasks to sort by with `"label"`.
        run_dir: A run whose embedding tells who is alike; None: colours.
    """
    items, repeats = _items(len(portraits), rows, len(screen), sort, seed)
    shape = portraits.schema.image_shape
    distance = None
    if sort in ("embedding", "hue", "label"):
        size = _reduced(shape, _SMALL)
        small = _lab(read_tiles(portraits.images, items, size, "look"))
        if sort == "embedding":
            vectors = _vectors(portraits, items, small, run_dir)
            grid = screen.rows, screen.columns
            order = assignment.arrange(vectors, *grid, seed)
            found, chance = (
                assignment.neighbor_distance(vectors[places], *grid)
                for places in (order, _shuffled(len(screen), seed))
            )
            if chance and chance > _LEAST_DISTANCE:
                distance = found / chance
        else:
            colors = small.mean(1)
            keys = [_hues(colors)]
            if sort == "label":
                keys += [
                    key
                    for task in reversed(by)
                    for key in _label_keys(portraits, items, task)
                ]
            order = _by_columns(np.lexsort(keys), -colors[:, 0], screen)
        items = items[order]
    tiles = read_tiles(portraits.images, items, screen.tile_size, "draw")
    return Mosaic(
        screen.paint(tiles), items % len(portraits), repeats, distance
    )


def draw_photomosaic(
    portraits: Portraits,
    rows: np.ndarray,
    screen: Screen,
    target: np.ndarray,
    seed: int,
    repeats: int = 1,
    tint: float = 0.0,
) -> Mosaic:
    """Draws a picture of portraits whose colours are those of its parts.

    Args:
        portraits: Where the portraits are.
        rows: Which to take, integers `[n]`.
        screen: What to fill.
        target: uint8 `[height, width, 3]`: the picture.
        seed: Settles what comes of portraits that fit as well.
        repeats: How often a portrait may be there, every second time mirrored;
            as often as it takes where that is more.
        tint: How far the mean colour of each portrait is moved to that of the
            part: 0 to 1.
    """
    repeats = max(repeats, math.ceil(len(screen) / len(rows)))
    copies = np.arange(repeats)[:, np.newaxis] * len(portraits)
    items = (copies + rows).ravel()
    size = _reduced(portraits.schema.image_shape, _TINY)
    tiny = _lab(read_tiles(portraits.images, items, size, "look"))
    wanted = _lab(screen.cut(target, *size))
    chosen = assignment.match(
        wanted.reshape(len(wanted), -1), tiny.reshape(len(tiny), -1), seed
    )
    items = items[chosen]
    tiles = read_tiles(portraits.images, items, screen.tile_size, "draw")
    parts = screen.cut(target, 1, 1)
    for tile, part in zip(tiles, parts, strict=True):
        shift = tint * (part[0, 0] - tile.mean((0, 1)))
        tile[:] = np.clip(tile + shift, 0, 255)
    rows_shown = items % len(portraits)
    most = np.bincount(rows_shown).max()
    return Mosaic(screen.paint(tiles), rows_shown, int(most))


def _items(count, rows, wanted, sort, seed):
    """Returns as many portraits as wanted, and how often one is there."""
    order = rows if sort == "none" else rows[_shuffled(len(rows), seed)]
    repeats = math.ceil(wanted / len(rows))
    copies = np.arange(repeats)[:, np.newaxis] * count
    return (copies + order).ravel()[:wanted], repeats


def _shuffled(count, seed):
    return np.random.default_rng(seed).permutation(count)


def _reduced(image_shape, side):
    """Returns height and width of a portrait whose longer side is `side`."""
    scale = side / max(image_shape[:2])
    return tuple(max(round(length * scale), 1) for length in image_shape[:2])


def _lab(tiles):
    """Returns colours as eyes compare them: CIELAB `[n, pixels, 3]`."""
    colors = tiles.reshape(len(tiles), -1, 3).astype(np.float32) / 255
    return cv2.cvtColor(colors, cv2.COLOR_RGB2LAB)


def _vectors(portraits, items, small, run_dir):
    """Returns what tells who is alike, float `[n, directions]`."""
    if run_dir is None:
        vectors = small.reshape(len(small), -1)
        most = min(_DIRECTIONS, *vectors.shape)
        return PCA(most, svd_solver="covariance_eigh").fit_transform(vectors)
    # Imported here, as only a run needs TensorFlow.
    from tp_keras.audit.embedding import embed
    from tp_keras.audit.portrait_set import PortraitSet

    rows, places = np.unique(items % len(portraits), return_inverse=True)
    # The thumbnails, its second argument, are used without a run alone.
    points = embed(PortraitSet((portraits.take(rows),)), None, run_dir)
    return points[places, :_DIRECTIONS]


def _hues(colors):
    """Returns in what direction colours differ from the mean colour."""
    away = colors[:, 1:] - colors[:, 1:].mean(0)
    return np.arctan2(away[:, 1], away[:, 0])


def _label_keys(portraits, items, task):
    """Returns keys to sort by a task, those that count most at the end."""
    labels = portraits.labels[task.name][items % len(portraits)]
    if task.kind == MULTI_LABEL:
        return [-labels[:, flag] for flag in reversed(range(task.num_classes))]
    if task.kind == REGRESSION:
        return [labels]
    labels = strata(task, labels)
    # Those without a label come last.
    return [np.where(labels < 0, task.num_classes, labels)]


def _by_columns(order, brightness, screen):
    """Returns row after row what fills columns in an order, light on top."""
    columns = order.reshape(screen.columns, screen.rows)
    within = np.argsort(brightness[columns], axis=1, kind="stable")
    return np.take_along_axis(columns, within, axis=1).T.ravel()
