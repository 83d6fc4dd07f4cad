"""Are generated portraits copies of training portraits?

Their distances to the nearest training portrait are held against those of real
test portraits. That finds plain copies; that it finds nothing is no proof that
nothing was learned by heart. Portraits are rows of floats, features or pixels;
`space` is the name of what they are.
"""

from collections.abc import Iterator

import numpy as np
from sklearn.neighbors import NearestNeighbors

from tp_keras.evaluation import figures
from tp_keras.generator.evaluation.candidates import GENERATED
from tp_keras.generator.evaluation.candidates import REAL
from tp_keras.records import intervals
from tp_keras.records.record import ALL

# The middle of a portrait, free of background: its share of the shorter side.
_CROP = 10 / 21


def central_crop(images) -> np.ndarray:
    """Returns the pixels of a square in the middle, float32 [N, d], 0 to 1."""
    images = np.asarray(images)
    side = round(_CROP * min(images.shape[1:3]))
    top, left = ((size - side) // 2 for size in images.shape[1:3])
    middle = images[:, top : top + side, left : left + side]
    return middle.reshape(len(images), -1).astype(np.float32) / 255


def nearest(
    training: np.ndarray, queries: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Returns distance and number of the nearest row of each query."""
    index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(training)
    distances, rows = index.kneighbors(queries)
    return distances[:, 0], rows[:, 0]


def measure_nearness(
    training: np.ndarray, test: np.ndarray, generated: np.ndarray, space: str
) -> dict:
    """Returns the share of generated rows nearer to training than 99 % of test.

    The fields of a record `nearer_than_1_percent`: .01 without copying. Smooth
    portraits are near to everything, and mislead it.
    """
    limit = np.quantile(nearest(training, test)[0], 0.01)
    near = nearest(training, generated)[0] < limit
    fields = {"task": ALL, "group": ALL, "variant": f"{GENERATED} {space}"}
    metric = "nearer_than_1_percent"
    return figures.share(metric, near.sum(), len(generated), **fields)


def measure_preference(
    training: np.ndarray,
    unseen: np.ndarray,
    test: np.ndarray,
    generated: np.ndarray,
    space: str,
) -> Iterator[dict]:
    """Yields the shares of rows nearer to training than to unseen portraits.

    .5 without copying, for generated and for test portraits, smooth ones too:
    the fields of two records `nearer_to_training`. As many of the more
    numerous are used as there are of the others. Many rows may have the same
    neighbour, and then tell no more than one: the interval is Wilson's for as
    many as there effectively are (Kish, 1965).
    """
    size = min(len(training), len(unseen))
    for name, queries in ((GENERATED, generated), (REAL, test)):
        distances, rows = nearest(training[:size], queries)
        others, other_rows = nearest(unseen[:size], queries)
        hits = distances < others
        # A neighbour is the same one for all who have it, so are their hits.
        neighbors = np.where(hits, rows, size + other_rows)
        shared = np.bincount(neighbors)
        effective = max(round(shared.sum() ** 2 / (shared**2).sum()), 1)
        share = hits.mean()
        low, high = intervals.wilson_interval(
            round(share * effective), effective
        )
        yield figures.figure(
            "nearer_to_training",
            share,
            len(queries),
            (float(min(low, share)), float(max(high, share))),
            task=ALL,
            group=ALL,
            variant=f"{name} {space}",
        )
