"""Fitting the last layer anew, on rows where groups don't tell of the class.

It is mostly the last layer of a network that leans on a spurious feature. So it
alone is fitted anew, on rows the network has not learned by heart.

Source: Kirichenko et al., Last layer re-training is sufficient for robustness
to spurious correlations, 2022, arXiv:2204.02937.
"""

import numpy as np

from tp_keras.debiasing.affine_map import AffineMap
from tp_keras.errors import UserError
from tp_keras.tasks import MISSING

# scikit-learn's C, the inverse of the penalty, from strong to weak.
STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)

# Logit of a class that no row shows: it is never predicted.
_NEVER = -30.0

# Rows of a group that is drawn; smaller ones are left.
_LEAST_ROWS = 5

_RESAMPLES = 10
_FOLDS = 3
_MOST_ITERATIONS = 2000


def refit_last_layer(
    features,
    labels,
    protected,
    num_classes,
    *,
    balanced=True,
    strengths=STRENGTHS,
    seed=0,
) -> AffineMap:
    """Fits a multinomial logistic regression as a layer to logits `[N, K]`.

    The penalty is L2 on standardised features, its strength the one with the
    best score on rows left out of the fit, three parts of the rows taking
    turns; among equals the strongest.

    Args:
        features: Float array `[N, d]`.
        labels: Integer array `[N]`, `MISSING` where there is none.
        protected: Integer array `[N]`, likewise.
        num_classes: The number of classes K.
        balanced: Whether all groups of class and group count the same: each
            resample draws as many rows of every group as the smallest has,
            and the layers of all are averaged. Else all labelled rows count
            as they are, whatever their group.
        strengths: Floats, the inverses of the penalty to choose from.
        seed: Seed of resamples and parts.

    Raises:
        UserError: If no row has a label, only one class has enough rows, or
            features aren't finite.

    Example:
        >>> layer = refit_last_layer(embedding, colors, protected, 5)
        >>> dense.set_weights([layer.kernel, layer.bias])
    """
    features = np.asarray(features, np.float64)
    labels, protected = np.asarray(labels), np.asarray(protected)
    if not np.isfinite(features).all():
        raise UserError(
            "Expected finite features. Received: "
            f"{(~np.isfinite(features)).sum()} that are NaN or infinite"
        )
    num_groups = int(protected.max(initial=0)) + 1

    rows = labels != MISSING
    groups = labels * num_groups + protected
    if balanced:
        rows &= protected != MISSING
        present, counts = np.unique(groups[rows], return_counts=True)
        rows &= ~np.isin(groups, present[counts < _LEAST_ROWS])
    _check_classes(labels, protected, rows, _LEAST_ROWS if balanced else 1)
    features, labels, groups = features[rows], labels[rows], groups[rows]
    fitting = _Fitting(features, labels, num_classes)
    generator = np.random.default_rng(seed)

    def draws(rows, count):
        if not balanced:
            return [rows]
        return [_draw_level(rows, groups, generator) for _ in range(count)]

    parts = _parts(groups, generator)
    scores = {}
    for strength in sorted(strengths):
        predicted = np.empty(len(labels), np.int64)
        for part in np.unique(parts):
            inside = np.flatnonzero(parts != part)
            # Fewer draws than in the end: they choose only the strength.
            kernel, bias = fitting.average(draws(inside, 3), strength)
            held_out = features[parts == part]
            predicted[parts == part] = (held_out @ kernel + bias).argmax(1)
        correct = predicted == labels
        scores[strength] = (
            min(correct[groups == group].mean() for group in np.unique(groups))
            if balanced
            else correct.mean()
        )
    strength = max(scores, key=scores.get)
    everything = np.arange(len(labels))
    final = draws(everything, _RESAMPLES)
    return AffineMap(*fitting.average(final, strength))


def count_level_rows(labels, protected) -> int:
    """Returns how many rows a resample of `refit_last_layer` has."""
    known = (labels != MISSING) & (protected != MISSING)
    num_groups = int(protected.max(initial=0)) + 1
    groups = labels[known] * num_groups + protected[known]
    _, counts = np.unique(groups, return_counts=True)
    counts = counts[counts >= _LEAST_ROWS]
    return int(len(counts) * counts.min()) if len(counts) else 0


class _Fitting:
    """Fits layers on rows of one set of features."""

    def __init__(self, features, labels, num_classes):
        self.labels = labels
        self.num_classes = num_classes
        self.mean = features.mean(axis=0)
        scale = features.std(axis=0)
        # A constant column stays one, and so gets no weight.
        self.scale = np.where(scale > 1e-12 * np.abs(scale).max(), scale, 1.0)
        self.standardised = (features - self.mean) / self.scale

    def average(self, draws, strength):
        """Returns the mean of the layers of several draws of rows."""
        layers = [self._fit(rows, strength) for rows in draws]
        kernels, biases = zip(*layers, strict=True)
        return np.mean(kernels, axis=0), np.mean(biases, axis=0)

    def _fit(self, rows, strength):
        # Imported here: the package needs it for nothing else.
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=strength, max_iter=_MOST_ITERATIONS).fit(
            self.standardised[rows], self.labels[rows]
        )
        slopes, intercepts = model.coef_, model.intercept_
        if len(model.classes_) == 2:
            # One logit for two classes: half of it for, half against.
            slopes = np.concatenate([-slopes, slopes]) / 2
            intercepts = np.concatenate([-intercepts, intercepts]) / 2
        kernel = np.zeros((len(self.mean), self.num_classes))
        bias = np.full(self.num_classes, _NEVER)
        kernel[:, model.classes_] = slopes.T / self.scale[:, None]
        bias[model.classes_] = intercepts - (self.mean / self.scale) @ slopes.T
        return kernel, bias


def _check_classes(labels, protected, rows, least):
    classes = np.unique(labels[rows])
    if len(classes) < 2:
        raise UserError(
            "A last layer can't be fitted. Expected two classes or more with "
            f"{least} labelled rows of one group. Received: {len(classes)} "
            f"such classes; {(labels != MISSING).sum()} of {len(labels)} rows "
            f"have a label, {(protected != MISSING).sum()} a group"
        )


def _draw_level(rows, groups, generator):
    """Returns as many of `rows` of each group as the smallest has."""
    members = [rows[groups[rows] == group] for group in np.unique(groups[rows])]
    size = min(len(member) for member in members)
    return np.concatenate(
        [generator.choice(member, size, replace=False) for member in members]
    )


def _parts(groups, generator):
    """Returns the part of each row, every group spread over all parts."""
    parts = np.empty(len(groups), np.int64)
    for group in np.unique(groups):
        rows = generator.permutation(np.flatnonzero(groups == group))
        parts[rows] = np.arange(len(rows)) % _FOLDS
    return parts
