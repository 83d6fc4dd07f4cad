"""Labels and groups of the nearest neighbours in an embedding."""

import dataclasses
import itertools
import zlib
from collections.abc import Iterator

import numpy as np

from tp_keras.data.labels import num_strata
from tp_keras.data.labels import strata
from tp_keras.evaluation import neighbors
from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.metrics import ratio
from tp_keras.fairness import group_counts
from tp_keras.fairness.group_counts import GroupAnswers
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records.record import ALL

PRECISION = "neighbor_precision"
EXCESS = "same_group_excess"

# The least that each figure can be: an interval need not go beyond.
_LEAST = {PRECISION: 0.0, EXCESS: -1.0}

# The parts that are left out in turn, and what makes an interval of an error.
_NUM_PARTS = 100
_Z = 1.96

# Found beyond the longest list, to fill it up where some rows are left out.
_SPARE = 30


def measure_neighbors(
    answers: GroupAnswers, embedding, settings: FairnessSettings, seed: int
) -> Iterator[dict]:
    """Measures the nearest neighbours of each portrait among all others.

    Queries and gallery are the rows with a label and a group of `embedding`, a
    float array [N, d]; cosine similarity ranks them. For each length k of a
    list (`variant` is `"k=20"`), over all queries and those of each group:

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
    class has no excess. Yields fields of records.

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
    size = max(min(lengths[-1] + _SPARE, len(rows) - 1), 0)
    near, _ = neighbors.find_neighbors(vectors, vectors, size, skip_self=True)
    lists = _Lists(classes[rows], groups[rows], near, lengths, len(names))
    means, counts = lists.means()
    errors = _jackknife_errors(lists, generator)
    null = np.full(means.shape, np.nan)
    columns, drawn = (lists.groups, lists.classes, generator), []
    for _ in range(settings.num_permutations):
        drawn.append(lists.excesses(group_counts.permute_within(*columns)))
    null[1] = np.quantile(drawn, group_counts.NULL_OF_MAXIMUM, axis=0)[0]
    columns = np.stack([means, counts, errors, null])
    metrics = (PRECISION, EXCESS) if num_strata(task) > 1 else (EXCESS,)
    for (index, k), metric in itertools.product(enumerate(lengths), metrics):
        cells = columns[:, int(metric == EXCESS), index].T
        for group, cell in zip((ALL, *names), cells, strict=True):
            value, count, error, by_chance = cell
            where = {"group": group, "variant": f"k={k}"}
            where["null"] = None if np.isnan(by_chance) else by_chance
            if not np.isnan(error):
                low, high = value - _Z * error, value + _Z * error
                where["interval"] = max(low, _LEAST[metric]), min(high, 1.0)
            yield figure(metric, value, count, **where)


@dataclasses.dataclass
class _Lists:
    """The neighbours of each row [N, K], and the means over the queries."""

    classes: np.ndarray
    groups: np.ndarray
    near: np.ndarray
    lengths: list[int]
    num_groups: int

    def without(self, left_out):
        """Returns the lists there would be without some rows, bool [N]."""
        keep = ~left_out
        near = self.near[keep]
        kept = keep[near]
        order = np.argsort(~kept, axis=1, kind="stable")
        order = order[:, : kept.sum(axis=1).min()]
        near = (np.cumsum(keep) - 1)[np.take_along_axis(near, order, axis=1)]
        parts = self.classes[keep], self.groups[keep], near
        return _Lists(*parts, self.lengths, self.num_groups)

    def means(self):
        """Returns means and counts of both figures: [2, 2, k, 1 + groups]."""
        precisions = self._means(self._shares(self.classes), self.groups)
        return np.stack([precisions, self.excesses(self.groups)], 1)

    def excesses(self, groups):
        """Returns [2, k, 1 + groups] of the excesses with any groups."""
        target = np.full(len(groups), np.nan)
        if len(np.unique(groups)) > 1:
            # P(query's group | query's class) among the other rows.
            classes = self.classes
            counts = np.zeros((classes.max() + 1, self.num_groups))
            np.add.at(counts, (classes, groups), 1)
            same, every = counts[classes, groups], counts.sum(1)[classes]
            target = ratio(same - 1, every - 1)
        return self._means(self._shares(groups) - target, groups)

    def _shares(self, values):
        """Returns the share of lists with the query's value: [k, N]."""
        near = self.near[:, : self.lengths[-1]]
        own = values[near] == values[:, np.newaxis]
        shares = np.full((len(self.lengths), len(values)), np.nan)
        for share, k in zip(shares, self.lengths, strict=True):
            if k <= near.shape[1]:
                share[:] = np.count_nonzero(own[:, :k], axis=1) / k
        return shares

    def _means(self, values, groups):
        """Returns means and counts of all and of each group, without NaN."""
        found = []
        for row in values:
            defined = ~np.isnan(row)
            if not defined.any():
                defined = ~defined  # What nobody has is told of all rows.
            own = groups[defined]
            totals = np.bincount(own, row[defined], self.num_groups)
            counts = np.bincount(own, minlength=self.num_groups)
            parts = (np.append(part.sum(), part) for part in (totals, counts))
            totals, counts = parts
            found.append([ratio(totals, counts), counts])
        return np.swapaxes(found, 0, 1)


def _jackknife_errors(lists, generator):
    """Returns the standard errors of both figures: [2, k, 1 + groups]."""
    count = len(lists.groups)
    if count < 2:
        return np.full_like(lists.means()[0], np.nan)
    num_parts = min(_NUM_PARTS, count)
    parts = generator.permutation(np.arange(count) % num_parts)
    found = [
        lists.without(parts == part).means()[0] for part in range(num_parts)
    ]
    return np.sqrt(np.var(found, axis=0) * (num_parts - 1))
