"""Pairs of portraits that are nearly the same picture, in linear time."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import tqdm
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from tp_keras.audit.components import blocks
from tp_keras.audit.components import main_directions
from tp_keras.audit.components import small_pictures
from tp_keras.audit.looks import Looks
from tp_keras.audit.portrait_set import PortraitSet

# Half of what pixels and embedding say together. Both limits were chosen by
# looking at pairs: below, different people begin.
LEAST_SIMILARITY = 0.85
_LEAST_OF_EACH = 0.7

# The shortlist: so many neighbours in so many directions, up to a distance of
# small pictures of length 1. Among 134,734 portraits that has 99 % of copies; a
# tree of 16 directions would have as many with 4 neighbours, ten times slower.
_DIRECTIONS = 8
_NEIGHBORS = 16
_RADIUS = 0.4

# Pixels are compared in a size of their own, between a fine and a coarse blur:
# what is finer is noise, what is coarser all aligned faces share. Cells of the
# picture may move on their own, as for a turn or a zoom.
_SIDE = 96
_FINE, _COARSE = 0.9, 3.6
_SHIFT = 3
_CELLS = 3

# Grey values: a cell that varies less shows nothing.
_LEAST_SPREAD = 0.5

_BLOCK_SIZE = 256


def find_pairs(
    portraits: PortraitSet, looks: Looks
) -> tuple[np.ndarray, np.ndarray]:
    """Finds pairs that show the same picture, perhaps altered a little.

    Brighter or darker, recompressed, shifted, turned or zoomed by a few per
    cent, not mirrored. Those that look alike in a few numbers are compared by
    the cosine of their components and by their pixels. (On aligned faces
    perceptual hashes and correlations of whole pictures find different people.)

    Args:
        portraits: Where to look.
        looks: What `measure_looks` has made of them.

    Returns:
        Rows int64 `[pairs, 2]`, the lower first, in order; and their
        similarities float32 `[pairs]`, of `LEAST_SIMILARITY` to 1. Of many
        equal portraits not all pairs are told, but a chain of them.
    """
    same, others = _same_thumbnails(looks.thumbnails)
    near = _shortlist(looks, others)
    pairs = np.unique(np.concatenate([same, near]), axis=0)
    cosines = _cosines(looks.components.points, pairs)
    correlations = _compare_pixels(portraits, pairs)
    similarities = (cosines + correlations) / 2
    similarities[correlations == 1] = 1
    kept = similarities >= LEAST_SIMILARITY
    kept &= correlations > _LEAST_OF_EACH
    return pairs[kept], similarities[kept]


def find_clusters(count: int, pairs: np.ndarray) -> np.ndarray:
    """Returns the cluster of each of `count` rows, int64 `[count]`.

    Rows are in one cluster if a chain of pairs connects them; a row without a
    pair is in none, -1. Clusters are numbered in the order of their first row.
    """
    graph = coo_array(
        (np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])),
        shape=(count, count),
    )
    _, found = connected_components(graph, directed=False)
    clusters = np.full(count, -1)
    rows = np.unique(pairs)
    _, first, numbers = np.unique(
        found[rows], return_index=True, return_inverse=True
    )
    clusters[rows] = np.argsort(np.argsort(first))[numbers]
    return clusters


def _same_thumbnails(thumbnails):
    """Returns chains of rows of equal thumbnails, and the first row of each."""
    last, chains, firsts = {}, [], []
    for row, thumbnail in enumerate(thumbnails):
        key = hashlib.blake2b(thumbnail, digest_size=16).digest()
        if key in last:
            chains.append((last[key], row))
        else:
            firsts.append(row)
        last[key] = row
    return np.array(chains, np.int64).reshape(-1, 2), np.array(firsts)


def _shortlist(looks, rows):
    """Returns pairs of rows that look alike, first when small and grey."""
    small = small_pictures(looks.thumbnails, gray=True)[rows]
    points = small @ main_directions(small, _DIRECTIONS)
    tree = KDTree(points)
    count = min(_NEIGHBORS, len(points)) + 1
    alike = [np.zeros((0, 2), np.int64)]
    parts = [*blocks(len(points))]
    for part in tqdm.tqdm(parts, "shortlist pairs", delay=2, leave=False):
        _, found = tree.query(
            points[part], count, distance_upper_bound=_RADIUS, workers=-1
        )
        first = np.repeat(np.arange(part.start, part.stop), count)
        second = found.ravel()
        kept = (second < len(points)) & (second != first)
        pairs = rows[np.stack([first[kept], second[kept]], axis=1)]
        cosines = _cosines(looks.components.points, pairs)
        alike.append(np.sort(pairs[cosines > _LEAST_OF_EACH], axis=1))
    return np.concatenate(alike)


def _cosines(points, pairs):
    first, second = points[pairs[:, 0]], points[pairs[:, 1]]
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return (first * second).sum(1) / np.maximum(lengths, 1e-6)


def _compare_pixels(portraits, pairs):
    """Returns the correlation of each pair's pixels, float32 `[pairs]`."""
    correlations = np.empty(len(pairs), np.float32)
    starts = range(0, len(pairs), _BLOCK_SIZE)

    def compare(start):
        block = pairs[start : start + _BLOCK_SIZE]
        rows, places = np.unique(block, return_inverse=True)
        images = portraits.images(rows)
        details = [_details(image) for image in images]
        for number, (a, b) in enumerate(places.reshape(block.shape)):
            same = np.array_equal(images[a], images[b])
            correlations[start + number] = (
                1 if same else correlate(details[a], details[b])
            )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = pool.map(compare, starts)
        for _ in tqdm.tqdm(
            done, "compare pairs", len(starts), delay=2, leave=False
        ):
            pass
    return correlations


def _details(image):
    """Returns the details of a picture, float32, of middle size."""
    scale = _SIDE / max(image.shape)
    gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    shrinks = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    gray = cv2.resize(gray, None, fx=scale, fy=scale, interpolation=shrinks)
    fine = cv2.GaussianBlur(gray, None, _FINE)
    return fine - cv2.GaussianBlur(gray, None, _COARSE)


def correlate(first: np.ndarray, second: np.ndarray) -> float:
    """Returns the mean correlation of cells after the best shift of each.

    Cells count by how much they vary; if none does, the correlation is 0.

    Args:
        first: Details of a picture, float32 `[height, width]`.
        second: Those of another one.
    """
    correlations, weights = [], []
    edges = [
        np.linspace(_SHIFT, side - _SHIFT, _CELLS + 1).astype(int)
        for side in first.shape
    ]
    for top, bottom in zip(edges[0], edges[0][1:], strict=False):
        for left, right in zip(edges[1], edges[1][1:], strict=False):
            cell = first[top:bottom, left:right]
            around = second[
                top - _SHIFT : bottom + _SHIFT, left - _SHIFT : right + _SHIFT
            ]
            weight = min(cell.std(), around.std())
            if weight < _LEAST_SPREAD:
                continue
            found = cv2.matchTemplate(around, cell, cv2.TM_CCOEFF_NORMED)
            correlations.append(found.max())
            weights.append(weight)
    return float(np.average(correlations, weights=weights)) if weights else 0.0
