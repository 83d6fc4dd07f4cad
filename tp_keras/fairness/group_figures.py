"""How the answers of a guarded task differ between the protected groups."""

from collections.abc import Iterator

import numpy as np

from tp_keras.data.labels import is_known
from tp_keras.data.labels import strata
from tp_keras.evaluation import figures
from tp_keras.fairness import group_counts
from tp_keras.fairness.group_counts import GroupAnswers
from tp_keras.fairness.group_counts import GroupSample
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records.record import ALL
from tp_keras.tasks import REGRESSION

# The variant of figures of cells with fewer rows than `min_count`.
UNSUPPORTED = "unsupported"


def measure_groups(
    answers: GroupAnswers, settings: FairnessSettings, seed: int
) -> Iterator[dict]:
    """Measures the answers of one task against the groups.

    A *cell* is a class and a group; it is supported with `min_count` rows. A
    number is right within its tolerance. A gap is the largest figure of a
    supported group minus the smallest. Rows without a label do not count.

    * `accuracy`, the share that is right, of all and of each group, and
      `accuracy_gap`;
    * `group_recall`, the same of each cell, small ones with the variant
      `"unsupported"`; `worst_group_recall`, the smallest of the supported
      ones, with its class and group;
    * of classes `equalized_odds_difference_max`, the largest difference
      between groups, over the classes, of true and of false positive rates,
      one class against the rest; 0 is ideal;
    * of numbers `mae`, the mean absolute error, and `mae_gap`.

    Shares have Wilson's interval, the other figures that of a bootstrap: of
    each cell for rates inside classes, of each group for rates of a whole
    group. `null` is the 95 % quantile of the figure, of a smallest recall the
    5 % quantile, when groups are permuted inside each class. A network that
    heeds the class alone has it: far from 0 where groups differ in classes.

    Yields the fields of records, but for task, seed, split and data set. Where
    too few rows count, the value is None and the count is kept.

    Source:
        Hardt, Price and Srebro, Equality of opportunity in supervised
        learning, 2016; Sagawa et al., Distributionally robust neural networks
        for group shifts, 2020.
    """
    task, counts = answers.task, answers.count()
    right, every = group_counts.right_answers(task), counts.sum(0)
    yield figures.share("accuracy", every[right].sum(), every.sum(), group=ALL)
    # A stream of its own for each task: a figure stays the same whichever
    # other tasks are measured along with it.
    seed = [seed, *task.name.encode()]
    sample = GroupSample(counts[:-1], right, settings, seed)
    groups = answers.protected.classes
    cells = sample.hits(sample.outcomes).sum(-1), sample.sizes.sum(-1)
    for group, hits, count in zip(groups, *cells, strict=True):
        yield figures.share("accuracy", hits, count, group=group)
    yield sample.figure(
        "accuracy_gap",
        lambda outcomes: np.ptp(sample.accuracies(outcomes), axis=-1),
        sample.can_compare,
        resampled=sample.by_group,
    )
    yield from _recalls(sample, group_counts.class_names(task), groups)
    if task.has_classes:
        yield from _equalized_odds(sample, task)
    if task.kind == REGRESSION:
        yield from _errors(answers, settings, seed)


def _recalls(sample, names, groups):
    hits = sample.hits(sample.outcomes)
    for cell in np.ndindex(hits.shape):
        yield figures.share(
            "group_recall",
            hits[cell],
            sample.sizes[cell],
            group=groups[cell[0]],
            class_name=names[cell[1]],
            variant=None if sample.supported[cell] else UNSUPPORTED,
        )

    def recalls(outcomes):
        return sample.recalls(outcomes)[..., sample.supported]

    where = {}
    if sample.supported.any():
        worst = np.argmin(recalls(sample.outcomes))
        index, label = np.argwhere(sample.supported)[worst]
        where = {"group": groups[index], "class_name": names[label]}
        where["count"] = sample.sizes[index, label]
    yield sample.figure(
        "worst_group_recall",
        lambda outcomes: recalls(outcomes).min(-1),
        sample.supported.any(),
        tail=group_counts.NULL_OF_MINIMUM,
        **where,
    )


def _equalized_odds(sample, task):
    """Yields the largest difference of true and of false positive rates."""
    cells = sample.supported, sample.supported_negatives
    kept = [group_counts.comparable(part) for part in cells]

    def largest_by_class(outcomes):
        found = group_counts.false_positive_rates(outcomes)
        rates = sample.recalls(outcomes), found
        found = map(group_counts.differences, rates, cells)
        return np.concatenate(list(found), axis=-1)

    # False positives alone would pass for equal odds.
    supported, fields = all(part.any() for part in kept), {}
    if supported:
        names = np.concatenate([np.array(task.classes)[part] for part in kept])
        largest = np.argmax(largest_by_class(sample.outcomes))
        fields["class_name"] = str(names[largest])
    yield sample.figure(
        "equalized_odds_difference_max",
        lambda outcomes: largest_by_class(outcomes).max(-1),
        supported,
        **fields,
    )


def _errors(answers, settings, seed):
    """Yields the mean absolute error of a number, and how the groups differ."""
    task, labels = answers.task, answers.labels
    errors = np.abs(np.subtract(answers.predictions, labels, dtype=np.float64))
    known = is_known(task, labels)
    means, deviations = [], []
    for group, rows in answers.rows().items():
        own = errors[known & rows]
        count = len(own)
        own = own if count else np.zeros(1)
        mean, deviation = own.mean(), own.std() / np.sqrt(len(own))
        interval = (max(mean - 1.96 * deviation, 0.0), mean + 1.96 * deviation)
        yield figures.figure("mae", mean, count, interval, group=group)
        if group != ALL and count >= settings.min_count:
            means.append(mean)
            deviations.append(deviation)
    known &= answers.groups >= 0
    if len(means) < 2:
        yield figures.figure("mae_gap", None, known.sum(), group=ALL)
        return
    errors, groups = errors[known], answers.groups[known]
    classes = strata(task, labels)[known]
    sizes = np.bincount(groups, minlength=answers.protected.num_classes)
    supported = sizes >= settings.min_count
    generator = np.random.default_rng(seed)
    shape = settings.num_bootstraps, len(means)
    drawn = generator.normal(means, deviations, shape)
    permuted = []
    for _ in range(settings.num_permutations):
        shuffled = group_counts.permute_within(groups, classes, generator)
        sums = np.bincount(shuffled, errors, minlength=len(sizes))
        permuted.append(np.ptp(sums[supported] / sizes[supported]))
    gap, limits = np.ptp(means), (0.0, np.inf)
    ends = group_counts.bootstrap_interval(gap, np.ptp(drawn, -1), limits)
    null = float(np.quantile(permuted, group_counts.NULL_OF_MAXIMUM))
    yield figures.figure(
        "mae_gap", gap, known.sum(), ends, group=ALL, null=null
    )


def measure_flips(
    answers: GroupAnswers, rows: np.ndarray, twin_predictions
) -> Iterator[dict]:
    """Yields the share of counterfactual pairs whose answers differ.

    By more than the tolerance of a number, or in any flag; of all pairs and of
    those of each group of the original. 0 is wanted. `rows`, an integer array
    [pairs], are those of the answers that have a twin.
    """
    flips = group_counts.differ(
        answers.task, answers.predictions[rows], twin_predictions
    )
    flips = flips.reshape(len(flips), -1).any(-1)
    for group, own in answers.rows().items():
        own = own[rows]
        fields = {"hits": flips[own].sum(), "count": own.sum(), "group": group}
        yield figures.share("counterfactual_flips", **fields)
