"""Answers counted by group and class, and what chance makes of the counts.

Counts are an array [..., G, S, C]: group, class of the label, answer. A number
has the ranges of `labels.strata` for classes, and one with flags its flags;
the answers of both are wrong and right. What is not defined is NaN.
"""

import dataclasses
import functools
from collections.abc import Callable

import numpy as np

from tp_keras.data import labels as labels_lib
from tp_keras.evaluation import figures
from tp_keras.evaluation.metrics import ratio
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records import intervals
from tp_keras.records.record import ALL
from tp_keras.tasks import MULTI_LABEL
from tp_keras.tasks import REGRESSION
from tp_keras.tasks import Task

# Quantiles under the null hypothesis: a maximum has to be above, a minimum
# below, to be more than chance.
NULL_OF_MAXIMUM = 0.95
NULL_OF_MINIMUM = 0.05


@dataclasses.dataclass(frozen=True)
class GroupAnswers:
    """Answers to a task, with the labels and the groups of the portraits.

    Labels and predictions have the form of labels in `Portraits`. `groups` is
    an integer array [N] of classes of the task `protected`, -1 where unknown.
    """

    task: Task
    labels: np.ndarray
    predictions: np.ndarray
    groups: np.ndarray
    protected: Task

    def rows(self) -> dict[str, np.ndarray]:
        """Returns the rows of all and of each group: name -> bool [N]."""
        rows = {ALL: np.full(len(self.groups), True)}
        for index, group in enumerate(self.protected.classes):
            rows[group] = self.groups == index
        return rows

    def count(self) -> np.ndarray:
        """Counts rows with a label: int64 [G + 1, S, C], no group the last."""
        task, groups, answers = self.task, self.groups, self.predictions
        classes = labels_lib.strata(task, self.labels)
        if task.kind == MULTI_LABEL:
            known = labels_lib.is_known(task, self.labels)
            classes = np.where(known, np.arange(task.num_classes), -1).ravel()
            groups = np.repeat(groups, task.num_classes)
        if not task.has_classes:
            answers = ~differ(task, answers, self.labels).ravel()
        shape = self.protected.num_classes + 1, *right_answers(task).shape
        cells = np.stack([groups % shape[0], classes, answers])
        cells = np.ravel_multi_index(cells[:, classes >= 0].astype(int), shape)
        return np.bincount(cells, minlength=np.prod(shape)).reshape(shape)


def class_names(task: Task) -> tuple[str, ...]:
    """Returns the names of the classes S, of a number those of its ranges."""
    number = task.kind == REGRESSION
    return labels_lib.ranges_of(task)[1] if number else task.classes


def right_answers(task: Task) -> np.ndarray:
    """Returns which answer is right for each class: bool [S, C]."""
    size = len(class_names(task))
    if task.has_classes:
        return np.eye(size, dtype=bool)
    return np.tile([False, True], (size, 1))


def differ(task: Task, first, second) -> np.ndarray:
    """Returns where answers differ, beyond tolerance: bool [N(, flags)]."""
    if task.kind == REGRESSION:
        return ~(np.abs(np.subtract(first, second)) <= task.tolerance)
    return np.not_equal(first, second)


def false_positive_rates(outcomes) -> np.ndarray:
    """Returns how often the others are called by a class: [..., G, K]."""
    hits = np.diagonal(outcomes, axis1=-2, axis2=-1)
    return ratio(np.sum(outcomes, -2) - hits, _count_negatives(outcomes))


def _count_negatives(outcomes):
    """Returns the rows of all classes but one: [..., G, S]."""
    sizes = np.sum(outcomes, -1)
    return sizes.sum(-1, keepdims=True) - sizes


def differences(rates, counted) -> np.ndarray:
    """Returns the largest rate [..., G, S] minus the smallest, by class.

    Of the comparable classes; `counted`, bool [G, S], are the rates that count.
    """
    kept = comparable(counted)
    rates, counted = np.asarray(rates)[..., kept], counted[:, kept]
    largest = np.where(counted, rates, -np.inf).max(-2)
    return largest - np.where(counted, rates, np.inf).min(-2)


def comparable(counted) -> np.ndarray:
    """Returns the classes of which two or more groups count: bool [S]."""
    return np.sum(counted, 0) >= 2


def resample(
    outcomes, num_axes: int, num_bootstraps: int, generator
) -> np.ndarray:
    """Draws the rows of counts again: int64 [B, G, S, C].

    The first `num_axes` axes are the strata: group and class of rates inside a
    class, the group of those of a whole group, whose mix of classes is chance.
    """
    shape = np.shape(outcomes)
    parts = np.reshape(outcomes, (np.prod(shape[:num_axes]), -1))
    draw = intervals.resample_confusion_matrix
    return draw(parts, num_bootstraps, generator).reshape(-1, *shape)


def permute_groups(outcomes, num_permutations: int, generator) -> np.ndarray:
    """Deals the rows of each class to the groups anew: int64 [P, G, S, C].

    So they would be if answers depended on class and chance alone.
    """
    outcomes = np.asarray(outcomes)
    permuted = np.zeros((num_permutations, *outcomes.shape), np.int64)
    for label, sizes in enumerate(outcomes.sum(-1).T):
        # The first group's answers, then the next one's among what is left.
        left = np.tile(outcomes[:, label].sum(0), (num_permutations, 1))
        for group, size in enumerate(sizes[:-1]):
            draw = generator.multivariate_hypergeometric
            drawn = [draw(row, size, method="marginals") for row in left]
            permuted[:, group, label] = drawn
            left -= permuted[:, group, label]
        permuted[:, -1, label] = left
    return permuted


def permute_within(groups, classes, generator) -> np.ndarray:
    """Returns integer array [N], the groups shuffled inside each class [N]."""
    shuffled = groups.copy()
    for label in np.unique(classes):
        rows = classes == label
        shuffled[rows] = generator.permutation(groups[rows])
    return shuffled


def bootstrap_interval(
    value: float, samples, limits: tuple[float, float] = (0.0, 1.0)
) -> tuple[float, float]:
    """Returns a 95 % interval of a difference, a maximum or a minimum.

    Noise adds to a maximum: the middle 95 % of its resamples [B] may miss the
    truth. Mirrored at the value they correct for that, but fall short where one
    rate stands out. So each end is the wider one of the two (Davison and
    Hinkley, Bootstrap Methods and their Application, 1997, 5.2 and 5.3).
    """
    low, high = intervals.percentile_interval(samples)
    return (
        max(min(low, 2 * value - high), limits[0]),
        min(max(high, 2 * value - low), limits[1]),
    )


class GroupSample:
    """Counts of group, class and answer, and what chance makes of them.

    Of `outcomes`, int64 [G, S, C], and the answers `right`, bool [S, C].
    `sizes`, int64 [G, S], are the rows of each cell of group and class. Bool
    arrays tell what has `min_count` rows: `supported` [G, S] the cells,
    `supported_negatives` the group's rows of other classes, `supported_groups`
    [G] the groups. `by_group` are resamples of each group [B, G, S, C].
    """

    def __init__(self, outcomes, right, settings: FairnessSettings, seed):
        self.outcomes, self.right = outcomes, right
        self.sizes = outcomes.sum(-1)
        least, draws = settings.min_count, settings.num_bootstraps
        self.supported = self.sizes >= least
        self.supported_negatives = _count_negatives(outcomes) >= least
        self.supported_groups = self.sizes.sum(-1) >= least
        self.can_compare = self.supported_groups.sum() >= 2
        generator = np.random.default_rng(seed)
        self._by_cell = resample(outcomes, 2, draws, generator)
        self.by_group = resample(outcomes, 1, draws, generator)
        self._generator = generator
        self._num_permutations = settings.num_permutations

    @functools.cached_property
    def _permuted(self):
        """What chance makes of the counts; not every figure asks."""
        count = self._num_permutations
        return permute_groups(self.outcomes, count, self._generator)

    def hits(self, outcomes) -> np.ndarray:
        """Returns the right answers of counts: [..., G, S]."""
        return np.sum(outcomes * self.right, -1)

    def recalls(self, outcomes) -> np.ndarray:
        """Returns the share that is right of each group and class."""
        return ratio(self.hits(outcomes), np.sum(outcomes, -1))

    def accuracies(self, outcomes) -> np.ndarray:
        """Returns the share that is right of the groups that are supported."""
        outcomes = outcomes[..., self.supported_groups, :, :]
        return ratio(self.hits(outcomes).sum(-1), np.sum(outcomes, (-2, -1)))

    def figure(
        self, metric: str, value_of: Callable, supported: bool, **fields
    ) -> dict:
        """Makes the fields of a record with bootstrap interval and null.

        `value_of` is a function from counts [..., G, S, C] to values [...]. Of
        the fields `resampled` are counts [B, G, S, C], by default those of each
        cell, `limits` the ends of what the figure can be, and `tail` is the
        quantile of the permutations that is told, if any.
        """
        resampled = fields.pop("resampled", self._by_cell)
        limits = fields.pop("limits", (0.0, 1.0))
        tail = fields.pop("tail", NULL_OF_MAXIMUM)
        fields = {"group": ALL, "count": int(self.sizes.sum())} | fields
        if not supported:
            return figures.figure(metric, None, **fields)
        value = float(value_of(self.outcomes))
        if tail is not None:
            fields["null"] = float(np.quantile(value_of(self._permuted), tail))
        interval = bootstrap_interval(value, value_of(resampled), limits)
        return figures.figure(metric, value, interval=interval, **fields)
