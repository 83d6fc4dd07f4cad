"""Are generated portraits copies of training portraits?

The distances of generated portraits to the nearest training portrait are held
against those of real test portraits. Such figures find plain copies; that they
find nothing is no proof that nothing was learned by heart.
"""

import dataclasses
from collections.abc import Iterator

import numpy as np
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.neighbors import NearestNeighbors

from tp_keras.evaluation import figures
from tp_keras.records import intervals
from tp_keras.records.record import ALL

# The middle of a portrait, free of background: height and width.
_CROP = 40
_QUANTILES = (0.01, 0.05)
_LEAST_IN_CELL = 10


@dataclasses.dataclass(frozen=True)
class Nearest:
    """The nearest training portrait of each query.

    Attributes:
        distances: Float array [N].
        rows: Integer array [N]: which training portrait it is.
    """

    distances: np.ndarray
    rows: np.ndarray


def central_crop(images) -> np.ndarray:
    """Returns the pixels of the central 40 x 40, float32 [N, 4800], 0 to 1."""
    images = np.asarray(images)
    top, left = ((size - _CROP) // 2 for size in images.shape[1:3])
    middle = images[:, top : top + _CROP, left : left + _CROP]
    return middle.reshape(len(images), -1).astype(np.float32) / 255


def nearest(training: np.ndarray, queries: np.ndarray | None) -> Nearest:
    """Finds the nearest training row by Euclidean distance.

    Args:
        training: Float array [M, d].
        queries: Float array [N, d], or None for the training rows themselves,
            each of which then is not its own neighbour.
    """
    index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(training)
    distances, rows = index.kneighbors(queries)
    return Nearest(distances[:, 0], rows[:, 0])


def measure_memorization(
    training: np.ndarray,
    test: np.ndarray,
    generated: np.ndarray,
    unseen: np.ndarray | None,
    space: str,
    seed: int,
    candidate: str = "generated",
) -> Iterator[dict]:
    """Yields how much nearer to the training the generated are than the test.

    Args:
        training: Float array [M, d]: the generator's training portraits, as
            features or pixels.
        test: Float array [N, d]: real portraits it has not seen.
        generated: Float array [K, d].
        unseen: Float array [L, d] of as many other real portraits as
            there are training portraits, or None.
        space: Name of what the rows are, such as `"pixels"`.
        seed: Where chance starts.
        candidate: Whose portraits `generated` are.

    Yields:
        Fields of records. The `variant` is `"<candidate> <space>"`, of figures
        of the test portraits `"real <space>"`:
        `nearest_ratio`, the median distance as a ratio to that of test;
        `nearer_than_1_percent` and `..._5_percent`, the share that is nearer
        than those quantiles of test: .01 and .05 without copying;
        `authentic`, the share farther from its nearest training portrait than
        that is from the next one (AuthPct);
        `copying_score`, C_T: below -3 copying, above 3 underfitting;
        `nearer_test`, the p-value of the one-sided Mann-Whitney test that the
        generated are not nearer than test;
        `nearer_to_training`, the share nearer to the training portraits than
        to as many unseen ones: .5 without copying. This one isn't misled by
        smooth portraits, which are near to everything.

    Source:
        Meehan, Chaudhuri and Dasgupta, A non-parametric test to detect
        data-copying in generative models, 2020 (C_T); Alaa et al., How
        faithful is your synthetic data?, 2022 (authenticity).
    """
    of_test, found = nearest(training, test), nearest(training, generated)
    fields = {"task": ALL, "group": ALL, "variant": f"{candidate} {space}"}
    count = len(generated)
    yield figures.figure(
        "nearest_ratio",
        _divide(np.median(found.distances), np.median(of_test.distances)),
        count,
        **fields,
    )
    for quantile in _QUANTILES:
        limit = np.quantile(of_test.distances, quantile)
        yield figures.share(
            f"nearer_than_{round(100 * quantile)}_percent",
            (found.distances < limit).sum(),
            count,
            **fields,
        )
    yield figures.figure(
        "copying_score",
        copying_score(training, test, generated, seed),
        count,
        **fields,
    )
    yield figures.figure(
        "nearer_test",
        stats.mannwhitneyu(
            found.distances, of_test.distances, alternative="less"
        ).pvalue,
        count,
        **fields,
    )
    next_ones = nearest(training, None).distances
    for name, near, queries in (
        (candidate, found, generated),
        ("real", of_test, test),
    ):
        fields["variant"] = f"{name} {space}"
        yield figures.share(
            "authentic",
            (near.distances > next_ones[near.rows]).sum(),
            len(queries),
            **fields,
        )
        if unseen is not None and len(unseen):
            yield _nearer_to_training(training, unseen, queries, fields)


def _nearer_to_training(training, unseen, queries, fields):
    """Makes the fields of the share nearer to training than to unseen rows.

    Many queries may have the same neighbour, and then tell no more than one:
    the interval is Wilson's for as many as there effectively are (Kish, 1965).
    """
    size = min(len(training), len(unseen))
    seen = nearest(training[:size], queries)
    other = nearest(unseen[:size], queries)
    hits = seen.distances < other.distances
    # A neighbour is the same one for all who have it, so are their hits.
    neighbors = np.where(hits, seen.rows, size + other.rows)
    shared = np.bincount(neighbors)
    effective = max(round(shared.sum() ** 2 / (shared**2).sum()), 1)
    share = hits.mean()
    low, high = intervals.wilson_interval(round(share * effective), effective)
    return figures.figure(
        "nearer_to_training",
        share,
        len(queries),
        (float(min(low, share)), float(max(high, share))),
        **fields,
    )


def copying_score(
    training: np.ndarray,
    test: np.ndarray,
    generated: np.ndarray,
    seed: int,
    cells: int = 5,
) -> float | None:
    """Returns C_T of Meehan et al. (2020).

    In each cell of the training rows (k-means) the distances to the training
    are compared by a Mann-Whitney test; its standardised statistics are
    averaged with the test rows of the cells as weights.

    Returns:
        Below -3: the generated are nearer to the training than test is, so
        copies; above 3: farther away. None if no cell has enough rows.
    """
    cells = max(1, min(cells, len(training) // _LEAST_IN_CELL))
    clusters = KMeans(cells, n_init=1, random_state=seed).fit(training)
    of_test = clusters.predict(test)
    of_generated = clusters.predict(generated)
    # Distances to all training rows, not to those of the cell alone: a
    # neighbour beyond the border is a neighbour.
    test_distances = nearest(training, test).distances
    distances = nearest(training, generated).distances
    scores, weights = [], []
    for cell in range(cells):
        ours = distances[of_generated == cell]
        theirs = test_distances[of_test == cell]
        if min(len(ours), len(theirs)) < _LEAST_IN_CELL:
            continue
        product = len(ours) * len(theirs)
        statistic = stats.mannwhitneyu(ours, theirs).statistic
        deviation = np.sqrt(product * (len(ours) + len(theirs) + 1) / 12)
        scores.append((statistic - product / 2) / deviation)
        weights.append(len(theirs))
    return float(np.average(scores, weights=weights)) if scores else None


def _divide(value, base):
    return float(value / base) if base > 0 else None
