"""What changes when a portrait shows the cues of the other gender."""

from collections.abc import Iterator

import numpy as np

from tp_keras import tasks
from tp_keras.errors import UserError
from tp_keras.evaluation import neighbors
from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.figures import share
from tp_keras.fairness.resampled_sums import finite_interval
from tp_keras.fairness.resampled_sums import resample_sums
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records.record import ALL


def measure_counterfactuals(
    task: tasks.Task,
    labels,
    predictions,
    twin_predictions,
    embedding,
    twin_embedding,
    settings: FairnessSettings,
    seed: int,
    genders=None,
) -> Iterator[dict]:
    """Compares portraits with their twins: same hair, other gender's cues.

    Over all pairs and, with `genders`, over those of each gender of the
    original:

    * `counterfactual_flips`: the share of pairs whose predictions differ, with
      Wilson's interval. It needs no label. 0 is wanted.
    * `counterfactual_distance`: the mean cosine distance, 1 minus the cosine,
      of an original and its twin; `class_distance`: that of an original and
      the other originals of its class, the mean over all of them rather than
      one drawn by chance. Both over the originals with a label that another
      original shares.
    * `counterfactual_distance_ratio`: the first divided by the second. 0 if
      the twins lie in the same place, 1 if gender's cues move a portrait as
      far as another person of the same hair is away.

    The intervals of distances and ratio are bootstraps over the pairs, in
    which each counts for its own distances and as one of its class.

    Args:
        task: The task of labels and predictions.
        labels: Integer array [N], -1 where missing.
        predictions: Integer array [N]: the classes of the originals.
        twin_predictions: Integer array [N]: those of their twins.
        embedding: Float array [N, d].
        twin_embedding: Float array [N, d].
        settings: How often to resample.
        seed: Seed of the resampling.
        genders: Integer array [N], the genders of the originals, -1 where
            missing; None: all pairs together only.

    Yields:
        Fields of records. A value is None where no pair counts for it, and the
        ratio where all portraits of a class lie in the same place.

    Raises:
        UserError: If the arrays don't fit each other, or an embedding holds
            what is no finite number.

    Example:
        >>> figures = measure_counterfactuals(
        ...     tasks.HAIR_COLOR, labels, [0, 1], [0, 2], z, twin_z, settings, 0
        ... )
        >>> next(figures)["value"]
        0.5
    """
    labels, predictions, twin_predictions = (
        np.asarray(array) for array in (labels, predictions, twin_predictions)
    )
    vectors = neighbors.unit_rows(embedding)
    twins = neighbors.unit_rows(twin_embedding)
    arrays = [labels, predictions, twin_predictions, vectors, twins]
    if genders is not None:
        arrays.append(np.asarray(genders))
    sizes = [len(array) for array in arrays]
    if len(set(sizes)) > 1 or vectors.shape != twins.shape:
        raise UserError(
            "Labels, predictions, embeddings and genders of originals and "
            f"twins must have as many rows. Received: {sizes} rows, "
            f"embeddings of shape {vectors.shape} and {twins.shape}"
        )
    generator = np.random.default_rng([seed, tasks.TASK_NAMES.index(task.name)])
    flips = predictions != twin_predictions
    distances = _distances(vectors, twins)
    groups = {ALL: np.ones(len(labels), bool)}
    if genders is not None:
        for index, name in enumerate(tasks.GENDER.classes):
            groups[name] = arrays[-1] == index
    for group, rows in groups.items():
        yield share(
            "counterfactual_flips", flips[rows].sum(), rows.sum(), group=group
        )
        to_class, as_others = _class_distances(
            vectors, labels, rows, task.num_classes
        )
        known = ~np.isnan(to_class)
        table = np.stack(
            [
                np.where(known, distances, 0.0),
                np.where(known, to_class, 0.0),
                known,
            ],
            axis=1,
        )
        yield from _distance_figures(
            table, as_others, group, settings.num_bootstraps, generator
        )


def _distance_figures(table, as_others, group, num_bootstraps, generator):
    """Yields the figures of one group.

    Args:
        table: Float array [N, 3]: a row's distance to its twin and to its
            class, and 1 if it counts, else zeros.
        as_others: Float array [N], what each row adds as one of its class.
        group: Name of the group.
        num_bootstraps: How often to resample.
        generator: Source of chance.
    """
    names = ("counterfactual_distance", "class_distance")
    ratio = "counterfactual_distance_ratio"
    sums = table.sum(axis=0)
    count = int(sums[2])
    if not count:
        for name in (*names, ratio):
            yield figure(name, None, 0, group=group)
        return
    means = sums[:2] / count
    table = table.copy()
    table[:, 1] += as_others
    # Rows that have a part in nothing need not be drawn.
    table = table[table.any(axis=1)]
    samples = resample_sums(table, num_bootstraps, generator)
    with np.errstate(divide="ignore", invalid="ignore"):
        drawn = samples[:, :2] / samples[:, 2:]
        drawn_ratio = samples[:, 0] / samples[:, 1]
    for index, name in enumerate(names):
        yield figure(
            name,
            means[index],
            count,
            finite_interval(drawn[:, index]),
            group=group,
        )
    yield figure(
        ratio,
        means[0] / means[1] if means[1] > 0 else None,
        count,
        finite_interval(drawn_ratio),
        group=group,
    )


def _distances(vectors, others) -> np.ndarray:
    """Returns 1 - cosine of each pair of unit rows, float64 [N]."""
    # The same as half the squared distance, which is 0 for equal rows.
    differences = vectors.astype(np.float64) - others
    return np.square(differences).sum(axis=1) / 2


def _class_distances(vectors, labels, rows, num_classes):
    """Measures the distances of some rows to the others of their class.

    A distance is linear in the other row, so their sum does for all of them.

    Args:
        vectors: Float32 array [N, d] of unit rows.
        labels: Integer array [N], -1 where missing.
        rows: Bool array [N]: those to measure, against all of their class.
        num_classes: The number of labels.

    Returns:
        Float64 array [N] of mean distances, NaN for rows that are not to be
        measured or are without a label or another of their class; and float64
        array [N] of what each row adds to the sum of these, beyond their mean,
        as one of the others.
    """
    distances = np.full(len(labels), np.nan)
    as_others = np.zeros(len(labels))
    for label in range(num_classes):
        members = np.flatnonzero(labels == label)
        own = rows[members]
        if len(members) < 2 or not own.any():
            continue
        points = vectors[members].astype(np.float64)
        # Centred, so that a class in one place has a distance of 0.
        points -= points.mean(axis=0)
        means = _summed_distances(points, points) / (len(members) - 1)
        distances[members[own]] = means[own]
        # From each member to those measured, without itself.
        found = _summed_distances(points, points[own])
        expected = means[own].sum() - np.where(own, means, 0.0)
        as_others[members] = (found - expected) / (len(members) - 1)
    return distances, as_others


def _summed_distances(points, others) -> np.ndarray:
    """Returns the sum of half the squared distances of each point to others."""
    squares = [np.square(part).sum(axis=1) for part in (points, others)]
    sums = len(others) * squares[0] + squares[1].sum()
    return np.maximum(sums / 2 - points @ others.sum(axis=0), 0.0)
