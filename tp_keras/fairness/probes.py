"""How much of gender can be read from features, by probes on held-out rows."""

import numpy as np
import threadpoolctl
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from tp_keras import tasks
from tp_keras.errors import UserError
from tp_keras.fairness import probe_models
from tp_keras.fairness.probe_result import ProbeResult
from tp_keras.fairness.settings import FairnessSettings

_NUM_GENDERS = tasks.GENDER.num_classes

# Parts of the rows to learn from, when a regularisation is chosen.
_INNER_FOLDS = 2


def probe_gender(
    features,
    genders,
    classes=None,
    *,
    kind: str,
    settings: FairnessSettings,
    seed: int,
    train_only=None,
) -> ProbeResult:
    """Trains probes for gender and counts what they get right.

    With `q` the mean over the genders of the share that is right, the best
    probe there is has `q = (1 + TV(P(Z | female), P(Z | male))) / 2` for the
    features Z. A trained one tells less: `q` is a lower bound of what the
    features give away.

    *Unconditional*, without `classes`: both genders weigh the same in training
    and in `q`. Features that tell no more than the class are read as far as
    the class tells gender.

    *Conditional*, with `classes`: the probe reads the features and the class,
    and each cell of class and gender weighs the same in training and in the
    mean `q` of the shares, so that the class alone leads to 1/2: nothing left.
    Only classes with `min_count` rows of both genders take part.

    The rows are split into `probe_folds` folds with as many rows of each cell;
    the rows of a fold are told by a probe of the others, standardised by
    these. Of a few regularisations a fold gets the one that does best in a
    second cross-validation inside the others: as strong as the rows allow, and
    nothing of the fold enters the choice. All this `probe_seeds` times, with
    other folds.

    Args:
        features: Float array [N, d].
        genders: Integer array [N]; rows with `tasks.MISSING` don't count.
        classes: Integer array [N]; rows with `tasks.MISSING` don't count.
            None: unconditional.
        kind: `"linear"`, a logistic regression, or `"mlp"`, a network of one
            hidden layer of 64.
        settings: Folds, probes and how many rows a cell needs.
        seed: Where chance starts.
        train_only: Bool array [N] of rows that probes learn from and are never
            tested on. Genders are balanced inside them too. None: no row.

    Returns:
        `ProbeResult`, without a value where a cell has fewer rows than
        `min_count` or than there are folds.

    Raises:
        UserError: If the kind is unknown, the arrays don't fit each other or a
            feature is no finite number.

    Source:
        Elazar and Goldberg, Adversarial removal of demographic attributes from
        text data, 2018 (probes trained afterwards); Cawley and Talbot, On
        over-fitting in model selection and subsequent selection bias in
        performance evaluation, 2010 (the second cross-validation).

    Example:
        >>> result = probe_gender(
        ...     embedding, genders, hair_colors, kind="mlp",
        ...     settings=FairnessSettings(), seed=0,
        ... )
        >>> result.value, result.interval
        (0.57..., (0.54..., 0.60...))
    """
    if kind not in probe_models.KINDS:
        raise UserError(
            f"Expected a probe of the kind {' or '.join(probe_models.KINDS)}. "
            f"Received: kind={kind!r}"
        )
    features, genders, classes, train_only = _check(
        features, genders, classes, train_only
    )
    present = (genders != tasks.MISSING) & (classes != tasks.MISSING)
    tested = present & ~train_only
    count = int(tested.sum())
    least = max(settings.min_count, settings.probe_folds, 2 * _INNER_FOLDS)
    supported = _supported_classes(classes[tested], genders[tested], least)
    if not len(supported):
        nothing = np.zeros((0, _NUM_GENDERS))
        return ProbeResult(nothing, nothing.astype(int), count)
    present &= np.isin(classes, supported)
    indices = np.searchsorted(supported, classes[present])
    rows = _Rows(
        # With a single class its column is constant and standardised to 0.
        np.hstack([features[present], np.eye(len(supported))[indices]]),
        genders[present],
        indices,
        train_only[present],
    )
    # Matrices this small take many times as long where threads share them.
    with threadpoolctl.threadpool_limits(1):
        hits = [
            _count_hits(rows, kind, settings.probe_folds, probe_seed)
            for probe_seed in _seeds(seed, settings.probe_seeds)
        ]
    shape = (len(supported), _NUM_GENDERS)
    return ProbeResult(
        np.mean(hits, axis=0).reshape(shape),
        rows.counts.reshape(shape),
        int(rows.counts.sum()),
    )


class _Rows:
    """The rows to probe, each class of which has both genders to test."""

    def __init__(self, features, genders, classes, train_only):
        self.features = features
        self.genders = genders
        self.cells = classes * _NUM_GENDERS + genders
        self.train_only = train_only
        self.tested = np.flatnonzero(~train_only)
        self.counts = np.bincount(self.cells[self.tested])
        self.helpers = _helpers(self.cells, train_only, len(self.counts))

    def weights(self, rows):
        """Returns weights of `rows` that make all cells equal.

        Rows that are never tested are balanced on their own: who lacks a label
        is a matter of gender too, and must not shift what those with a label
        are taken for.
        """
        cells = self.cells[rows] + self.train_only[rows] * len(self.counts)
        weights = np.empty(len(rows))
        for part in (False, True):
            inside = self.train_only[rows] == part
            own, sizes = np.unique(
                cells[inside], return_inverse=True, return_counts=True
            )[1:]
            weights[inside] = inside.sum() / (len(sizes) * sizes[own])
        return weights


def _helpers(cells, train_only, num_cells):
    """Returns the rows to train on only, where a class has both genders."""
    rows = np.flatnonzero(train_only)
    sizes = np.bincount(cells[rows], minlength=num_cells)
    complete = sizes.reshape(-1, _NUM_GENDERS).all(1)
    return rows[complete[cells[rows] // _NUM_GENDERS]]


def _count_hits(rows, kind, num_folds, seed):
    """Returns float array [cells]: the rows that are told right."""
    cells = rows.cells[rows.tested]
    hits = np.zeros(len(rows.counts))
    for train, test in _split(cells, num_folds, seed):
        learned, asked = rows.tested[train], rows.tested[test]
        strength = _choose_strength(rows, learned, kind, seed)
        (right,) = _tell(rows, learned, asked, kind, [strength], seed)
        hits += np.bincount(cells[test], right, minlength=len(hits))
    return hits


def _choose_strength(rows, learned, kind, seed):
    """Returns the strength that does best inside the rows to learn from.

    Nothing of the rows to be tested may enter. To compare strengths by what
    their probes say of the *other* folds is cheaper, but those probes learned
    from this one: networks then find 0.005 in noise.
    """
    strengths = probe_models.strengths(kind)
    cells = rows.cells[learned]
    merits = np.zeros(len(strengths))
    for train, test in _split(cells, _INNER_FOLDS, seed):
        right = _tell(
            rows, learned[train], learned[test], kind, strengths, seed
        )
        merits += (right / rows.counts[cells[test]]).sum(1)
    # Equal but for rounding is equal: the stronger one stands first.
    return strengths[np.argmax(merits.round(9))]


def _tell(rows, learned, asked, kind, strengths, seed):
    """Returns bool array [strengths, asked]: which rows are told right."""
    learned = np.concatenate([learned, rows.helpers])
    scaler = StandardScaler().fit(rows.features[learned])
    inputs = scaler.transform(rows.features[learned])
    questions = scaler.transform(rows.features[asked])
    weights = rows.weights(learned)
    answers = [
        probe_models.fit_probe(
            kind, strength, inputs, rows.genders[learned], weights, seed
        ).predict(questions)
        for strength in strengths
    ]
    return np.array(answers) == rows.genders[asked]


def _split(cells, num_folds, seed):
    """Yields positions to train on and to test, with as many of each cell."""
    splitter = StratifiedKFold(num_folds, shuffle=True, random_state=seed)
    return splitter.split(cells, cells)


def _supported_classes(classes, genders, least):
    """Returns the classes, ascending, with `least` rows of each gender."""
    return np.array(
        [
            label
            for label in np.unique(classes)
            if np.bincount(
                genders[classes == label], minlength=_NUM_GENDERS
            ).min()
            >= least
        ],
        int,
    )


def _seeds(seed, count):
    generator = np.random.default_rng([seed, *b"probes"])
    return [int(number) for number in generator.integers(2**31, size=count)]


def _check(features, genders, classes, train_only):
    features = np.asarray(features)
    if features.ndim != 2 or not features.shape[1]:
        raise UserError(
            "Expected features of the shape [rows, columns]. Received: shape "
            f"{features.shape}"
        )
    features = features.astype(np.float64)
    if not np.isfinite(features).all():
        raise UserError(
            "Expected features that are finite numbers. Received: NaN or "
            f"infinity in {(~np.isfinite(features)).any(1).sum()} of "
            f"{len(features)} rows"
        )
    genders = np.asarray(genders)
    classes = np.zeros_like(genders) if classes is None else classes
    train_only = (
        np.zeros(len(genders), bool)
        if train_only is None
        else np.asarray(train_only, bool)
    )
    classes = np.asarray(classes)
    shapes = [array.shape for array in (genders, classes, train_only)]
    if set(shapes) != {(len(features),)} or not all(
        np.issubdtype(array.dtype, np.integer) for array in (genders, classes)
    ):
        raise UserError(
            f"Expected integer genders and classes, and rows to train on only, "
            f"for {len(features)} rows of features. Received: shapes "
            f"{', '.join(map(str, shapes))} of {genders.dtype}, "
            f"{classes.dtype} and {train_only.dtype}"
        )
    return features, genders, classes, train_only
