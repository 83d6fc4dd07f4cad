"""What each label would be, foretold by portraits of other folds."""

from collections.abc import Sequence

import numpy as np
import scipy.linalg
from sklearn.linear_model import LogisticRegression

from tp_keras.audit.looks import Looks
from tp_keras.audit.patch_features import patch_features
from tp_keras.audit.questions import Question

NUM_FOLDS = 5

# How often all is done with other folds and other features.
NUM_REPEATS = 2

# Added to the variance of each feature, which is 1.
_PENALTY = 0.03

# Rows that scores are made probabilities by, which is a few numbers.
_CALIBRATION_SIZE = 20_000


def foretell(
    looks: Looks,
    questions: Sequence[Question],
    clusters: np.ndarray | None = None,
    seed: int = 0,
    repeats: int = NUM_REPEATS,
    title: str | None = None,
) -> list[np.ndarray]:
    """Foretells the answer of each row from rows of other folds.

    By ridge regression on `patch_features`, whose covariance is that of all
    rows, labelled or not: it is the same for all questions, so that a further
    one costs little. A logistic regression makes the scores probabilities.

    Args:
        looks: What portraits look like.
        questions: What is foretold.
        clusters: int `[count]`: rows of one number are near duplicates and
            share a fold; negative ones, or all if None, stand alone.
        seed: Of folds and features.
        repeats: How often all is done, each time with other ones.
        title: Of the progress bars; None shows none.

    Returns:
        For each question float32 `[repeats, count, classes]`, probabilities of
        its `supported` classes; of a number `[repeats, count]`. Where nothing
        can be foretold all are NaN.
    """
    if not questions:
        return []
    count = len(looks.thumbnails)
    clusters = np.full(count, -1) if clusters is None else clusters
    found = [[] for _ in questions]
    for repeat in range(repeats):
        own_seed = [seed, repeat]
        bar = title and f"{title} {repeat + 1}/{repeats}"
        features = patch_features(
            looks.thumbnails, own_seed, repeat % 2 == 0, bar
        )
        folds = draw_folds(clusters, own_seed)
        scores = cross_fit(features, questions, folds)
        del features
        for answers, question, own in zip(
            found, questions, scores, strict=True
        ):
            answers.append(_calibrated(question, own, own_seed))
    return [np.stack(answers) for answers in found]


def draw_folds(clusters: np.ndarray, seed) -> np.ndarray:
    """Returns the fold of each row, int `[count]`; one for each cluster.

    Rows of a negative cluster stand alone.
    """
    alone = -1 - np.arange(len(clusters))
    clusters = np.where(clusters < 0, alone, clusters)
    known, cluster = np.unique(clusters, return_inverse=True)
    return (
        np.random.default_rng(seed).permutation(len(known))[cluster] % NUM_FOLDS
    )


def cross_fit(
    features: np.ndarray, questions: Sequence[Question], folds: np.ndarray
) -> list[np.ndarray]:
    """Returns the scores of ridge regressions that did not see a row's fold.

    Args:
        features: Float32 `[count, features]`, of mean 0 and variance 1.
        questions: What is foretold.
        folds: The fold of each row, int `[count]`.

    Returns:
        For each question float32 `[count, classes]`, of a number `[count, 1]`.
    """
    targets = [_targets(question) for question in questions]
    columns = np.concatenate(targets, axis=1)
    usable = [
        np.repeat(question.usable[:, None], target.shape[1], 1)
        for question, target in zip(questions, targets, strict=True)
    ]
    usable = np.concatenate(usable, axis=1)
    parts = [np.flatnonzero(folds == fold) for fold in range(NUM_FOLDS)]
    size = features.shape[1]
    squares = np.empty((NUM_FOLDS, size, size), np.float32)
    products = np.empty((NUM_FOLDS, size, columns.shape[1]), np.float32)
    known = np.array([usable[part].sum(0) for part in parts])
    for fold, part in enumerate(parts):
        rows = features[part]
        squares[fold] = rows.T @ rows
        products[fold] = rows.T @ columns[part]
    scores = np.zeros(columns.shape, np.float32)
    for fold, part in enumerate(parts):
        others = np.arange(NUM_FOLDS) != fold
        matrix = squares[others].sum(0) / max(len(folds) - len(part), 1)
        matrix[np.diag_indices(size)] += _PENALTY
        product = products[others].sum(0)
        product /= np.maximum(known[others].sum(0), 1)
        weights = scipy.linalg.solve(matrix, product, assume_a="pos")
        scores[part] = features[part] @ weights
    ends = np.cumsum([target.shape[1] for target in targets])
    return np.split(scores, ends[:-1], axis=1)


def _targets(question):
    """Returns what a regression shall come to, 0 on the mean and if unknown."""
    usable = question.usable
    if question.is_number:
        target = np.where(usable, question.labels, 0)[:, None]
    else:
        target = question.labels[:, None] == question.supported
    target = target.astype(np.float32)
    if usable.any():
        target -= target[usable].mean(0)
    return target * usable[:, None]


def _calibrated(question, scores, seed):
    """Returns scores as probabilities, or in the unit of the number."""
    rows = np.flatnonzero(question.usable)
    if not len(rows):
        shape = scores[:, 0].shape if question.is_number else scores.shape
        return np.full(shape, np.nan, np.float32)
    rows = np.random.default_rng(seed).permutation(rows)[:_CALIBRATION_SIZE]
    labels = question.labels[rows]
    if question.is_number:
        if np.ptp(scores[rows]) == 0:
            return np.full(len(scores), labels.mean(), np.float32)
        slope, offset = np.polyfit(scores[rows, 0], labels, 1)
        return (scores[:, 0] * slope + offset).astype(np.float32)
    scale = np.maximum(scores[rows].std(0), 1e-6)
    model = LogisticRegression(C=10, max_iter=500)
    model.fit(scores[rows] / scale, labels)
    probabilities = np.zeros(scores.shape, np.float32)
    places = np.searchsorted(question.supported, model.classes_)
    probabilities[:, places] = model.predict_proba(scores / scale)
    return probabilities
