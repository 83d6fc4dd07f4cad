"""Labels and groups of the nearest neighbours in an embedding."""

import dataclasses
import zlib
from collections.abc import Iterator

import numpy as np

from tp_keras.data.labels import num_strata
from tp_keras.data.labels import strata
from tp_keras.evaluation import neighbors
from tp_keras.evaluation.figures import figure
from tp_keras.fairness.group_counts import GroupAnswers
from tp_keras.fairness.group_counts import permute_within
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records.record import ALL

PRECISION = "neighbor_precision"
EXCESS = "same_group_excess"

# The least that a figure can be: an interval need not go beyond.
_LEAST = {PRECISION: 0.0, EXCESS: -1.0}

_NULL_QUANTILE = 0.95
# The parts that are left out in turn, and the quantile of the normal
# distribution that makes an interval of a standard error.
_NUM_PARTS = 100
_Z = 1.96

# Found beyond the longest list, to fill it up where some rows are left out.
_SPARE = 30


def measure_neighbors(
    answers: GroupAnswers, embedding, settings: FairnessSettings, seed: int
) -> Iterator[dict]:
    """Measures the nearest neighbours of each portrait among all others.

    Queries and gallery are the rows with a label and a group; a query is not
    in its own gallery. Neighbours are ranked by cosine similarity, equal ones
    in an order that has nothing to do with the group. The class of a number is
    its range. For each length k of a list (`variant` is `"k=20"`), over all
    queries and over those of each group:

    * `neighbor_precision`: the share of the list that has the query's class,
      unless there is only one class;
    * `same_group_excess`: the share of the list that has the query's group,
      minus P(query's group | query's class) in the gallery without the query;
      0 for an embedding that knows classes and is blind to groups. The mean
      over the queries, so a class counts as often as it occurs.

    Intervals are those of a jackknife: 1 % of the portraits is left out, as
    queries and from the gallery, in turn. (A portrait is neighbour many times:
    a bootstrap over the queries gives half the width.) `null` is the 95 %
    quantile with groups permuted inside each class. The only portrait of a
    class has no excess.

    Args:
        answers: Task, labels and groups of the portraits.
        embedding: Float array [N, d].
        settings: How much data a figure needs, and how often to resample.
        seed: Where chance starts.

    Yields:
        Fields of records. Where a list would be longer than the gallery, or
        all are of one group, the value is None.

    Source:
        Efron and Stein, The jackknife estimate of variance, 1981 (never too
        small on average).
    """
    task, groups = answers.task, answers.groups
    classes, names = strata(task, answers.labels), answers.protected.classes
    generator = np.random.default_rng([seed, zlib.crc32(task.name.encode())])
    # Equally similar neighbours must not come in the order of the data set.
    rows = generator.permutation(np.flatnonzero((classes >= 0) & (groups >= 0)))
    vectors = neighbors.unit_rows(embedding)[rows]
    lengths = sorted(set(settings.neighbors))
    size = min(lengths[-1] + _SPARE, len(rows) - 1)
    near = np.zeros((len(rows), 0), np.int64)
    if size > 0:
        near, _ = neighbors.find_neighbors(
            vectors, vectors, size, skip_self=True
        )
    lists = _Lists(classes[rows], groups[rows], near, len(names))
    means = lists.means(lengths)
    errors = _jackknife_errors(lists, lengths, generator)
    null = _null(lists, lengths, settings, generator)
    _, sizes = _by_group(np.ones(len(rows)), lists.groups, lists.num_groups)
    nothing = np.full(len(sizes), np.nan)
    unknown = nothing, sizes
    for k in lengths:
        for metric in (PRECISION, EXCESS)[num_strata(task) < 2 :]:
            key = metric, k
            columns = (
                *means.get(key, unknown),
                errors.get(key, nothing),
                null.get(key, nothing),
            )
            for group, value, count, error, by_chance in zip(
                (ALL, *names), *columns, strict=True
            ):
                yield figure(
                    metric,
                    value if np.isfinite(value) else None,
                    count,
                    _interval(value, error, _LEAST[metric]),
                    group=group,
                    variant=f"k={k}",
                    null=None if np.isnan(by_chance) else float(by_chance),
                )


@dataclasses.dataclass
class _Lists:
    """The neighbours of each row [N, K], and the means over the queries."""

    classes: np.ndarray
    groups: np.ndarray
    near: np.ndarray
    num_groups: int

    def without(self, left_out):
        """Returns the lists there would be without some rows, bool [N]."""
        keep = ~left_out
        near = self.near[keep]
        kept = keep[near]
        order = np.argsort(~kept, axis=1, kind="stable")
        width = kept.sum(axis=1).min() if len(kept) else 0
        near = np.take_along_axis(near, order[:, :width], axis=1)
        return _Lists(
            self.classes[keep],
            self.groups[keep],
            (np.cumsum(keep) - 1)[near],
            self.num_groups,
        )

    def means(self, lengths):
        """Returns (figure, k) -> means and counts [2, 1 + groups]."""
        found = {
            (PRECISION, k): _by_group(share, self.groups, self.num_groups)
            for k, share in self._shares(lengths, self.classes)
        }
        return found | self.excesses(lengths, self.groups)

    def excesses(self, lengths, groups):
        """Returns the excesses as `means` does, of any groups of the rows."""
        if len(np.unique(groups)) < 2:
            return {}
        # P(query's group | query's class) among the other rows.
        _, classes = np.unique(self.classes, return_inverse=True)
        counts = np.zeros((classes.max() + 1, self.num_groups))
        np.add.at(counts, (classes, groups), 1)
        others = counts.sum(1)[classes] - 1
        target = np.full(len(groups), np.nan)
        same = counts[classes, groups] - 1
        np.divide(same, others, out=target, where=others > 0)
        return {
            (EXCESS, k): _by_group(share - target, groups, self.num_groups)
            for k, share in self._shares(lengths, groups)
        }

    def _shares(self, lengths, values):
        """Yields k and the share of each list that has the query's value."""
        near = self.near[:, : lengths[-1]]
        own = values[near] == values[:, np.newaxis]
        hits = np.cumsum(own, axis=1, dtype=np.int32)
        for k in lengths:
            if k <= near.shape[1]:
                yield k, hits[:, k - 1] / k


def _by_group(values, groups, num_groups):
    """Returns means and counts of all and of each group, without NaN."""
    defined = ~np.isnan(values)
    weights = np.where(defined, values, 0.0)
    totals = np.bincount(groups, weights, minlength=num_groups)
    counts = np.bincount(groups[defined], minlength=num_groups)
    totals, counts = (np.append(part.sum(), part) for part in (totals, counts))
    with np.errstate(invalid="ignore"):
        return np.stack([totals / counts, counts])


def _jackknife_errors(lists, lengths, generator):
    """Returns (figure, k) -> standard errors [1 + groups]."""
    count = len(lists.groups)
    num_parts = min(_NUM_PARTS, count)
    parts = generator.permutation(np.arange(count) % max(num_parts, 1))
    found = _collect(
        lists.without(parts == part).means(lengths) for part in range(num_parts)
    )
    return {
        key: np.sqrt(np.var(values, axis=0) * (num_parts - 1))
        for key, values in found.items()
        # In a small gallery a list may be possible only with all rows.
        if len(values) == num_parts > 1
    }


def _null(lists, lengths, settings, generator):
    """Returns (figure, k) -> quantiles [1 + groups] with permuted groups."""
    found = _collect(
        lists.excesses(
            lengths, permute_within(lists.groups, lists.classes, generator)
        )
        for _ in range(settings.num_permutations)
    )
    return {
        key: np.quantile(values, _NULL_QUANTILE, axis=0)
        for key, values in found.items()
    }


def _collect(draws):
    """Returns key -> the means of each draw that has them."""
    found = {}
    for draw in draws:
        for key, (values, _) in draw.items():
            found.setdefault(key, []).append(values)
    return found


def _interval(value, error, low):
    if not np.isfinite([value, error]).all():
        return None, None
    return (
        float(max(value - _Z * error, low)),
        float(min(value + _Z * error, 1.0)),
    )
