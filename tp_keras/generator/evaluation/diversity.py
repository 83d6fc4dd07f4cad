"""Do portraits of the same attributes differ as real ones do?"""

from collections.abc import Callable
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tp_keras.evaluation import figures
from tp_keras.generator.evaluation.attributes import Cell
from tp_keras.records import intervals

# The first three weights of Wang et al. (2003), scaled to a sum of 1: at
# 27 x 21, the third scale, the window of 11 pixels just fits in.
_POWER_FACTORS = tuple(np.array([0.0448, 0.2856, 0.3001]) / 0.6305)
_BATCH = 50
_DRAWS = 500


def measure_diversity(
    made: dict[Cell, np.ndarray],
    real: dict[Cell, np.ndarray],
    features: Callable,
    num_pairs: int,
    min_count: int,
    seed: int,
) -> Iterator[dict]:
    """Yields how far pairs in a cell are apart, as a ratio to real pairs.

    No portrait is in two pairs, so pairs are independent.

    Args:
        made: Cell -> uint8 array [N, height, width, 3], generated for it.
        real: Cell -> uint8 array [M, height, width, 3], real ones.
        features: Function from images to float array [n, size].
        num_pairs: Pairs of a cell at most.
        min_count: Real portraits that a cell needs.
        seed: Where chance starts.

    Yields:
        Fields of records `ms_ssim_diversity` (the mean of 1 - MS-SSIM of
        pairs) and `feature_diversity` (the mean distance of features), each
        divided by that of real pairs: 1 is as diverse as real portraits, 0 is
        always the same one. `task`, `group` and `class_name` are the cell.

    Source:
        Odena, Olah and Shlens, Conditional image synthesis with auxiliary
        classifier GANs, 2017 (MS-SSIM within a class).
    """
    generator = np.random.default_rng(seed)
    pairs = []
    for cell, images in made.items():
        others = real.get(cell, images[:0])
        if len(others) < max(min_count, 2):
            others = images[:0]
        for kind in (images, others):
            pairs.append(_draw_pairs(kind, num_pairs, generator))
    lengths = _lengths(features, pairs)
    for number, cell in enumerate(made):
        ours, theirs = pairs[2 * number : 2 * number + 2]
        fields = {
            "task": cell.task.name,
            "group": cell.group,
            "class_name": cell.class_name,
        }
        for metric in ("ms_ssim_diversity", "feature_diversity"):
            if not (len(ours[0]) and len(theirs[0])):
                yield figures.figure(metric, None, len(ours[0]), **fields)
                continue
            if metric == "feature_diversity":
                found, base = lengths[2 * number : 2 * number + 2]
            else:
                found, base = (
                    ms_ssim_distances(*pair) for pair in (ours, theirs)
                )
            yield figures.figure(
                metric,
                found.mean() / base.mean(),
                len(found),
                _interval(found, base, generator),
                **fields,
            )


def ms_ssim_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Returns 1 - MS-SSIM of pairs of images.

    Args:
        first: uint8 array [n, height, width, 3] of at least 44 x 44.
        second: The others of the pairs.

    Returns:
        Float array [n]: 0 for equal images.
    """
    similarities = [
        tf.image.ssim_multiscale(
            tf.cast(first[start : start + _BATCH], tf.float32),
            tf.cast(second[start : start + _BATCH], tf.float32),
            max_val=255.0,
            power_factors=_POWER_FACTORS,
        ).numpy()
        for start in range(0, len(first), _BATCH)
    ]
    return 1 - np.concatenate(similarities)


def _draw_pairs(images, num_pairs, generator):
    order = generator.permutation(len(images))
    count = min(num_pairs, len(images) // 2)
    return images[order[:count]], images[order[count : 2 * count]]


def _lengths(features, pairs):
    """Returns the distances of all pairs, their features made in one pass."""
    first, second = (
        np.concatenate([pair[side] for pair in pairs]) for side in (0, 1)
    )
    found = features(np.concatenate([first, second]))
    lengths = np.linalg.norm(found[: len(first)] - found[len(first) :], axis=1)
    ends = np.cumsum([len(pair[0]) for pair in pairs])
    return np.split(lengths, ends[:-1])


def _interval(found, base, generator):
    """Returns the bootstrap's interval of the ratio of two means."""
    draws = [
        generator.choice(values, (_DRAWS, len(values))).mean(axis=1)
        for values in (found, base)
    ]
    return intervals.percentile_interval(draws[0] / draws[1])
