"""Mean faces and colours of each class, and a map of the portraits."""

from collections.abc import Iterator

import numpy as np
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from tp_keras.audit.check import Measured
from tp_keras.audit.label_columns import LabelColumn
from tp_keras.audit.label_columns import label_columns
from tp_keras.audit.looks import Looks
from tp_keras.audit.portrait_set import PortraitSet
from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.figures import share
from tp_keras.records.record import ALL

CHANNELS = ("red", "green", "blue")
NUM_BINS = 32

# The most portraits of a class that are averaged, and that are on the map.
_MOST_AVERAGED = 300
_MOST_COUNTED = 2000
MAP_SIZE = 1000

# Fewer make no map.
_LEAST_ON_MAP = 8
_PERPLEXITY = 30

# Of whitened directions the last ones would count as much as the first.
_MAP_DIRECTIONS = 16
_Z = 1.96


def measure_pictures(
    *,
    portraits: PortraitSet,
    looks: Looks,
    embedding: np.ndarray,
    seed: int = 0,
) -> Measured:
    """Averages the portraits of each class, and lays a sample out on a map.

    Records of each label: `class_color`, mean red, green and blue of each
    class, 0 to 255; `nearest_same_class`, the share of the portraits of the
    map whose nearest neighbour in the embedding is of their class, by chance
    `null`.

    Args:
        portraits: What is audited.
        looks: What `measure_looks` has made of it.
        embedding: Float32 `[count, directions]`, as `embed` makes it.
        seed: Of the portraits drawn and of the map.

    Returns:
        The records, and as drawn `mean_faces_<place>`, uint8 `[classes, 1 +
        groups, height, width, 3]`, with `mean_counts_<place>` of how many
        portraits each is the mean of; `colors_<place>`, shares `[classes, 3,
        NUM_BINS]`; place is that of the label among the label columns.
        `map_rows` `[points]` and where they lie by two methods, `map_pca` and
        `map_tsne`, `[points, 2]` from 0 to 1.
    """
    generator = np.random.default_rng([seed, 3])
    columns = label_columns(portraits.schema, portraits.labels)
    records, drawn = [], {}
    for place, column in enumerate(columns):
        faces, counts = _mean_faces(portraits, column, generator)
        drawn[f"mean_faces_{place}"] = faces
        drawn[f"mean_counts_{place}"] = counts
        histograms, own = _colors(looks.thumbnails, column, generator)
        drawn[f"colors_{place}"] = histograms
        records += own
    count = min(MAP_SIZE, len(portraits))
    rows = np.sort(generator.choice(len(portraits), count, replace=False))
    if count >= _LEAST_ON_MAP:
        drawn |= {
            "map_rows": rows,
            **_lay_out(embedding[rows, :_MAP_DIRECTIONS], seed),
        }
        records += _neighbors(embedding[rows], columns, rows)
    return Measured(records, drawn=drawn)


def _mean_faces(portraits, column, generator):
    """Returns the mean face of each class, of all and of each group."""
    num_groups = len(portraits.schema.groups)
    if column.task.name == portraits.schema.protected:
        num_groups = 0
    shape = len(column.classes), 1 + num_groups
    faces = np.zeros((*shape, *portraits.schema.image_shape), np.uint8)
    counts = np.zeros(shape, np.int64)
    for label, group in np.ndindex(*shape):
        own = column.values == label
        if group:
            own = own & (portraits.groups == group - 1)
        rows = generator.permutation(np.flatnonzero(own))[:_MOST_AVERAGED]
        counts[label, group] = len(rows)
        if len(rows):
            mean = portraits.images(rows).mean(0, dtype=np.float32)
            faces[label, group] = np.rint(mean)
    return faces, counts


def _colors(thumbnails, column: LabelColumn, generator):
    """Returns the histograms of colours of each class, and records of means."""
    shares = np.zeros((len(column.classes), 3, NUM_BINS), np.float32)
    records = []
    for label, name in enumerate(column.classes):
        rows = generator.permutation(np.flatnonzero(column.values == label))
        pixels = thumbnails[np.sort(rows[:_MOST_COUNTED])]
        height, width = thumbnails.shape[1:3]
        pixels = pixels.reshape(len(pixels), height * width, 3)
        for channel, color in enumerate(CHANNELS):
            own = pixels[..., channel]
            fields = {"task": column.name, "group": ALL, "class_name": name}
            fields["variant"] = color
            if not len(own):
                records.append(figure("class_color", None, 0, **fields))
                continue
            bins = np.bincount(
                own.ravel() // (256 // NUM_BINS), minlength=NUM_BINS
            )
            shares[label, channel] = bins / own.size
            means = own.mean(1)
            interval = None, None
            if len(means) > 1:
                radius = _Z * means.std(ddof=1) / np.sqrt(len(means))
                middle = float(means.mean())
                interval = middle - float(radius), middle + float(radius)
            records.append(
                figure(
                    "class_color", means.mean(), len(own), interval, **fields
                )
            )
    return shares, records


def _lay_out(points, seed) -> dict[str, np.ndarray]:
    """Returns the first two components, and where t-SNE puts the points."""
    # A point of one direction lies on a line.
    pca = np.pad(points[:, :2], ((0, 0), (0, max(2 - points.shape[1], 0))))
    tsne = pca
    if np.ptp(points, axis=0).any():
        perplexity = min(_PERPLEXITY, (len(points) - 1) / 3)
        model = TSNE(
            perplexity=perplexity,
            init="pca" if points.shape[1] > 1 else "random",
            max_iter=500,
            random_state=seed,
        )
        # Threads that share a core would wait for each other at every step.
        with threadpool_limits(1):
            tsne = model.fit_transform(points)
    return {"map_pca": _from_0_to_1(pca), "map_tsne": _from_0_to_1(tsne)}


def _from_0_to_1(points):
    # Without what lies far off, or all else would be one heap.
    low, high = np.quantile(points, [0.005, 0.995], axis=0)
    return np.clip((points - low) / np.maximum(high - low, 1e-9), 0, 1)


def _neighbors(points, columns, rows) -> Iterator[dict]:
    for column in columns:
        labels = column.values[rows]
        known = labels >= 0
        fields = {"task": column.name, "group": ALL}
        if known.sum() < _LEAST_ON_MAP:
            yield figure("nearest_same_class", None, known.sum(), **fields)
            continue
        own, labels = points[known], labels[known]
        nearest = NearestNeighbors(n_neighbors=1).fit(own)
        # Without a query, a point is no neighbour of its own.
        same = labels[nearest.kneighbors(return_distance=False)[:, 0]] == labels
        shares = np.bincount(labels) / len(labels)
        chance = float(np.square(shares).sum())
        fields["null"] = chance
        yield share("nearest_same_class", same.sum(), len(labels), **fields)
