"""Erasing a concept from features by an affine map, in closed form.

Among all affine maps after which no linear probe reads the concept, the map
with the least squared change of the features is
`A = I - C (C' S^-1 C)^-1 C' S^-1`, where `S` is the covariance of the features
and the columns of `C` are their covariances with the concept.

Source: Belrose et al., LEACE: Perfect linear concept erasure in closed form,
NeurIPS 2023, arXiv:2306.03819.
"""

import numpy as np

from tp_keras.debiasing.affine_map import AffineMap
from tp_keras.errors import UserError
from tp_keras.tasks import MISSING

# A correlation below it is rounding, and nothing to erase.
_NO_CORRELATION = 1e-9

# What fewer rows of a class say is noise, and to erase it costs a direction.
_LEAST_ROWS = 10

# Of the fixed-point iteration; some thirty rounds are common.
_MOST_ROUNDS = 100
_CONVERGED = 1e-9
_MEMORY = 8


def fit_leace(
    features, concept, classes=None, *, sample_weight=None, normalized=False
) -> AffineMap:
    """Fits the map after which features and concept don't covary.

    No linear probe that is trained on these rows does better than the
    commonest concept. A probe that isn't linear may, and a class that goes
    with the concept is erased in part along with it. Given classes, they don't
    covary inside any of these: what the class itself tells of the concept
    stays, and with it what tells the classes apart. With one direction for each
    class the features lose as many dimensions.

    Args:
        features: Float array `[N, d]`.
        concept: Array `[N]` of numbers such as 0 and 1, or `[N, c]`.
        classes: None, or integer array `[N]`; rows with `MISSING` are left out,
            and so are classes with fewer than ten rows besides those of the
            commonest concept.
        sample_weight: None, or float array `[N]`: what a row counts.
        normalized: Whether to count for a row the direction of what is left
            of it, not its length, as an embedding is compared that is brought
            to unit length afterwards. The map is found by iteration, exact
            unless rows are all but erased whole; then it is the best one met.

    Returns:
        `AffineMap`. Where there is nothing to erase it changes nothing.

    Raises:
        UserError: If numbers aren't finite, or no class has enough rows.

    Example:
        >>> erased = fit_leace(embedding, groups, classes)(embedding)
    """
    least = 1 if classes is None else _LEAST_ROWS
    if classes is None:
        classes = np.zeros(len(features), np.int64)
    features = np.asarray(features, np.float64)
    concept = np.asarray(concept, np.float64).reshape(len(features), -1)
    weight = np.ones(len(features)) if sample_weight is None else sample_weight
    weight, classes = np.asarray(weight, np.float64), np.asarray(classes)
    broken = sum((~np.isfinite(v)).sum() for v in (features, concept, weight))
    if broken:
        raise UserError(
            f"Expected finite numbers. Received: {broken} of features, concept "
            "and weights that are NaN or infinite"
        )
    known = (classes != MISSING) & (weight > 0)
    features, concept = features[known], concept[known]
    classes, weight = classes[known], weight[known]
    spares = {
        int(value): _count_spare(concept[classes == value])
        for value in np.unique(classes)
    }
    supported = [key for key, spare in spares.items() if spare >= least]
    if not supported:
        raise UserError(
            "There is nothing to erase. Expected a class with "
            f"{least} rows of each of two values or more. "
            f"Received: rows of the rarer values by class {spares}"
        )
    deviations = _deviations(concept, classes, supported, weight)
    fit = _fit_normalized if normalized else _fit
    return fit(features, deviations, weight)


def _count_spare(concept):
    _, counts = np.unique(concept, axis=0, return_counts=True)
    return int(counts.sum() - counts.max())


def _deviations(concept, classes, supported, weight):
    """Returns `[N, m]`, whose products with features are their covariances."""
    columns = []
    for value in supported:
        rows = classes == value
        mean = np.average(concept[rows], axis=0, weights=weight[rows])
        distance = np.where(rows[:, None], concept - mean, 0.0)
        # Scaled so that features of variance 1 give correlations.
        deviation = np.sqrt(np.average(distance**2, axis=0, weights=weight))
        scale = np.where(deviation > 0, deviation, 1.0) * weight.sum()
        columns.append(weight[:, None] * distance / scale)
    return np.concatenate(columns, axis=1)


def _fit(features, deviations, weight, pull=None):
    """Returns the map.

    It solves the least squares of `pull * (A x + b - x)` under
    `sum of deviations * pull * (A x + b) = 0`: the closed form with the mean at
    the origin and one more coordinate of value 1, which carries the offset.
    """
    pull = np.ones(len(features)) if pull is None else pull
    weight = weight * pull**2
    mean = np.average(features, axis=0, weights=weight)
    centered = features - mean
    covariance = (weight[:, None] * centered).T @ centered / weight.sum()
    root, inverse_root = _roots(covariance)

    pulled = deviations * pull[:, None]
    along = np.concatenate(
        [inverse_root @ (centered.T @ pulled), pulled.sum(0)[None]]
    )
    basis, sizes, _ = np.linalg.svd(along, full_matrices=False)
    basis = basis[:, sizes > _NO_CORRELATION]
    back = root @ basis[:-1] + np.outer(mean, basis[-1])
    matrix = np.eye(len(mean)) - back @ basis[:-1].T @ inverse_root
    offset = mean - back @ basis[-1] - matrix @ mean
    return AffineMap(matrix.T, offset)


def _fit_normalized(features, deviations, weight):
    """Returns the map of `_fit` for rows that are brought to unit length.

    Such a row counts by the inverse of its length behind the map. The fixed
    point of both is found by Anderson's mixing of the last rounds' logarithms.
    """
    lengths = np.zeros(len(features))
    given, found = [], []
    best, least = None, np.inf
    for _ in range(_MOST_ROUNDS):
        fitted = _fit(features, deviations, weight, np.exp(-lengths))
        erased = fitted(features)
        norms = np.linalg.norm(erased, axis=1)
        norms = np.maximum(norms, 1e-12 * norms.max())
        left = np.abs(deviations.T @ (erased / norms[:, None])).max()
        if left < least:
            best, least = fitted, left
        if left < _CONVERGED:
            break
        given = [*given, lengths][-_MEMORY:]
        found = [*found, np.log(norms) - np.log(norms).mean()][-_MEMORY:]
        lengths = found[-1]
        if len(found) > 1:
            moves = np.array(found) - np.array(given)
            mix, *_ = np.linalg.lstsq(
                np.diff(moves, axis=0).T, moves[-1], rcond=1e-10
            )
            lengths = lengths - mix @ np.diff(found, axis=0)
    return best


def _roots(covariance):
    """Returns the square root of a covariance and its pseudo-inverse."""
    size = len(covariance)
    values, vectors = np.linalg.eigh(covariance)
    # Directions without variance, as of a constant column, hold nothing.
    there = values > values[-1] * size * np.finfo(np.float64).eps
    roots = np.sqrt(np.where(there, values, 0.0))
    inverses = np.divide(1.0, roots, out=np.zeros(size), where=there)
    return (vectors * roots) @ vectors.T, (vectors * inverses) @ vectors.T
