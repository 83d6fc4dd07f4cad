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

    * `accuracy` of all and of each group, `accuracy_gap`, and
      `neutral_accuracy`, the mean of the groups' accuracies less that gap;
    * `group_recall`, the same of each cell, small ones with the variant
      `"unsupported"`; `worst_group_recall`, the smallest of the supported ones;
    * of classes `equalized_odds_difference_max`, the largest difference
      between groups, over the classes, of true and of false positive rates;
    * of numbers `mae`, the mean absolute error, and `mae_gap`.

    Shares have Wilson's interval, the other figures that of a bootstrap. `null`
    is the 95 % quantile of the figure, of a smallest recall and of
    `neutral_accuracy` the 5 % quantile, when groups are permuted inside each
    class.

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
    # A figure stays the same whichever other tasks are measured along with it.
    seed = [seed, *task.name.encode()]
    sample = GroupSample(counts[:-1], right, settings, seed)
    groups = answers.protected.classes
    hits = sample.hits(sample.outcomes)
    cells = groups, hits.sum(-1), sample.sizes.sum(-1)
    for group, right, count in zip(*cells, strict=True):
        yield figures.share("accuracy", right, count, group=group)
    yield sample.figure(
        "accuracy_gap",
        lambda outcomes: np.ptp(sample.accuracies(outcomes), axis=-1),
        sample.can_compare,
        resampled=sample.by_group,
    )
    yield sample.figure(
        "neutral_accuracy",
        lambda outcomes: _neutral(sample.accuracies(outcomes)),
        sample.can_compare,
        resampled=sample.by_group,
        limits=(-0.5, 1.0),
        tail=group_counts.NULL_OF_MINIMUM,
    )
    yield from _recalls(sample, hits, group_counts.class_names(task), groups)
    if task.has_classes:
        yield _equalized_odds(sample, task)
    if task.kind == REGRESSION:
        yield from _errors(answers, settings, seed)


def _neutral(accuracies):
    return accuracies.mean(-1) - np.ptp(accuracies, axis=-1)


def _recalls(sample, hits, names, groups):
    """Yields the recall of each cell, and that of the worst supported one."""
    for cell in np.ndindex(hits.shape):
        where = {"group": groups[cell[0]], "class_name": names[cell[1]]}
        where["variant"] = None if sample.supported[cell] else UNSUPPORTED
        pair = hits[cell], sample.sizes[cell]
        yield figures.share("group_recall", *pair, **where)

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
        bool(where),
        tail=group_counts.NULL_OF_MINIMUM,
        **where,
    )


def _equalized_odds(sample, task):
    """Returns the largest difference of true and of false positive rates."""
    cells = sample.supported, sample.supported_negatives
    kept = [group_counts.comparable(part) for part in cells]

    def by_class(outcomes):
        others = group_counts.false_positive_rates(outcomes)
        rates = sample.recalls(outcomes), others
        found = map(group_counts.differences, rates, cells)
        return np.concatenate(list(found), axis=-1)

    # False positives alone would pass for equal odds.
    supported, fields = all(part.any() for part in kept), {}
    if supported:
        names = np.concatenate([np.array(task.classes)[part] for part in kept])
        fields["class_name"] = str(names[np.argmax(by_class(sample.outcomes))])
    return sample.figure(
        "equalized_odds_difference_max",
        lambda outcomes: by_class(outcomes).max(-1),
        supported,
        **fields,
    )


def _errors(answers, settings, seed):
    """Yields the mean absolute error of a number, and how the groups differ."""
    task, labels = answers.task, answers.labels
    errors = np.abs(np.subtract(answers.predictions, labels, dtype=np.float64))
    known = is_known(task, labels)
    supported = []
    for group, rows in answers.rows().items():
        own = errors[known & rows]
        count = len(own)
        own = own if count else np.zeros(1)
        mean, deviation = own.mean(), own.std() / np.sqrt(len(own))
        interval = (max(mean - 1.96 * deviation, 0.0), mean + 1.96 * deviation)
        yield figures.figure("mae", mean, count, interval, group=group)
        if group != ALL and count >= settings.min_count:
            supported.append((mean, deviation))
    known &= answers.groups >= 0
    gap, about = None, {"group": ALL}
    if len(supported) >= 2:
        means, deviations = np.transpose(supported)
        errors, groups = errors[known], answers.groups[known]
        classes = strata(task, labels)[known]
        sizes = np.bincount(groups, minlength=answers.protected.num_classes)
        enough = sizes >= settings.min_count
        generator = np.random.default_rng(seed)
        shape = settings.num_bootstraps, len(means)
        drawn = np.ptp(generator.normal(means, deviations, shape), -1)
        permuted = []
        for _ in range(settings.num_permutations):
            shuffled = group_counts.permute_within(groups, classes, generator)
            sums = np.bincount(shuffled, errors, minlength=len(sizes))
            permuted.append(np.ptp(sums[enough] / sizes[enough]))
        gap = np.ptp(means)
        draws = gap, drawn, (0.0, np.inf)
        about["interval"] = group_counts.bootstrap_interval(*draws)
        null = np.quantile(permuted, group_counts.NULL_OF_MAXIMUM)
        about["null"] = float(null)
    yield figures.figure("mae_gap", gap, known.sum(), **about)


def measure_flips(
    answers: GroupAnswers, rows: np.ndarray, twin_predictions
) -> Iterator[dict]:
    """Yields the share of counterfactual pairs whose answers differ.

    By more than the tolerance of a number, or in any flag; of all pairs and of
    each group. `rows`, integers [pairs], are the answers that have a twin.
    """
    flips = group_counts.differ(
        answers.task, answers.predictions[rows], twin_predictions
    )
    flips = flips.reshape(len(flips), -1).any(-1)
    for group, own in answers.rows().items():
        own = own[rows]
        fields = {"hits": flips[own].sum(), "count": own.sum(), "group": group}
        yield figures.share("counterfactual_flips", **fields)
