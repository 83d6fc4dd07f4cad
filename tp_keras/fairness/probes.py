"""How much of the group probes read from features, on held-out rows."""

import dataclasses
import warnings

import numpy as np
import threadpoolctl
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records import intervals

LINEAR = "linear"
MLP = "mlp"
KINDS = (LINEAR, MLP)

# The regularisations to choose from, the strongest first, so that it is taken
# among equals. Logistic regression: the inverse of the weight of the squared
# norm. Below 1 a network does not get better, and where little of the group is
# left, it needs far more.
STRENGTHS = {LINEAR: (0.01, 0.1, 1.0, 10.0), MLP: (36.0, 6.0, 1.0)}

_HIDDEN_SIZE = 64
_LINEAR_ITERATIONS = 200
_MLP_ITERATIONS = 50

# Parts of the rows to learn from, when a regularisation is chosen.
_INNER_FOLDS = 2


@dataclasses.dataclass(frozen=True)
class ProbeResult:
    """How many groups a probe got right.

    `hits` and `counts`, arrays [cells], are the rows that are right, the mean
    over the probes, and all of them. A cell is a group, or a class and a group;
    without any nothing could be probed. `count` says how many rows there are,
    also where they don't suffice, and `chance` what a probe gets that is told
    the class alone: the classes divided by the cells.
    """

    hits: np.ndarray
    counts: np.ndarray
    count: int
    chance: float | None

    @property
    def value(self) -> float | None:
        """The balanced accuracy, the mean over the cells; None without any."""
        if not self.counts.size:
            return None
        return float((self.hits / self.counts).mean())

    @property
    def interval(self) -> tuple[float, float] | tuple[None, None]:
        """The 95 % interval of `value` with regard to the rows tested.

        Probes of the same rows have the interval of one. That the folds share
        what they learned from is not in it: in pure noise about one interval
        in twelve misses chance, where one in twenty should.
        """
        if not self.counts.size:
            return None, None
        # The mean of several probes is no whole number of rows.
        hits = np.rint(self.hits).astype(int)
        low, high = intervals.mean_of_shares_interval(hits, self.counts)
        shift = self.value - float((hits / self.counts).mean())
        return max(low + shift, 0.0), min(high + shift, 1.0)


def probe_groups(
    features,
    groups,
    classes=None,
    *,
    kind: str,
    settings: FairnessSettings,
    seed: int,
    train_only=None,
) -> ProbeResult:
    """Trains probes that name the group and counts what they get right.

    Without `classes` all groups weigh the same in training and in the mean.
    With them the probe reads the class too, and each cell of class and group
    weighs the same, so that the class alone leads to chance. Only cells with
    `min_count` rows take part, of classes that have two or more of them.

    The rows of each of `probe_folds` folds, stratified by cell, are told by a
    probe of the others, standardised by these. Its regularisation is the one
    that does best in a second cross-validation inside the others (Cawley and
    Talbot, On over-fitting in model selection, 2010). All this `probe_seeds`
    times, with other folds.

    Args:
        features: Float array [N, d].
        groups: Integer array [N]; negative ones don't count.
        classes: Integer array [N], likewise, or None.
        kind: `"linear"`, a logistic regression, or `"mlp"`, a network of one
            hidden layer of 64.
        settings: Folds, probes and how many rows a cell needs.
        seed: Where chance starts.
        train_only: Bool array [N], rows to learn from and never to test.
    """
    classes = np.zeros_like(groups) if classes is None else classes
    present = (groups >= 0) & (classes >= 0)
    tested = present & (True if train_only is None else ~train_only)
    least = max(settings.min_count, settings.probe_folds, 2 * _INNER_FOLDS)
    cells, supported = _supported_cells(classes, groups, tested, least)
    if not supported:
        return ProbeResult(*np.zeros((2, 0), int), int(tested.sum()), None)
    present &= cells >= 0
    known, columns = np.unique(classes[present], return_inverse=True)
    # With a single class its column is constant and standardised to 0.
    told = np.eye(len(known))[columns]
    features = np.hstack([np.asarray(features, np.float64)[present], told])
    columns = (column[present] for column in (groups, cells, ~tested))
    rows = _Rows(kind, features, *columns, np.array(supported))
    generator = np.random.default_rng([seed, *b"probes"])
    seeds = generator.integers(2**31, size=settings.probe_seeds).tolist()
    # Matrices this small take many times as long where threads share them.
    with threadpoolctl.threadpool_limits(1):
        hits = [rows.count_hits(settings.probe_folds, seed) for seed in seeds]
    count, chance = int(rows.counts.sum()), len(known) / len(supported)
    return ProbeResult(np.mean(hits, axis=0), rows.counts, count, chance)


def _supported_cells(classes, groups, tested, least):
    """Returns the number of each row's cell, -1 for none; and class by cell."""
    cells, supported = np.full(len(groups), -1), []
    for label in np.unique(classes[tested]):
        inside = classes == label
        sizes = np.bincount(groups[inside & tested])
        enough = np.flatnonzero(sizes >= least)
        for group in enough if len(enough) >= 2 else ():
            cells[inside & (groups == group)] = len(supported)
            supported.append(label)
    return cells, supported


@dataclasses.dataclass
class _Rows:
    """The rows to probe; `cell_classes` holds the class of each cell."""

    kind: str
    features: np.ndarray
    groups: np.ndarray
    cells: np.ndarray
    train_only: np.ndarray
    cell_classes: np.ndarray

    def __post_init__(self):
        self.tested = np.flatnonzero(~self.train_only)
        self.counts = np.bincount(self.cells[self.tested])
        # Those to train on only, where a class has all of its groups.
        helpers = np.flatnonzero(self.train_only)
        empty = np.bincount(self.cells[helpers], minlength=len(self.counts)) < 1
        lacking = np.isin(self.cell_classes, self.cell_classes[empty])
        self.helpers = helpers[~lacking[self.cells[helpers]]]

    def count_hits(self, num_folds, seed):
        """Returns float array [cells]: the rows that are told right."""
        cells, hits = self.cells[self.tested], np.zeros(len(self.counts))
        for train, test in _split(cells, num_folds, seed):
            learned, asked = self.tested[train], self.tested[test]
            strength = self._choose_strength(learned, seed)
            (right,) = self._tell(learned, asked, [strength], seed)
            hits += np.bincount(cells[test], right, minlength=len(hits))
        return hits

    def _choose_strength(self, learned, seed):
        """Returns the strength that does best inside the rows to learn from."""
        # Nothing of the rows to be tested may enter, nor by way of what probes
        # of other folds learned from them: networks then find 0.005 in noise.
        strengths, cells = STRENGTHS[self.kind], self.cells[learned]
        merits = np.zeros(len(strengths))
        for train, test in _split(cells, _INNER_FOLDS, seed):
            right = self._tell(learned[train], learned[test], strengths, seed)
            merits += (right / self.counts[cells[test]]).sum(1)
        # Equal but for rounding is equal: the stronger one stands first.
        return strengths[np.argmax(merits.round(9))]

    def _tell(self, learned, asked, strengths, seed):
        """Returns bool array [strengths, asked]: which rows are told right."""
        learned = np.concatenate([learned, self.helpers])
        scaler, weights = StandardScaler(), self._weights(learned)
        inputs = scaler.fit_transform(self.features[learned])
        questions = scaler.transform(self.features[asked])
        answers = []
        for strength in strengths:
            if self.kind == LINEAR:
                limit = {"max_iter": _LINEAR_ITERATIONS}
                probe = LogisticRegression(C=strength, **limit)
            else:
                # L-BFGS reads more than Adam, in half the time.
                probe = MLPClassifier(
                    (_HIDDEN_SIZE,),
                    solver="lbfgs",
                    alpha=strength,
                    max_iter=_MLP_ITERATIONS,
                    random_state=seed,
                )
            with warnings.catch_warnings():
                # The number of steps is a limit on purpose.
                warnings.simplefilter("ignore", ConvergenceWarning)
                probe.fit(inputs, self.groups[learned], sample_weight=weights)
            answers.append(probe.predict(questions))
        return np.array(answers) == self.groups[asked]

    def _weights(self, rows):
        """Returns weights of rows that make all cells equal."""
        # Those never tested are balanced on their own: who lacks a label is a
        # matter of the group too, and must not shift what the others say.
        only, weights = self.train_only[rows], np.empty(len(rows))
        for inside in filter(np.any, (only, ~only)):
            cells = self.cells[rows[inside]]
            weights[inside] = compute_sample_weight("balanced", cells)
        return weights


def _split(cells, num_folds, seed):
    """Yields positions to train on and to test, with as many of each cell."""
    splitter = StratifiedKFold(num_folds, shuffle=True, random_state=seed)
    return splitter.split(cells, cells)
