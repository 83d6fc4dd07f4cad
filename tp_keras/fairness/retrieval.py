"""Who the neighbours in an embedding are: their labels and their genders."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import tqdm

from tp_keras import tasks
from tp_keras.errors import UserError
from tp_keras.evaluation import neighbors
from tp_keras.evaluation.figures import figure
from tp_keras.fairness import gender_preference
from tp_keras.fairness.neighbor_genders import TARGETS
from tp_keras.fairness.neighbor_lists import NeighborLists
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records.record import ALL

_GAP = "neighbor_precision_gap"
_UNKNOWN = np.full(3, np.nan)

GROUPS = (ALL, *tasks.GENDER.classes)

_NULL_QUANTILE = 0.95
# The parts that are left out in turn, and the quantile of the normal
# distribution that makes an interval of a standard error.
_NUM_PARTS = 100
_Z = 1.96

# What a figure can be at all: an interval need not go beyond.
_LIMITS = {
    "neighbor_precision": (0, 1),
    "neighbor_precision_gap": (-1, 1),
    "cross_gender_precision": (0, 1),
    "cross_gender_preference": (0, 1),
    "same_gender_share": (0, 1),
    "same_gender_excess": (-1, 1),
    "max_skew": (0, np.inf),
    "ndkl": (0, np.inf),
}


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

    A portrait is query once and neighbour many times, so a bootstrap over the
    queries alone gives intervals of half the width, too narrow. Intervals here
    are those of a jackknife: 1 % of the portraits is left out, as queries and
    from the gallery, in turn. `null` is the 95 % quantile with gender permuted
    inside each class. Without rows of both genders only the precision is
    supported. Queries that a figure is not defined for (the only portrait of a
    class; a target without one of the genders) are left out, and the count
    says so.

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
        recommendation systems, 2019 (skew, NDKL). Efron and Stein, The
        jackknife estimate of variance, 1981 (never too small on average).

    Example:
        >>> figures = measure_retrieval(
        ...     tasks.HAIR_COLOR, labels, embedding, genders, settings, seed=0
        ... )
    """
    rows, vectors = _check(task, labels, embedding, genders)
    generator = np.random.default_rng([seed, tasks.TASK_NAMES.index(task.name)])
    # Equally similar neighbours must not come in the order of the data set.
    rows = generator.permutation(rows)
    labels, genders = np.asarray(labels)[rows], np.asarray(genders)[rows]
    yield from _list_figures(
        task, labels, genders, vectors[rows], settings, generator
    )
    means, counts, errors = gender_preference.cross_gender_preference(
        labels, genders, vectors[rows], task
    )
    if np.unique(genders).size != tasks.GENDER.num_classes:
        counts = _group_sizes(genders)
    for index, group in enumerate(GROUPS):
        yield _fields(
            "cross_gender_preference",
            means[index],
            counts[index],
            errors[index],
            group=group,
            variant=None,
        )


def _list_figures(task, labels, genders, vectors, settings, generator):
    lengths = sorted(set(settings.neighbors))
    lists = NeighborLists.find(
        labels, genders, vectors, task.num_classes, lengths[-1]
    )
    means, counts = lists.means(lengths)
    wanted = list(_wanted_figures(lengths))
    errors = _jackknife_errors(task, lists, lengths, wanted, generator)
    null = _null(task, lists, lengths, wanted, settings, generator)
    sizes = _group_sizes(genders)
    for item in wanted:
        is_gap = item.metric == _GAP
        value = _combine(item, means)
        number = counts.get(item.column, sizes)
        if is_gap:
            # As much as its smaller group.
            number = [number[1:].min()]
            if number[0] < settings.min_count:
                value = None
        for index, group in enumerate(GROUPS[:1] if is_gap else GROUPS):
            yield _fields(
                item.metric,
                np.nan if value is None else value[index],
                number[index],
                errors.get(item, _UNKNOWN)[index],
                null.get(item, _UNKNOWN)[index],
                group=group,
                variant=item.variant,
            )


def _jackknife_errors(task, lists, lengths, wanted, generator):
    """Returns figure -> standard errors [groups], NaN where not known."""
    count = len(lists.labels)
    num_parts = min(_NUM_PARTS, count)
    parts = generator.permutation(np.arange(count) % max(num_parts, 1))
    found = {item: [] for item in wanted}
    for part in tqdm.trange(
        num_parts,
        desc=f"{task.name}: intervals of neighbours",
        delay=2,
        leave=False,
    ):
        means, _ = lists.without(parts == part).means(lengths)
        for item in wanted:
            value = _combine(item, means)
            if value is not None:
                found[item].append(value)
    errors = {}
    for item, values in found.items():
        # In a small gallery a list may be possible only with all rows.
        if len(values) == num_parts > 1:
            spread = np.square(values - np.mean(values, axis=0)).sum(axis=0)
            errors[item] = np.sqrt(spread * (num_parts - 1) / num_parts)
    return errors


def _null(task, lists, lengths, wanted, settings, generator):
    """Returns figure -> its quantile [groups] under permuted genders."""
    found = {}
    permuted = lists.permuted_means(
        lengths, settings.num_permutations, generator
    )
    for means in tqdm.tqdm(
        permuted,
        desc=f"{task.name}: neighbours by chance",
        total=settings.num_permutations,
        delay=2,
        leave=False,
    ):
        for item in wanted:
            if item.column in means:
                found.setdefault(item, []).append(_combine(item, means))
    return {
        item: np.quantile(values, _NULL_QUANTILE, axis=0)
        for item, values in found.items()
    }


def _wanted_figures(lengths) -> Iterator[_Figure]:
    """Yields the figures in the order of the report."""
    for k in lengths:
        name, share = f"k={k}", ("share", k)
        yield _Figure("neighbor_precision", name, ("precision", k))
        yield _Figure(_GAP, name, ("precision", k))
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
            reference = (f"target {target}", k)
            yield _Figure("same_gender_skew", variant, share, reference, True)
            yield _Figure("max_skew", variant, (f"max_skew {target}", k))
            yield _Figure("ndkl", variant, (f"ndkl {target}", k))


def _combine(item, means) -> np.ndarray | None:
    """Returns a figure [groups] from means, None if they don't hold it."""
    if item.column not in means:
        return None
    value = means[item.column]
    if item.metric == _GAP:
        return value[1:2] - value[2:]
    if item.reference is None:
        return value
    reference = means[item.reference]
    if not item.is_log_ratio:
        return value - reference
    # Where no list has any of the gender it is minus infinity: no figure.
    ratio = np.full(value.shape, np.nan)
    np.divide(value, reference, out=ratio, where=(value > 0) & (reference > 0))
    return np.log(ratio)


def _fields(metric, value, count, error, null=np.nan, **fields) -> dict:
    defined = np.isfinite(value)
    interval = None, None
    if defined and np.isfinite(error):
        low, high = _LIMITS.get(metric, (-np.inf, np.inf))
        interval = (
            float(max(value - _Z * error, low)),
            float(min(value + _Z * error, high)),
        )
    return figure(
        metric,
        value if defined else None,
        count,
        interval,
        null=float(null) if defined and np.isfinite(null) else None,
        **fields,
    )


def _group_sizes(genders) -> np.ndarray:
    sizes = np.bincount(genders, minlength=tasks.GENDER.num_classes)
    return np.array([len(genders), *sizes])


def _check(task, labels, embedding, genders):
    """Returns the numbers of the usable rows, and all rows of length 1."""
    labels, genders = np.asarray(labels), np.asarray(genders)
    vectors = neighbors.unit_rows(embedding)
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
