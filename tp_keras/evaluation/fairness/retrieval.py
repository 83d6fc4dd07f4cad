"""Who the neighbours in an embedding are: their labels and their genders."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tqdm

from tp_keras import tasks
from tp_keras.errors import UserError
from tp_keras.evaluation import neighbors as neighbors_lib
from tp_keras.evaluation.fairness.neighbor_genders import TARGETS
from tp_keras.evaluation.fairness.neighbor_genders import NeighborGenders
from tp_keras.evaluation.fairness.resampled_sums import finite_interval
from tp_keras.evaluation.fairness.resampled_sums import resample_sums
from tp_keras.evaluation.fairness.settings import FairnessSettings
from tp_keras.evaluation.figures import figure
from tp_keras.evaluation.records import ALL

GROUPS = (ALL, *tasks.GENDER.classes)

_NULL_QUANTILE = 0.95

_GENDER_COLUMNS = (
    "share",
    "target label",
    "target neighbor labels",
    "target equal",
    *(f"max_skew {target}" for target in TARGETS),
    *(f"ndkl {target}" for target in TARGETS),
)


class _Figure(NamedTuple):
    """A figure: the mean of a column, or two means compared."""

    metric: str
    variant: str | None
    column: tuple
    reference: tuple | None = None
    is_log_ratio: bool = False


def measure_retrieval(
    task: tasks.Task,
    labels,
    embedding,
    genders,
    settings: FairnessSettings,
    seed: int,
) -> Iterator[dict]:
    """Measures the nearest neighbours of each portrait among all others.

    Queries and gallery are the rows with a label and a gender; a query is not
    in its own gallery. Neighbours are ranked by cosine similarity, equal ones
    in an order that has nothing to do with gender. For each length k of a list
    (`variant` starts with `"k=20"`), over all queries and over those of each
    gender:

    * `neighbor_precision`: the share of the list that has the query's label;
      `neighbor_precision_gap` is that of female queries minus that of male
      ones, if each gender has `settings.min_count` queries.
    * `same_gender_share`: the share of the list that has the query's gender.
    * `same_gender_excess`: `same_gender_share` minus what the label implies,
      P(query's gender | query's label) in the gallery without the query; 0 for
      an embedding that knows labels and is blind to gender. The mean of the
      differences over the queries, so a class counts as often as it occurs.
      With the variant `"k=20, neighbor labels"` minus the mean of P(query's
      gender | neighbour's label) over the list: what remains is not due to
      neighbours of another label either.
    * `same_gender_skew`: `ln(share / target)` of the query's own gender, mean
      share and mean target over the queries. Two policies, in the variant:
      `"k=20, target label"` takes P(gender | query's label) for the target,
      `"k=20, target equal"` takes 1/2.
    * `max_skew`: the greater of the genders' `ln(share / target)` in a list,
      mean over the queries; both policies. Never below 0, and above it by
      chance alone: to be compared with its `null`.
    * `ndkl`: the divergence of the list's beginnings from the target, each
      discounted by the logarithm of its rank, mean over the queries; both
      policies; likewise to be compared with `null`.
    * `cross_gender_precision`: the precision in a gallery of the other gender
      alone.

    And without k, `cross_gender_preference`: the probability that a portrait
    of the query's label and the other gender is more similar than one of
    another label and the query's gender, ties by half; 1 where only the hair
    counts, 0 where only gender does.

    Intervals are bootstraps over the queries of each gender, the gallery
    staying what it is. `null` is the 95 % quantile with gender permuted inside
    each class. Without rows of both genders only the precision is supported;
    what a query's figure is not defined for (the only portrait of a class; a
    target without one of the genders) is left out, and the count says so.

    Args:
        task: The task whose labels make neighbours right or wrong.
        labels: Integer array [N], -1 where missing.
        embedding: Float array [N, d].
        genders: Integer array [N], -1 where missing.
        settings: How much data a figure needs, and how often to resample.
        seed: Seed of the resampling.

    Yields:
        Fields of records. Where a list would be longer than the gallery the
        value is None.

    Raises:
        UserError: If the arrays don't fit each other, or the embedding holds
            what is no finite number.

    Source:
        Geyik, Ambler and Kenthapadi, Fairness-aware ranking in search and
        recommendation systems, 2019 (skew, NDKL).

    Example:
        >>> figures = measure_retrieval(
        ...     tasks.HAIR_COLOR, labels, embedding, genders, settings, seed=0
        ... )
    """
    rows, vectors = _check(task, labels, embedding, genders)
    generator = np.random.default_rng([seed, tasks.TASK_NAMES.index(task.name)])
    # Equally similar neighbours must not come in the order of the data set.
    rows = generator.permutation(rows)
    measure = _Retrieval(
        task,
        np.asarray(labels)[rows],
        vectors[rows],
        np.asarray(genders)[rows],
        settings,
        generator,
    )
    yield from measure.all_figures()


class _Retrieval:
    """The figures of one embedding on rows with label and gender."""

    def __init__(self, task, labels, vectors, genders, settings, generator):
        self.task = task
        self.labels = labels
        self.vectors = vectors
        self.genders = genders
        self.settings = settings
        self.generator = generator
        self.sizes = np.bincount(genders, minlength=tasks.GENDER.num_classes)
        self.lengths = sorted(set(settings.neighbors))
        # Names and values [N, names] of what is measured of each query.
        self.names: list[tuple] = []
        self.values: list[np.ndarray] = []
        self.null: dict[_Figure, np.ndarray] = {}

    def all_figures(self) -> Iterator[dict]:
        self._measure_lists()
        self._measure_across_genders()
        means, counts = _group_means(
            self.names, *_gender_sums(self.values, self.genders)
        )
        samples = self._resampled_means()
        for item in _wanted_figures(self.lengths):
            if item.column not in means:
                yield from self._unsupported(item)
                continue
            value, drawn = _combine(item, means), _combine(item, samples)
            null = self.null.get(item, np.full(len(GROUPS), np.nan))
            for index, group in enumerate(GROUPS):
                defined = np.isfinite(value[index])
                yield figure(
                    item.metric,
                    value[index] if defined else None,
                    counts[item.column][index],
                    finite_interval(drawn[:, index]),
                    group=group,
                    variant=item.variant,
                    null=float(null[index])
                    if defined and np.isfinite(null[index])
                    else None,
                )
            if item.metric == "neighbor_precision":
                yield self._gap(item, value, drawn)

    def _measure_lists(self):
        """Measures the lists of neighbours, and what they are by chance."""
        lengths = [k for k in self.lengths if k < len(self.labels)]
        if not lengths:
            return
        neighbors, _ = neighbors_lib.find_neighbors(
            self.vectors, self.vectors, lengths[-1], skip_self=True
        )
        right = self.labels[neighbors] == self.labels[:, np.newaxis]
        self._add("precision", _shares(right, lengths), lengths)
        if not self.sizes.all():
            return
        lists = NeighborGenders(
            self.labels,
            self.genders,
            neighbors,
            lengths,
            self.task.num_classes,
        )
        for name, values in lists.measure(self.genders).items():
            self._add(name, values, lengths)
        self._permute_genders(lists, lengths)

    def _permute_genders(self, lists, lengths):
        wanted = [
            item
            for item in _wanted_figures(lengths)
            if item.column[0] in _GENDER_COLUMNS
        ]
        found = {item: [] for item in wanted}
        classes = [
            np.flatnonzero(self.labels == label)
            for label in range(self.task.num_classes)
        ]
        for _ in tqdm.trange(
            self.settings.num_permutations,
            desc=f"permuting gender among the neighbours, {self.task.name}",
            delay=2,
            leave=False,
        ):
            genders = self.genders.copy()
            for rows in classes:
                genders[rows] = self.generator.permutation(genders[rows])
            measured = lists.measure(genders)
            means, _ = _group_means(
                [(name, k) for name in measured for k in lengths],
                *_gender_sums(measured.values(), genders),
            )
            for item in wanted:
                found[item].append(_combine(item, means))
        for item, values in found.items():
            self.null[item] = np.quantile(values, _NULL_QUANTILE, axis=0)

    def _measure_across_genders(self):
        """Measures what a gallery of the other gender alone would answer."""
        if not self.sizes.all():
            return
        self._add("preference", self._preferences()[:, np.newaxis], [None])
        # A list must be possible for the queries of each gender.
        lengths = [k for k in self.lengths if k <= self.sizes.min()]
        if not lengths:
            return
        shares = np.empty((len(self.labels), len(lengths)))
        for gender in range(tasks.GENDER.num_classes):
            own = np.flatnonzero(self.genders == gender)
            other = np.flatnonzero(self.genders != gender)
            found, _ = neighbors_lib.find_neighbors(
                self.vectors[own], self.vectors[other], lengths[-1]
            )
            right = self.labels[other][found] == self.labels[own, np.newaxis]
            shares[own] = _shares(right, lengths)
        self._add("cross_precision", shares, lengths)

    def _preferences(self) -> np.ndarray:
        """Returns for each query how often hair counts more than gender."""
        values = np.full(len(self.labels), np.nan)
        bar = tqdm.tqdm(
            total=len(values),
            desc=f"comparing hair with gender, {self.task.name}",
            delay=2,
            leave=False,
        )
        with bar:
            for label in range(self.task.num_classes):
                for gender in range(tasks.GENDER.num_classes):
                    same_label = self.labels == label
                    same_gender = self.genders == gender
                    queries = np.flatnonzero(same_label & same_gender)
                    wanted = self.vectors[same_label & ~same_gender]
                    others = self.vectors[~same_label & same_gender]
                    if len(wanted) and len(others):
                        values[queries] = _probabilities_greater(
                            self.vectors[queries], wanted, others
                        )
                    bar.update(len(queries))
        return values

    def _add(self, name, values, lengths):
        self.names += [(name, k) for k in lengths]
        self.values.append(values)

    def _resampled_means(self):
        """Returns a dict of means [num_bootstraps, groups]."""
        if not self.names:
            return {}
        table = np.concatenate(_split(self.values), axis=1)
        sums = [
            resample_sums(
                table[self.genders == gender],
                self.settings.num_bootstraps,
                self.generator,
            )
            for gender in range(tasks.GENDER.num_classes)
        ]
        totals, counts = np.split(np.stack(sums, axis=1), 2, axis=2)
        return _group_means(self.names, totals, counts)[0]

    def _gap(self, item, value, drawn) -> dict:
        female, male = (GROUPS.index(name) for name in tasks.GENDER.classes)
        supported = self.sizes.min() >= self.settings.min_count
        return figure(
            f"{item.metric}_gap",
            value[female] - value[male] if supported else None,
            len(self.labels) if supported else self.sizes.min(),
            finite_interval(drawn[:, female] - drawn[:, male]),
            group=ALL,
            variant=item.variant,
        )

    def _unsupported(self, item):
        counts = (len(self.labels), *self.sizes)
        for group, count in zip(GROUPS, counts, strict=True):
            yield figure(
                item.metric, None, count, group=group, variant=item.variant
            )
        if item.metric == "neighbor_precision":
            yield figure(
                f"{item.metric}_gap",
                None,
                self.sizes.min(),
                group=ALL,
                variant=item.variant,
            )


def _wanted_figures(lengths) -> Iterator[_Figure]:
    """Yields the figures in the order of the report."""
    for k in lengths:
        name, share = f"k={k}", ("share", k)
        yield _Figure("neighbor_precision", name, ("precision", k))
        yield _Figure("cross_gender_precision", name, ("cross_precision", k))
        yield _Figure("same_gender_share", name, share)
        yield _Figure("same_gender_excess", name, share, ("target label", k))
        yield _Figure(
            "same_gender_excess",
            f"{name}, neighbor labels",
            share,
            ("target neighbor labels", k),
        )
        for target in TARGETS:
            variant = f"{name}, target {target}"
            yield _Figure(
                "same_gender_skew",
                variant,
                share,
                (f"target {target}", k),
                True,
            )
            yield _Figure("max_skew", variant, (f"max_skew {target}", k))
            yield _Figure("ndkl", variant, (f"ndkl {target}", k))
    yield _Figure("cross_gender_preference", None, ("preference", None))


def _combine(item, means) -> np.ndarray:
    value = means[item.column]
    if item.reference is None:
        return value
    reference = means[item.reference]
    if not item.is_log_ratio:
        return value - reference
    # No list has any of the gender: minus infinity, which is no figure.
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.log(value / reference)


def _shares(hits, lengths) -> np.ndarray:
    """Returns the shares of hits [N, K] in the lists of the given lengths."""
    lengths = np.asarray(lengths)
    return np.cumsum(hits, axis=1)[:, lengths - 1] / lengths


def _split(values):
    """Returns the columns as a matrix with 0 for NaN, and what is defined."""
    table = np.concatenate(list(values), axis=1)
    defined = ~np.isnan(table)
    return np.where(defined, table, 0.0), defined


def _gender_sums(values, genders):
    """Returns sums and counts of all columns, each [genders, columns]."""
    if not values:
        return np.zeros((2, tasks.GENDER.num_classes, 0))
    table, defined = _split(values)
    members = [genders == index for index in range(tasks.GENDER.num_classes)]
    return (
        np.stack([table[rows].sum(axis=0) for rows in members]),
        np.stack([defined[rows].sum(axis=0) for rows in members]),
    )


def _group_means(names, totals, counts):
    """Returns means and counts of `GROUPS` from sums [..., genders, F]."""
    totals, counts = (
        np.concatenate([part.sum(-2, keepdims=True), part], axis=-2)
        for part in (totals, counts)
    )
    with np.errstate(invalid="ignore"):
        means = totals / counts
    return (
        {name: means[..., index] for index, name in enumerate(names)},
        {name: counts[..., index] for index, name in enumerate(names)},
    )


def _probabilities_greater(queries, wanted, others) -> np.ndarray:
    """Returns P(similarity to a wanted row > that to another row) [Q]."""
    values = np.empty(len(queries))
    for block in neighbors_lib.blocks(len(queries), len(wanted) + len(others)):
        # Sorted ones are found faster, one after the other.
        hits = np.sort(queries[block] @ wanted.T, axis=1)
        misses = np.sort(queries[block] @ others.T, axis=1)
        for index, (hit, miss) in enumerate(zip(hits, misses, strict=True)):
            below = np.searchsorted(miss, hit, "left").mean()
            not_above = np.searchsorted(miss, hit, "right").mean()
            values[block.start + index] = (below + not_above) / 2 / len(miss)
    return values


def _check(task, labels, embedding, genders):
    """Returns the numbers of the usable rows, and all rows of length 1."""
    labels, genders = np.asarray(labels), np.asarray(genders)
    vectors = neighbors_lib.unit_rows(embedding)
    if not len(labels) == len(genders) == len(vectors):
        raise UserError(
            "Labels, embedding and genders must have as many rows. Received: "
            f"{len(labels)}, {len(vectors)} and {len(genders)} rows"
        )
    for name, array, size in (
        (task.name, labels, task.num_classes),
        (tasks.GENDER.name, genders, tasks.GENDER.num_classes),
    ):
        if (
            len(array)
            and not tasks.MISSING <= array.min() <= array.max() < size
        ):
            raise UserError(
                f"Labels of {name} must lie in 0..{size - 1}, or be "
                f"{tasks.MISSING} where missing. "
                f"Received: {array.min()} to {array.max()}"
            )
    known = (labels != tasks.MISSING) & (genders != tasks.MISSING)
    return np.flatnonzero(known), vectors
