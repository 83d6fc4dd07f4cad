"""Whether hair or gender decides who is more similar."""

import numpy as np
import tqdm

from tp_keras import tasks
from tp_keras.evaluation import neighbors


def cross_gender_preference(
    labels, genders, vectors, task: tasks.Task
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns how often the same hair is nearer than the same gender.

    The mean over the queries of P(similarity to a portrait of the query's
    label and the other gender > similarity to one of another label and the
    query's gender), ties by half.

    A portrait is query in one comparison and answer in others. The standard
    error counts all its roles: it is the root of the summed squares of what
    each portrait adds to the mean. That of the queries alone is half as large,
    and too small.

    Args:
        labels: Integer array [N], none missing.
        genders: Integer array [N], none missing.
        vectors: Float32 array [N, d] of unit rows.
        task: The task of the labels.

    Returns:
        Three arrays [all, female, male]: the means, NaN where no query has
        both kinds of portraits to compare; how many queries have; and the
        standard errors.

    Source:
        DeLong, DeLong and Clarke-Pearson, Comparing the areas under two or
        more correlated receiver operating characteristic curves, 1988.
    """
    size = tasks.GENDER.num_classes
    totals, counts = np.zeros(size), np.zeros(size, np.int64)
    # What each portrait adds to the sum over the queries of a gender, beyond
    # their mean, as one of those who are compared.
    roles = np.zeros((size, len(labels)))
    chances = np.full(len(labels), np.nan)
    bar = tqdm.tqdm(
        total=len(labels),
        desc=f"{task.name}: hair against gender",
        delay=2,
        leave=False,
    )
    with bar:
        for label, gender in np.ndindex(task.num_classes, size):
            same_label, same_gender = labels == label, genders == gender
            queries = np.flatnonzero(same_label & same_gender)
            wanted = np.flatnonzero(same_label & ~same_gender)
            others = np.flatnonzero(~same_label & same_gender)
            bar.update(len(queries))
            if not (len(queries) and len(wanted) and len(others)):
                continue
            chances[queries], for_wanted, for_others = _compare(
                vectors[queries], vectors[wanted], vectors[others]
            )
            roles[gender, wanted] += for_wanted
            roles[gender, others] += for_others
            totals[gender] += chances[queries].sum()
            counts[gender] += len(queries)
    sums = np.array([totals.sum(), *totals])
    counts = np.array([counts.sum(), *counts])
    with np.errstate(invalid="ignore"):
        means = sums / counts
    errors = np.full(len(counts), np.nan)
    for index, count in enumerate(counts):
        if count:
            own = roles.sum(axis=0) if not index else roles[index - 1].copy()
            asked = ~np.isnan(chances)
            if index:
                asked &= genders == index - 1
            own[asked] += chances[asked] - means[index]
            errors[index] = np.sqrt(np.square(own).sum()) / count
    return means, counts, errors


def _compare(queries, wanted, others):
    """Compares a cell of queries with their wanted and other portraits.

    Returns:
        Float arrays: the chance [Q] that a wanted portrait is nearer than
        another; and what each wanted and each other portrait adds to their
        sum, beyond the mean.
    """
    chances = np.empty(len(queries))
    for_wanted, for_others = np.zeros(len(wanted)), np.zeros(len(others))
    for block in neighbors.blocks(len(queries), len(wanted) + len(others)):
        hits, misses = queries[block] @ wanted.T, queries[block] @ others.T
        for index, (hit, miss) in enumerate(zip(hits, misses, strict=True)):
            above = _shares_below(miss, hit)
            chance = above.mean()
            chances[block.start + index] = chance
            for_wanted += (above - chance) / len(wanted)
            beaten = 1 - _shares_below(hit, miss)
            for_others += (beaten - chance) / len(others)
    return chances, for_wanted, for_others


def _shares_below(values, limits) -> np.ndarray:
    """Returns the share of values below each limit, equal ones by half."""
    values = np.sort(values)
    # Sorted limits are found faster, one after the other.
    order = np.argsort(limits)
    ranks = np.empty(len(limits))
    ranks[order] = np.searchsorted(values, limits[order], "left")
    ranks[order] += np.searchsorted(values, limits[order], "right")
    return ranks / 2 / len(values)
