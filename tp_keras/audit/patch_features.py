"""What lies where in a thumbnail, without a network that learns.

Small patches are compared with patches of other portraits, drawn by chance,
and what is alike is summed over the cells of a grid. A linear classifier of
these sums is nearly as good as a small network (Coates, Lee and Ng, An
analysis of single-layer networks in unsupervised feature learning, 2011), and
no label has a part in it.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import threadpoolctl
import tqdm

# Patches, and how far they lie apart; how many others they are compared with.
_SIDE, _STEP = 4, 2
_NUM_OTHERS = 96
_GRID = (4, 3)

# Portraits and patches that the others are drawn from.
_SAMPLE_PORTRAITS, _SAMPLE_PATCHES = 400, 20_000

# Share of the mean variance that is added to each direction, as the weakest
# ones are noise; variance that is added to a patch, as flat ones are as well.
_LEAST_VARIANCE, _LEAST_CONTRAST = 0.1, 0.02

_BLOCK_SIZE = 128


def patch_features(
    thumbnails: np.ndarray,
    seed: int = 0,
    equal_light: bool = True,
    title: str | None = None,
) -> np.ndarray:
    """Describes thumbnails by what their patches are alike to.

    Args:
        thumbnails: uint8 `[count, height, width, 3]`.
        seed: Of the patches that others are compared with.
        equal_light: Whether patches are brought to one brightness and
            contrast: so shapes and hues count, otherwise colours.
        title: Of the progress bar; None shows none.

    Returns:
        Float32 `[count, features]`, each feature of mean 0 and variance 1, or
        0 where it is the same in all.
    """
    generator = np.random.default_rng(seed)
    filters, offsets = _draw_filters(thumbnails, generator, equal_light)
    first = _pooled(thumbnails[:1], filters, offsets, equal_light)
    features = np.empty((len(thumbnails), first.shape[1]), np.float32)
    starts = range(0, len(thumbnails), _BLOCK_SIZE)

    def fill(start):
        block = slice(start, start + _BLOCK_SIZE)
        features[block] = _pooled(
            thumbnails[block], filters, offsets, equal_light
        )

    # Blocks side by side, as most of the time is not spent in BLAS.
    with (
        threadpoolctl.threadpool_limits(1),
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
        tqdm.tqdm(
            total=len(starts), desc=title, delay=2, disable=title is None
        ) as bar,
    ):
        for _ in pool.map(fill, starts):
            bar.update()
    return standardise(features)


def standardise(features: np.ndarray) -> np.ndarray:
    """Brings each column to mean 0 and variance 1 in place, or to all 0.

    Args:
        features: Float32 `[count, features]`; returned as well.
    """
    mean = features.mean(0)
    features -= mean
    # Without a second array of that size.
    spread = np.sqrt(np.einsum("ij,ij->j", features, features) / len(features))
    # Below it there is rounding.
    least = 1e-4 * max(np.abs(mean).max(), 1)
    features /= np.where(spread > least, spread, np.inf)
    return features


def _draw_filters(thumbnails, generator, equal_light):
    """Returns whitened patches as filters `[values, others]`, and offsets."""
    count = min(len(thumbnails), _SAMPLE_PORTRAITS)
    chosen = generator.choice(len(thumbnails), count, replace=False)
    patches, _ = _patches(thumbnails[np.sort(chosen)], equal_light)
    count = min(len(patches), _SAMPLE_PATCHES)
    patches = patches[generator.choice(len(patches), count, replace=False)]
    mean = patches.mean(0)
    variances, directions = np.linalg.eigh(np.cov(patches - mean, rowvar=False))
    least = _LEAST_VARIANCE * max(variances.mean(), 1e-4)
    whitening = directions / np.sqrt(np.maximum(variances, 0) + least)
    count = min(len(patches), _NUM_OTHERS)
    others = generator.choice(len(patches), count, replace=False)
    others = (patches[others] - mean) @ whitening
    lengths = np.linalg.norm(others, axis=1, keepdims=True)
    others /= np.maximum(lengths, 1e-3)
    filters = (whitening @ others.T).astype(np.float32)
    return filters, -mean @ filters


def _patches(thumbnails, equal_light):
    """Returns patches float32 `[rows * height * width, values]`, and shape."""
    pixels = thumbnails.astype(np.float32) / 255
    side = min(_SIDE, *pixels.shape[1:3])
    windows = np.lib.stride_tricks.sliding_window_view(
        pixels, (side, side), axis=(1, 2)
    )[:, ::_STEP, ::_STEP]
    patches = windows.reshape(np.prod(windows.shape[:3]), -1)
    if equal_light:
        patches -= patches.mean(1, keepdims=True)
        variance = np.square(patches).mean(1, keepdims=True)
        patches /= np.sqrt(variance + _LEAST_CONTRAST)
    return patches, windows.shape[:3]


def _pooled(thumbnails, filters, offsets, equal_light):
    """Returns how alike patches are, summed by cell, `[rows, features]`."""
    patches, shape = _patches(thumbnails, equal_light)
    alike = patches @ filters + offsets
    np.maximum(alike, 0, out=alike)
    sums = alike.reshape(*shape, -1)
    for axis, cells in zip((1, 2), _GRID, strict=True):
        edges = np.linspace(0, shape[axis], min(cells, shape[axis]) + 1)
        sums = np.add.reduceat(sums, edges.astype(int)[:-1], axis)
    return sums.reshape(len(thumbnails), -1)
