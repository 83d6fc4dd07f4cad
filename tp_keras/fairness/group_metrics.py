"""How the predictions of a hair task differ between the genders."""

from collections.abc import Iterator

import numpy as np

from tp_keras import tasks
from tp_keras.errors import UserError
from tp_keras.evaluation import figures
from tp_keras.evaluation import metrics
from tp_keras.fairness import group_counts
from tp_keras.fairness import parity
from tp_keras.fairness import resampling
from tp_keras.fairness.group_sample import UNSUPPORTED
from tp_keras.fairness.group_sample import GroupSample
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records import intervals
from tp_keras.records.record import ALL

# The variant of differences that take every group, however small.
ALL_GROUPS = "all groups"


def measure_groups(
    task: tasks.Task,
    labels,
    predictions,
    genders,
    settings: FairnessSettings,
    seed: int,
) -> Iterator[dict]:
    """Measures the predictions of one task against gender.

    A *group* is a class and a gender; it is supported with `min_count` rows.
    Rows without a label do not count. With `A_f` and `A_m` the accuracies of
    the genders:

    * `accuracy`, overall and per gender; `accuracy_gap = |A_f - A_m|` and
      `score = (A_f + A_m) / 2 - |A_f - A_m|`, the ideal of which is 1;
    * `macro_recall` per gender, the mean recall over the classes that both
      genders support, so that both have the same classes; with
      `macro_recall_gap` and `macro_score`;
    * `group_recall` of each group (Wilson), small ones with the variant
      `"unsupported"`; `worst_group_recall`, the smallest of the supported
      ones, with its class and gender;
    * `true_positive_rate_difference` and `false_positive_rate_difference` per
      class, one against the rest, with the variant `"unsupported"` where a
      gender has too few rows of the class, or of the other classes;
    * `equalized_odds_difference_max`, the largest of both over the supported
      ones, `equalized_odds_difference_mean`, the mean of their two means, and
      `equal_opportunity_difference`, the largest of true positive rates; 0 is
      ideal. The variant `"all groups"` takes every group that has a row;
    * `selection_rate` and `label_rate` per class and gender, their differences
      `demographic_parity_difference` and `label_parity_difference`, and
      `parity_amplification`, the first minus the second; per class and, as
      `..._max`, the largest. No amplification is ideal, not parity: rates that
      differ as the labels do are right.

    Shares have Wilson's interval, a mean of them one made of Wilson's, and the
    other figures that of a bootstrap: of each group for rates inside classes,
    of each gender for rates of a whole gender. `null` is the 95 % quantile of
    the figure when gender is permuted inside each true class. A minimum or a
    score is bad where it is low: there `null` is the 5 % quantile. It is what
    a network has that heeds the class alone, so it may be far from 0 where
    the genders differ in their classes.

    Args:
        task: What is predicted.
        labels: Integer array [N], `tasks.MISSING` where there is none.
        predictions: Integer array [N], classes without exception.
        genders: Integer array [N], `tasks.MISSING` where unknown.
        settings: How much data a figure needs; how often to draw.
        seed: Where chance starts.

    Yields:
        The fields of a record, but for task, seed, split and data set. Where
        too few rows count, the value is None and the count is kept.

    Raises:
        UserError: If the arrays do not fit each other or the task.

    Source:
        Hardt, Price and Srebro, Equality of opportunity in supervised
        learning, 2016; Sagawa et al., Distributionally robust neural networks
        for group shifts, 2020.

    Example:
        >>> found = measure_groups(
        ...     tasks.HAIR_COLOR, labels, predictions, genders,
        ...     FairnessSettings(), seed=0,
        ... )
        >>> worst = [f for f in found if f["metric"] == "worst_group_recall"]
        >>> worst[0]["class_name"], worst[0]["group"], worst[0]["value"]
        ('blond', 'male', 0.32)
    """
    labels, predictions, genders = _check(task, labels, predictions, genders)
    labelled = labels != tasks.MISSING
    yield figures.share(
        "accuracy",
        (predictions == labels)[labelled].sum(),
        labelled.sum(),
        group=ALL,
    )
    outcomes = group_counts.count_outcomes(
        labels, predictions, genders, task.num_classes
    )
    sample = GroupSample(task, outcomes, settings, seed)
    for figures_of in (
        _accuracies,
        _macro_recalls,
        _group_recalls,
        _rate_differences,
        _equalized_odds,
        parity.parity_figures,
    ):
        yield from figures_of(sample)


# === Per gender ===


def _accuracies(sample):
    for matrix, gender in zip(
        sample.outcomes, tasks.GENDER.classes, strict=True
    ):
        yield figures.share(
            "accuracy", np.trace(matrix), matrix.sum(), group=gender
        )
    yield from _gap_and_score(
        sample,
        ("accuracy_gap", "score"),
        metrics.accuracy,
        sample.both_genders,
        resampled=sample.by_gender,
    )


def _macro_recalls(sample):
    classes = sample.positives
    supported = bool(classes.any())
    hits = np.diagonal(sample.outcomes, axis1=-2, axis2=-1)
    for index, gender in enumerate(tasks.GENDER.classes):
        sizes = sample.sizes[index]
        if not supported:
            yield figures.figure(
                "macro_recall", None, sizes.sum(), group=gender
            )
            continue
        found, sizes = hits[index, classes], sizes[classes]
        yield figures.figure(
            "macro_recall",
            (found / sizes).mean(),
            sizes.sum(),
            intervals.mean_of_shares_interval(found, sizes),
            group=gender,
        )
    yield from _gap_and_score(
        sample,
        ("macro_recall_gap", "macro_score"),
        lambda outcomes: metrics.recall(outcomes)[..., classes].mean(-1),
        supported,
        count=_count(sample, classes),
    )


def _gap_and_score(sample, names, rates_of, supported, **options):
    """Yields the gap of a rate [..., G], and its mean minus the gap."""

    def gap(outcomes):
        rates = rates_of(outcomes)
        return np.abs(rates[..., 0] - rates[..., 1])

    def score(outcomes):
        return rates_of(outcomes).mean(-1) - gap(outcomes)

    yield sample.figure(names[0], gap, supported, **options)
    yield sample.figure(
        names[1],
        score,
        supported,
        limits=(-0.5, 1.0),
        tail=resampling.NULL_OF_MINIMUM,
        **options,
    )


# === Per class and gender ===


def _group_recalls(sample):
    hits = np.diagonal(sample.outcomes, axis1=-2, axis2=-1)
    for index, gender, label, class_name in sample.groups():
        yield figures.share(
            "group_recall",
            hits[index, label],
            sample.sizes[index, label],
            group=gender,
            class_name=class_name,
            variant=_variant(sample.supported[index, label]),
        )

    def recalls(outcomes):
        return metrics.recall(outcomes)[..., sample.supported]

    where = {}
    if sample.supported.any():
        worst = np.argmin(recalls(sample.outcomes))
        index, label = np.argwhere(sample.supported)[worst]
        where = {
            "group": tasks.GENDER.classes[index],
            "class_name": sample.task.classes[label],
            "count": sample.sizes[index, label],
        }
    yield sample.figure(
        "worst_group_recall",
        lambda outcomes: recalls(outcomes).min(-1),
        sample.supported.any(),
        tail=resampling.NULL_OF_MINIMUM,
        **where,
    )


def _rate_differences(sample):
    for metric, rates_of, known, supported, counts in (
        (
            "true_positive_rate_difference",
            metrics.recall,
            sample.any_positives,
            sample.positives,
            sample.sizes.sum(0),
        ),
        (
            "false_positive_rate_difference",
            group_counts.false_positive_rates,
            sample.any_negatives,
            sample.negatives,
            sample.count - sample.sizes.sum(0),
        ),
    ):
        for label, class_name in enumerate(sample.task.classes):
            yield sample.figure(
                metric,
                _of_class(label, rates_of),
                known[label],
                class_name=class_name,
                count=counts[label],
                variant=_variant(supported[label]),
            )


def _equalized_odds(sample):
    for variant, positives, negatives in (
        (None, sample.positives, sample.negatives),
        (ALL_GROUPS, sample.any_positives, sample.any_negatives),
    ):
        yield from _odds_of(sample, positives, negatives, variant)


def _odds_of(sample, positives, negatives, variant):
    """Yields the differences over some classes: bool arrays [K]."""

    def true_positives(outcomes):
        rates = metrics.recall(outcomes)
        return group_counts.difference(rates)[..., positives]

    def false_positives(outcomes):
        rates = group_counts.false_positive_rates(outcomes)
        return group_counts.difference(rates)[..., negatives]

    def both(outcomes):
        return np.concatenate(
            [true_positives(outcomes), false_positives(outcomes)], -1
        )

    def mean(outcomes):
        return (
            true_positives(outcomes).mean(-1)
            + false_positives(outcomes).mean(-1)
        ) / 2

    classes = np.array(sample.task.classes)
    # False positives alone would pass for equal odds.
    supported = positives.any() and negatives.any()
    yield sample.maximum(
        "equalized_odds_difference_max",
        both,
        supported,
        [*classes[positives], *classes[negatives]],
        variant=variant,
    )
    yield sample.figure(
        "equalized_odds_difference_mean", mean, supported, variant=variant
    )
    yield sample.maximum(
        "equal_opportunity_difference",
        true_positives,
        positives.any(),
        classes[positives],
        count=_count(sample, positives),
        variant=variant,
    )


# === Helpers ===


def _of_class(label, rates_of):
    """Returns what takes counts to the difference of one class's rates."""
    return lambda outcomes: group_counts.difference(rates_of(outcomes))[
        ..., label
    ]


def _count(sample, classes):
    """Returns the rows of some classes; of all where there are none."""
    return sample.sizes[:, classes].sum() if classes.any() else sample.count


def _variant(supported):
    return None if supported else UNSUPPORTED


def _check(task, labels, predictions, genders):
    arrays = []
    for name, array, least, classes in (
        ("Labels", labels, tasks.MISSING, task.num_classes),
        ("Predictions", predictions, 0, task.num_classes),
        ("Genders", genders, tasks.MISSING, tasks.GENDER.num_classes),
    ):
        array = np.asarray(array)
        if array.ndim != 1 or not np.issubdtype(array.dtype, np.integer):
            raise UserError(
                f"{name} for {task.name} must be an integer array of shape "
                f"[N]. Received: shape {array.shape} of {array.dtype}"
            )
        strange = array[(array < least) | (array >= classes)]
        if strange.size:
            raise UserError(
                f"{name} for {task.name} must lie in {least}..{classes - 1}. "
                f"Received: {strange[0]}"
            )
        arrays.append(array)
    sizes = [len(array) for array in arrays]
    if len(set(sizes)) > 1:
        raise UserError(
            f"Labels, predictions and genders for {task.name} must have as "
            f"many rows. Received: {sizes[0]}, {sizes[1]} and {sizes[2]} rows"
        )
    return arrays
