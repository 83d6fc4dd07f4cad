"""How far generated portraits are from real ones, as a distribution."""

import dataclasses
from collections.abc import Iterator

import numpy as np
import tqdm

from tp_keras.errors import UserError
from tp_keras.evaluation import figures
from tp_keras.generator.evaluation.density_coverage import density_coverage
from tp_keras.generator.evaluation.estimate import normalized_score
from tp_keras.generator.evaluation.frechet_distance import frechet_distance
from tp_keras.generator.evaluation.kernel_distance import kernel_distance
from tp_keras.generator.evaluation.kernel_distance import (
    kernel_distance_of_subsets,
)
from tp_keras.generator.evaluation.sliced_wasserstein import SlicedWasserstein
from tp_keras.records.record import ALL

# The two ends of the normalised scores.
REAL = "real"
EIGENFACES = "eigenfaces"

_FEWEST_ROWS = 20


@dataclasses.dataclass(frozen=True)
class DistributionSettings:
    """How distances between distributions are measured."""

    num_draws: int = 100
    """Random halves of the rows that an interval rests on."""
    neighbors: int = 5
    """The neighbour that the balls of density and coverage reach to."""
    subset_size: int = 400
    """Rows of each subset of `kernel_distance_subset_mean`."""
    num_subsets: int = 10
    """Subsets of `kernel_distance_subset_mean`."""

    def __post_init__(self):
        """Refuses what can't be measured."""
        least = {
            "num_draws": 2,
            "neighbors": 1,
            "subset_size": 2,
            "num_subsets": 2,
        }
        for name, number in least.items():
            if getattr(self, name) < number:
                raise UserError(
                    f"Expected {name} of at least {number}. "
                    f"Received: {name}={getattr(self, name)}"
                )


def measure_distributions(
    reference,
    candidates,
    feature_spaces,
    settings=None,
    seed=0,
    progress=True,
) -> Iterator[dict]:
    """Measures how far candidates are from real portraits.

    For each candidate in each space of features:

    * `kernel_distance`: unbiased, 0 for real portraits; and
      `kernel_distance_subset_mean` and `kernel_distance_subset_sd`;
    * `frechet_distance`, extrapolated to endless samples;
    * `density` and `coverage`;

    and of its pixels, in each level of a Laplacian pyramid,
    `sliced_wasserstein`. Each distance comes also as `normalized_<distance>`:
    0 is as real portraits, 1 as eigenfaces.

    Where a figure depends on the number of rows (density, coverage, sliced
    Wasserstein), all candidates are cut to as many.

    No candidate may be made of the reference's own portraits (blurred,
    reconstructed): row by row alike, it comes out too near. Make it of the
    same portraits as `"real"`.

    Args:
        reference: uint8 array `[m, height, width, 3]`, the test portraits.
        candidates: Dict: name -> uint8 array `[n, height, width, 3]`. Has
            `"real"`, other real portraits, and `"eigenfaces"`.
        feature_spaces: Objects with a `name` and `features(images)`, such as
            `Judge` and `RandomNetwork`.
        settings: `DistributionSettings`, or None for its defaults.
        seed: Int. Decides halves, subsets and slices.
        progress: Whether to show a bar after two seconds.

    Yields:
        Fields of records. Their `variant` is `"<candidate> <space>"`, the
        space being the name of a space of features, or the size of a level.

    Raises:
        UserError: If an end of the scale is not among the candidates, or there
            are too few portraits.

    Example:
        >>> spaces = [judge, RandomNetwork(own_half.images)]
        >>> for fields in measure_distributions(test.images, made, spaces):
        ...     record = Record(seed=0, split="test", **fields)
    """
    settings = settings or DistributionSettings()
    _check(reference, candidates)
    bar = tqdm.tqdm(
        total=(len(feature_spaces) + 1) * len(candidates),
        desc="distances to real portraits",
        delay=2,
        disable=not progress,
        leave=False,
    )
    with bar:
        for space in feature_spaces:
            yield from _measure_features(
                space, reference, candidates, settings, seed, bar
            )
        yield from _measure_pixels(reference, candidates, settings, seed, bar)


def _measure_features(space, reference, candidates, settings, seed, bar):
    real_features = space.features(reference)
    drawn = {"num_draws": settings.num_draws, "seed": seed}
    kernel, frechet = {}, {}
    size = _common_size(candidates)
    for name, images in candidates.items():
        features = space.features(images)
        pair = features, real_features
        fields = _fields(name, space.name)
        kernel[name] = kernel_distance(*pair, **drawn)
        frechet[name] = frechet_distance(*pair, **drawn)
        mean, deviation = kernel_distance_of_subsets(
            *pair, settings.subset_size, settings.num_subsets, seed
        )
        for metric, value in (("mean", mean), ("sd", deviation)):
            yield figures.figure(
                f"kernel_distance_subset_{metric}", value, len(images), **fields
            )
        estimates = density_coverage(
            features[_choose(len(features), size, seed)],
            real_features,
            settings.neighbors,
            **drawn,
        )
        for metric, estimate in zip(
            ("density", "coverage"), estimates, strict=True
        ):
            yield _figure(metric, estimate, size, fields)
        bar.update()
    for metric, estimates in (
        ("kernel_distance", kernel),
        ("frechet_distance", frechet),
    ):
        counts = {name: len(images) for name, images in candidates.items()}
        yield from _with_scores(metric, estimates, counts, space.name)


def _measure_pixels(reference, candidates, settings, seed, bar):
    distance = SlicedWasserstein(reference, settings.num_draws, seed)
    size = _common_size(candidates)
    levels = {}
    for name, images in candidates.items():
        levels[name] = distance(images[_choose(len(images), size, seed)])
        bar.update()
    counts = dict.fromkeys(candidates, size)
    for index, level in enumerate(distance.level_names):
        estimates = {name: found[index] for name, found in levels.items()}
        yield from _with_scores("sliced_wasserstein", estimates, counts, level)


def _with_scores(metric, estimates, counts, space):
    for name, estimate in estimates.items():
        fields = _fields(name, space)
        yield _figure(metric, estimate, counts[name], fields)
        score = normalized_score(
            estimate, estimates[REAL], estimates[EIGENFACES]
        )
        yield _figure(f"normalized_{metric}", score, counts[name], fields)


def _figure(metric, estimate, count, fields):
    if estimate is None:
        return figures.figure(metric, None, count, **fields)
    return figures.figure(
        metric, estimate.value, count, estimate.interval, **fields
    )


def _fields(candidate, space):
    return {"task": ALL, "group": ALL, "variant": f"{candidate} {space}"}


def _common_size(candidates):
    return min(len(images) for images in candidates.values())


def _choose(count, size, seed):
    """Returns `size` of the rows; of as many rows always the same."""
    rows = np.random.default_rng([seed, count]).permutation(count)
    return np.sort(rows[:size])


def _check(reference, candidates):
    missing = [name for name in (REAL, EIGENFACES) if name not in candidates]
    if missing:
        raise UserError(
            f"Distances need the candidates {REAL!r} and {EIGENFACES!r}, the "
            "ends of the scale. Received: candidates "
            f"{', '.join(map(repr, candidates)) or 'none'}"
        )
    sizes = {"reference": len(reference)}
    sizes |= {name: len(images) for name, images in candidates.items()}
    small = {name: size for name, size in sizes.items() if size < _FEWEST_ROWS}
    if small:
        raise UserError(
            f"Expected at least {_FEWEST_ROWS} portraits of each kind to "
            f"measure distances. Received: {small}"
        )
