"""The sliced Wasserstein distance between patches, level by level."""

import dataclasses

import numpy as np

from tp_keras.generator.evaluation.estimate import Estimate
from tp_keras.generator.evaluation.estimate import draw_halves

NUM_LEVELS = 3

_PATCH = 7
_PATCHES_PER_IMAGE = 16
_PROJECTIONS = 64

# Projected patches are counted in bins of a tenth of their deviation among
# the reference, up to this many deviations from its mean.
_REACH = 8.0
_BINS = 160

_BATCH = 256
_KERNEL = np.array([1, 4, 6, 4, 1], np.float32) / 16


@dataclasses.dataclass(frozen=True)
class _Slice:
    """What the patches of one level of the reference are projected on."""

    directions: np.ndarray
    means: np.ndarray
    deviations: np.ndarray
    counts: np.ndarray

    @classmethod
    def fit(cls, patches, generator):
        size = patches.shape[-1]
        directions = generator.standard_normal((size, _PROJECTIONS))
        directions /= np.linalg.norm(directions, axis=0)
        directions = directions.astype(np.float32)
        values = patches @ directions
        means = values.mean((0, 1))
        # A level without any content has no deviation to measure in.
        deviations = np.maximum(values.std((0, 1)), 1e-6)
        new = cls(directions, means, deviations, np.empty(0))
        return dataclasses.replace(new, counts=new.count(patches))

    def count(self, patches):
        """Returns how many patches of an image lie in each bin.

        Returns:
            float32 `[images, projections * bins]`, each projection's add up
            to 1.
        """
        values = (patches @ self.directions - self.means) / self.deviations
        bins = np.floor((values + _REACH) * (_BINS / (2 * _REACH)))
        bins = bins.clip(0, _BINS - 1).astype(np.int64)
        images = np.arange(len(patches))[:, None, None]
        places = (images * _PROJECTIONS + np.arange(_PROJECTIONS)) * _BINS
        counts = np.bincount(
            (places + bins).ravel(),
            minlength=len(patches) * _PROJECTIONS * _BINS,
        )
        counts = counts.reshape(len(patches), -1).astype(np.float32)
        return counts / patches.shape[1]


class SlicedWasserstein:
    """Measures how far patches of images are from those of a reference.

    Images are parted into three levels of a Laplacian pyramid: details of
    one pixel, of two pixels, and the rest, at a quarter of the size. Patches
    of 7x7 pixels at places that are the same for all images are projected to
    random directions, and the distance is the mean over the directions of the
    Wasserstein-1 distance, in standard deviations of the reference. Blur shows
    in the first levels, a shift of colour in the last.

    It shrinks with the number of rows, also for samples of one distribution:
    compare samples of one size.

    Args:
        reference: uint8 array `[m, height, width, 3]`.
        num_draws: How many halves the intervals rest on.
        seed: Int. Decides places, directions and halves.

    Attributes:
        level_names: Height and width of each level, such as `"108x84"`.

    Source:
        Karras et al., Progressive growing of GANs, arXiv:1710.10196; Burt and
        Adelson, The Laplacian pyramid as a compact image code, 1983.

    Example:
        >>> [level.value for level in SlicedWasserstein(test.images)(blurred)]
        [0.31, 0.12, 0.05]
    """

    def __init__(self, reference, num_draws=100, seed=0):
        self._num_draws = num_draws
        self._seed = seed
        self.level_names = _level_names(reference.shape[1:3])
        levels = self._patches(reference)
        generator = np.random.default_rng([seed, 1])
        self._slices = [_Slice.fit(patches, generator) for patches in levels]

    def __call__(self, candidate) -> list[Estimate]:
        """Returns an `Estimate` for each level, the finest first.

        Args:
            candidate: uint8 array `[n, height, width, 3]`.
        """
        estimates = []
        levels = self._patches(candidate)
        for part, patches in zip(self._slices, levels, strict=True):
            mine, its = part.count(patches), part.counts
            halves = _distance(self._half_means(mine), self._half_means(its))
            value = _distance(mine.mean(0)[None], its.mean(0)[None])
            estimates.append(Estimate.from_halves(value[0], halves, least=0.0))
        return estimates

    def _half_means(self, counts):
        halves = draw_halves(len(counts), self._num_draws, self._seed)
        return halves.astype(np.float32) @ counts / halves[0].sum()

    def _patches(self, images):
        """Returns for each level float32 `[images, patches, values]`."""
        parts = [
            self._patches_of(images[start : start + _BATCH])
            for start in range(0, len(images), _BATCH)
        ]
        return [np.concatenate(level) for level in zip(*parts, strict=True)]

    def _patches_of(self, images):
        generator = np.random.default_rng([self._seed, 0])
        levels = laplacian_pyramid(images.astype(np.float32))
        return [_cut_patches(level, generator) for level in levels]


def laplacian_pyramid(images, num_levels=NUM_LEVELS) -> list[np.ndarray]:
    """Parts images into levels of detail.

    Args:
        images: float32 array `[count, height, width, channels]`.
        num_levels: Int.

    Returns:
        As many arrays, each half as high and wide as the one before: what is
        lost at each halving, and at last what remains.
    """
    levels = []
    for _ in range(num_levels - 1):
        smaller = _halve(_halve(images, 1), 2)
        levels.append(images - upsample(smaller, images.shape[1:3]))
        images = smaller
    return [*levels, images]


def upsample(images, shape) -> np.ndarray:
    """Returns smooth images of twice the size, cut to (height, width)."""
    return _double(_double(images, 1, shape[0]), 2, shape[1])


def _level_names(shape):
    height, width = shape
    names = []
    for _ in range(NUM_LEVELS):
        names.append(f"{height}x{width}")
        height, width = -(-height // 2), -(-width // 2)
    return tuple(names)


def _halve(images, axis):
    size = images.shape[axis]
    padding = [(0, 0)] * images.ndim
    padding[axis] = (2, 2)
    padded = np.moveaxis(np.pad(images, padding, mode="edge"), axis, 0)
    smaller = sum(
        weight * padded[shift : shift + size : 2]
        for shift, weight in enumerate(_KERNEL)
    )
    return np.moveaxis(smaller, 0, axis)


def _double(images, axis, size):
    padding = [(0, 0)] * images.ndim
    padding[axis] = (1, 1)
    padded = np.moveaxis(np.pad(images, padding, mode="edge"), axis, 0)
    before, here, after = padded[:-2], padded[1:-1], padded[2:]
    larger = np.empty((2 * len(here), *here.shape[1:]), images.dtype)
    # The kernel's weights that meet a row, and not the zeros between rows.
    larger[::2] = (before + 6 * here + after) / 8
    larger[1::2] = (here + after) / 2
    return np.moveaxis(larger[:size], 0, axis)


def _cut_patches(level, generator):
    rows = generator.integers(
        level.shape[1] - _PATCH + 1, size=_PATCHES_PER_IMAGE
    )
    columns = generator.integers(
        level.shape[2] - _PATCH + 1, size=_PATCHES_PER_IMAGE
    )
    patches = [
        level[:, row : row + _PATCH, column : column + _PATCH]
        for row, column in zip(rows, columns, strict=True)
    ]
    return np.stack(patches, axis=1).reshape(len(level), _PATCHES_PER_IMAGE, -1)


def _distance(a, b):
    """Returns Wasserstein-1 distances of histograms, averaged over slices.

    The integral of the absolute difference of the distribution functions.
    """
    steps = (a - b).reshape(len(a), _PROJECTIONS, _BINS).cumsum(-1)
    return np.abs(steps).sum(-1).mean(-1) * (2 * _REACH / _BINS)
