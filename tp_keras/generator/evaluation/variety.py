"""Is all there that real portraits vary in? Coverage, density, distances."""

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np
from scipy.spatial.distance import cdist

from tp_keras.evaluation import figures
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.candidates import RECONSTRUCTIONS
from tp_keras.generator.evaluation.distances import Described
from tp_keras.generator.evaluation.distances import Estimate
from tp_keras.generator.evaluation.distances import draw_halves
from tp_keras.generator.evaluation.distances import mean_of_pairs
from tp_keras.generator.evaluation.distances import pool
from tp_keras.records import intervals
from tp_keras.records.record import ALL

# Neighbours that a ball about a real portrait reaches to.
_NEIGHBORS = 5

_DRAWS = 200


def ball_radii(real: np.ndarray, k: int = _NEIGHBORS) -> np.ndarray:
    """Returns how far each row's k-th neighbour is: float64 `[count]`.

    Of float rows `[count, size]`, more than `k` of them.
    """
    # The nearest row is the row itself.
    return np.partition(cdist(real, real), k, axis=1)[:, k]


def measure_coverage(
    spaces: Sequence[Described], pooled: Mapping[str, Sequence], seed: int
) -> Iterator[dict]:
    """Yields how much of the real test portraits candidates cover, how densely.

    Coverage is the share of balls about test portraits that hold a portrait of
    the candidate; density is how many of them hold one of its portraits, over
    k: about 1, like other real portraits, and more if it keeps to what is
    frequent (Naeem et al., Reliable fidelity and diversity metrics for
    generative models, arXiv:2002.09797, k = 5). More portraits cover more, so
    all candidates have as many as the fewest; reconstructions, whose number is
    another, are left out. Yields fields of records `coverage` and `density`, as
    `measure_distances` does; `pooled` ones are means over spaces, portrait by
    portrait.
    """
    names = [name for name in spaces[0].candidates if name != RECONSTRUCTIONS]
    size = min(len(spaces[0].candidates[name]) for name in names)
    radii = {space.name: ball_radii(space.reference) for space in spaces}
    for name in names:
        covered, counts = {}, {}
        for space in spaces:
            rows = space.candidates[name]
            rows = rows[np.linspace(0, len(rows) - 1, size).astype(int)]
            distances = cdist(space.reference, rows)
            inside = distances <= radii[space.name][:, None]
            covered[space.name] = inside.any(axis=1)
            counts[space.name] = inside.sum(axis=0) / _NEIGHBORS
        for title, members in pooled.items():
            for found in (covered, counts):
                found[title] = np.mean([found[one] for one in members], axis=0)
        for title in covered:
            fields = {"task": ALL, "group": ALL, "variant": f"{name} {title}"}
            hits = covered[title]
            ends = intervals.wilson_interval(round(hits.sum()), len(hits))
            yield figures.figure(
                "coverage", hits.mean(), len(hits), ends, **fields
            )
            means = resampled_means(counts[title][:, None], seed)[:, 0]
            yield figures.resampled(
                "density", counts[title].mean(), size, means, **fields
            )


def measure_cell_variety(
    cells: Mapping[str, Sequence[tuple]], space: str, seed: int
) -> Iterator[dict]:
    """Yields how far apart generated portraits of a cell are, by real ones.

    `cells` are name -> what each judge makes of its generated portraits and of
    the real ones, pairs of float `[count, size]`, four rows or more. Yields
    fields of records `cell_diversity`, the mean distance of two generated
    portraits over that of two real ones, mean over judges, with the cell as
    `class_name`: less than 1 where the same few portraits are drawn again and
    again. The `variant` is `"generated <space>"`, the name of all judges
    together. Then of `lowest_cell_diversity` and `mean_cell_diversity`.
    """
    fields = {"task": ALL, "group": ALL, "variant": f"{GENERATED} {space}"}
    found, counts = {}, {}
    for name, pairs in cells.items():
        ratios = []
        for made, real in pairs:
            ours, theirs = (_mean_distance(rows, seed) for rows in (made, real))
            # Not where a judge sees one and the same real portrait.
            if theirs.draws.min() > 0:
                value = ours.value / theirs.value
                ratios.append(Estimate(value, ours.draws / theirs.draws))
        if len(ratios) < len(pairs):
            continue
        found[name], counts[name] = pool(ratios), len(pairs[0][0])
        yield _diversity("cell_diversity", found, counts, name, fields)
    if not found:
        return
    lowest = min(found, key=lambda name: found[name].value)
    yield _diversity("lowest_cell_diversity", found, counts, lowest, fields)
    values = [estimate.value for estimate in found.values()]
    draws = np.mean([estimate.draws for estimate in found.values()], axis=0)
    yield figures.figure(
        "mean_cell_diversity",
        np.mean(values),
        sum(counts.values()),
        Estimate(0.0, draws).interval,
        **fields,
    )


def resampled_means(values: np.ndarray, seed: int, draws=1000) -> np.ndarray:
    """Draws rows `[count, size]` again, and returns means `[draws, size]`."""
    generator = np.random.default_rng(seed)
    parts = intervals.resample_rows(len(values), draws, generator)
    return np.concatenate([part @ values for part in parts]) / len(values)


def _diversity(metric, found, counts, name, fields):
    return figures.figure(
        metric,
        found[name].value,
        counts[name],
        found[name].interval,
        class_name=name,
        **fields,
    )


def _mean_distance(rows, seed):
    """Estimates the mean distance of two different rows."""
    apart = cdist(rows, rows)
    halves = draw_halves(len(rows), _DRAWS, seed)
    everyone = np.ones((1, len(rows)), bool)
    value = mean_of_pairs(apart, everyone, everyone, True)[0]
    return Estimate.from_halves(
        value, mean_of_pairs(apart, halves, halves, True)
    )
