"""Answers counted by group and class, and what chance makes of the counts.

Counts are an array [..., G, S, C]: group, class of the label, answer. A number
has the ranges of `labels.strata` for classes, and one with flags its flags;
the answers of both are wrong and right. What is not defined is NaN. A thousand
draws are a few calls of NumPy, whatever the number of portraits.
"""

import dataclasses
import math
from collections.abc import Callable

import numpy as np

from tp_keras.data.labels import is_known
from tp_keras.data.labels import ranges_of
from tp_keras.data.labels import strata
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

    Attributes:
        task: The task.
        labels: Labels of it as in `Portraits`.
        predictions: What is predicted, in the form of labels.
        groups: Integer array [N], -1 where unknown.
        protected: The task whose classes are the groups.
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

    def count(self, by_group: bool = True) -> np.ndarray:
        """Counts the rows with a label and a group: int64 [G, S, C].

        Without `by_group` all rows are one group.
        """
        task, groups, num_groups = self.task, np.zeros(len(self.groups), int), 1
        if by_group:
            groups, num_groups = self.groups, self.protected.num_classes
        classes, answers = strata(task, self.labels), self.predictions
        if task.kind == MULTI_LABEL:
            known = is_known(task, self.labels)
            classes = np.where(known, np.arange(task.num_classes), -1).ravel()
            groups = np.repeat(groups, task.num_classes)
        if not task.has_classes:
            answers = ~differ(task, answers, self.labels).ravel()
        shape = (num_groups, *right_answers(task).shape)
        known = (classes >= 0) & (groups >= 0)
        cells = groups[known], classes[known], np.asarray(answers, int)[known]
        cells = np.ravel_multi_index(cells, shape)
        return np.bincount(cells, minlength=np.prod(shape)).reshape(shape)


def class_names(task: Task) -> tuple[str, ...]:
    """Returns the names of the classes S, of a number those of its ranges."""
    return ranges_of(task)[1] if task.kind == REGRESSION else task.classes


def right_answers(task: Task) -> np.ndarray:
    """Returns which answer is right for each class: bool [S, C]."""
    size = len(class_names(task))
    if task.has_classes:
        return np.eye(size, dtype=bool)
    return np.tile([False, True], (size, 1))


def differ(task: Task, first, second) -> np.ndarray:
    """Returns where answers are not the same: bool [N], or [N, flags].

    Both in the form of labels; numbers are the same within the tolerance.
    """
    if task.kind == REGRESSION:
        return ~(np.abs(np.subtract(first, second)) <= task.tolerance)
    return np.not_equal(first, second)


def false_positive_rates(outcomes) -> np.ndarray:
    """Returns how often the others are called by a class: [..., G, K].

    Only of tasks with classes. NaN for a class that is all a group has.
    """
    hits = np.diagonal(outcomes, axis1=-2, axis2=-1)
    return ratio(np.sum(outcomes, -2) - hits, count_negatives(outcomes))


def count_negatives(outcomes) -> np.ndarray:
    """Returns the rows of all classes but one: [..., G, S]."""
    sizes = np.sum(outcomes, -1)
    return sizes.sum(-1, keepdims=True) - sizes


def differences(rates, counted) -> np.ndarray:
    """Returns the largest rate [..., G, S] minus the smallest, by class.

    Of the comparable classes; `counted`, bool [G, S], are the rates that count.
    """
    rates = np.asarray(rates)[..., comparable(counted)]
    counted = counted[:, comparable(counted)]
    largest = np.where(counted, rates, -np.inf).max(-2)
    return largest - np.where(counted, rates, np.inf).min(-2)


def comparable(counted) -> np.ndarray:
    """Returns the classes of which two or more groups count: bool [S]."""
    return np.sum(counted, 0) >= 2


def resample(
    outcomes, num_axes: int, num_bootstraps: int, generator
) -> np.ndarray:
    """Draws the rows of counts again, stratified by the first axes.

    Two axes, group and class, are the strata of rates inside a class. One, the
    group, is that of rates of a whole group, such as its accuracy: these depend
    on its mix of classes, and the mix is a matter of chance as well.

    Returns:
        Int64 array [B, G, S, C]; each stratum keeps its number of rows.
    """
    shape = np.shape(outcomes)
    parts = np.reshape(outcomes, (math.prod(shape[:num_axes]), -1))
    drawn = intervals.resample_confusion_matrix(
        parts, num_bootstraps, generator
    )
    return drawn.reshape(num_bootstraps, *shape)


def permute_groups(outcomes, num_permutations: int, generator) -> np.ndarray:
    """Deals the rows of each class to the groups anew: int64 [P, G, S, C].

    Each group keeps its number of rows of each class: the counts are what they
    would be if answers depended on class and chance alone. The answers of the
    first group are drawn from the multivariate hypergeometric distribution,
    then those of the second among what is left, and so on.
    """
    outcomes = np.asarray(outcomes)
    permuted = np.zeros((num_permutations, *outcomes.shape), np.int64)
    sizes = outcomes.sum(-1)
    for label in range(outcomes.shape[1]):
        answers = outcomes[:, label].sum(0)
        permuted[:, 0, label] = generator.multivariate_hypergeometric(
            answers, sizes[0, label], num_permutations, method="marginals"
        )
        left = answers - permuted[:, 0, label]
        for group in range(1, len(outcomes) - 1):
            permuted[:, group, label] = [
                generator.multivariate_hypergeometric(
                    row, sizes[group, label], method="marginals"
                )
                for row in left
            ]
            left = left - permuted[:, group, label]
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

    Noise adds to a maximum: the middle 95 % of its resamples [B] may miss both
    the measured value and the truth. Mirrored at the value they correct for
    that, but fall short where one rate stands out. So each end is the wider one
    of the two (Davison and Hinkley, Bootstrap Methods and their Application,
    1997, sections 5.2 and 5.3), inside the `limits` of the figure.
    """
    low, high = intervals.percentile_interval(samples)
    return (
        max(min(low, 2 * value - high), limits[0]),
        min(max(high, 2 * value - low), limits[1]),
    )


class GroupSample:
    """Counts of group, class and answer, and what chance makes of them.

    Args:
        outcomes: Int64 array [G, S, C].
        right: Bool array [S, C]: the right answers of each class.
        settings: How much data a figure needs; how often to draw.
        seed: Where chance starts, a sequence of integers.

    Attributes:
        sizes: Int64 array [G, S]: the rows of each cell of group and class.
        supported: Bool array [G, S]: the cells with `min_count` rows.
        supported_negatives: The same, of the group's rows of other classes.
        supported_groups: Bool array [G]: the groups with as many rows.
        by_cell: Int64 array [B, G, S, C]: resamples of each cell.
        by_group: The same of each group.
        permuted: Int64 array [P, G, S, C]: groups permuted in each class.
    """

    def __init__(self, outcomes, right, settings: FairnessSettings, seed):
        self.outcomes = outcomes
        self.right = right
        self.sizes = outcomes.sum(-1)
        least, draws = settings.min_count, settings.num_bootstraps
        self.supported = self.sizes >= least
        self.supported_negatives = count_negatives(outcomes) >= least
        self.supported_groups = self.sizes.sum(-1) >= least
        generator = np.random.default_rng(seed)
        self.by_cell = resample(outcomes, 2, draws, generator)
        self.by_group = resample(outcomes, 1, draws, generator)
        self.permuted = permute_groups(
            outcomes, settings.num_permutations, generator
        )

    @property
    def can_compare(self) -> bool:
        """Whether two groups or more are supported."""
        return self.supported_groups.sum() >= 2

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
        self,
        metric: str,
        value_of: Callable,
        supported: bool,
        *,
        resampled: np.ndarray | None = None,
        limits: tuple[float, float] = (0.0, 1.0),
        tail: float | None = NULL_OF_MAXIMUM,
        **fields,
    ) -> dict:
        """Makes the fields of a record with bootstrap interval and null.

        Args:
            metric: What is measured.
            value_of: From counts [..., G, S, C] to values [...].
            supported: Whether there are rows enough; else there is no value.
            resampled: Counts [B, G, S, C]; None: those of each cell.
            limits: Least and largest value there can be.
            tail: The quantile of the permutations that is told; None: none.
            **fields: Further fields of the record, or others than all rows.
        """
        fields = {"group": ALL, "count": int(self.sizes.sum())} | fields
        if not supported:
            return figures.figure(metric, None, **fields)
        value = float(value_of(self.outcomes))
        samples = value_of(self.by_cell if resampled is None else resampled)
        if tail is not None:
            fields["null"] = float(np.quantile(value_of(self.permuted), tail))
        interval = bootstrap_interval(value, samples, limits)
        return figures.figure(metric, value, interval=interval, **fields)
