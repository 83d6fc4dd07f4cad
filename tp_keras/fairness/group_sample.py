"""The predictions of a task by class and gender, and their resamples."""

from collections.abc import Callable

import numpy as np

from tp_keras import tasks
from tp_keras.evaluation import figures
from tp_keras.fairness import group_counts
from tp_keras.fairness import resampling
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records.record import ALL

# The variant of figures of groups with fewer rows than `min_count`.
UNSUPPORTED = "unsupported"


class GroupSample:
    """Counts of gender, label and prediction, and their resamples.

    Attributes:
        task: What is predicted.
        outcomes: Int64 array [G, K, K]; gender, label, prediction.
        sizes: Int64 array [G, K]: the rows of each group.
        count: The number of all rows.
        supported: Bool array [G, K]: the groups with `min_count` rows.
        positives: Bool array [K]: the classes that both genders support.
        negatives: Bool array [K]: those with `min_count` rows of the other
            classes in both genders.
        any_positives: As `positives`, with one row.
        any_negatives: As `negatives`, with one row.
        both_genders: Whether both genders have `min_count` rows.
        by_group: Int64 array [B, G, K, K]: resamples of each group.
        by_gender: Int64 array [B, G, K, K]: resamples of each gender.
        permuted: Int64 array [P, G, K, K]: gender permuted in each class.
    """

    def __init__(
        self,
        task: tasks.Task,
        outcomes: np.ndarray,
        settings: FairnessSettings,
        seed: int,
    ):
        self.task = task
        self.outcomes = outcomes
        self.sizes = outcomes.sum(-1)
        self.count = int(self.sizes.sum())
        least = settings.min_count
        self.supported = self.sizes >= least
        negatives = group_counts.count_negatives(outcomes)
        self.positives = self.supported.all(0)
        self.negatives = (negatives >= least).all(0)
        self.any_positives = (self.sizes > 0).all(0)
        self.any_negatives = (negatives > 0).all(0)
        self.both_genders = bool((self.sizes.sum(-1) >= least).all())
        # A stream of its own for each task: a figure stays the same whichever
        # other tasks are measured along with it.
        generator = np.random.default_rng([seed, *task.name.encode()])
        self.by_group = resampling.resample_within_classes(
            outcomes, settings.num_bootstraps, generator
        )
        self.by_gender = resampling.resample_within_genders(
            outcomes, settings.num_bootstraps, generator
        )
        self.permuted = resampling.permute_genders(
            outcomes, settings.num_permutations, generator
        )

    def groups(self):
        """Yields `(gender index, gender, label, class name)` of each group."""
        for index, gender in enumerate(tasks.GENDER.classes):
            for label, class_name in enumerate(self.task.classes):
                yield index, gender, label, class_name

    def figure(
        self,
        metric: str,
        value_of: Callable,
        supported: bool,
        *,
        resampled: np.ndarray | None = None,
        group: str = ALL,
        count: int | None = None,
        limits: tuple[float, float] = (0.0, 1.0),
        tail: float | None = resampling.NULL_OF_MAXIMUM,
        **fields,
    ) -> dict:
        """Makes a figure with its bootstrap interval and its null quantile.

        Args:
            metric: What is measured.
            value_of: From counts [..., G, K, K] to values [...].
            supported: Whether there are rows enough; else there is no value.
            resampled: Counts [B, G, K, K]; None: those of each group.
            group: Whose rows these are.
            count: How many rows these are; None: all.
            limits: Least and largest value there can be.
            tail: Which quantile of the permutations is told; None: none is.
            **fields: Further fields of the record.

        Returns:
            The fields of a record.
        """
        fields["group"] = group
        count = self.count if count is None else count
        if not supported:
            return figures.figure(metric, None, count, **fields)
        value = float(value_of(self.outcomes))
        samples = value_of(self.by_group if resampled is None else resampled)
        if tail is not None:
            fields["null"] = float(np.quantile(value_of(self.permuted), tail))
        return figures.figure(
            metric,
            value,
            count,
            resampling.bootstrap_interval(value, samples, limits),
            **fields,
        )

    def maximum(
        self,
        metric: str,
        values_of: Callable,
        supported,
        class_names,
        **options,
    ) -> dict:
        """Makes the figure of the largest of several values, with its class.

        Args:
            metric: What is measured.
            values_of: From counts [..., G, K, K] to values [..., C].
            supported: Whether there is a value at all.
            class_names: The class of each value.
            **options: As of `figure`.
        """
        if supported:
            largest = np.argmax(values_of(self.outcomes))
            options["class_name"] = str(class_names[largest])
        return self.figure(
            metric,
            lambda outcomes: values_of(outcomes).max(-1),
            supported,
            **options,
        )
