"""Counts of group, class and answer with their resamples and permutations."""

from collections.abc import Callable

import numpy as np

from tp_keras.evaluation import figures
from tp_keras.fairness import group_counts
from tp_keras.fairness import resampling
from tp_keras.fairness.settings import FairnessSettings
from tp_keras.records.record import ALL


class GroupSample:
    """Counts of group, class and answer, and what chance makes of them.

    Args:
        outcomes: Int64 array [G, S, C]; group, class, answer.
        right: Bool array [S, C]: the right answers of each class.
        settings: How much data a figure needs; how often to draw.
        seed: Where chance starts, a sequence of integers.

    Attributes:
        sizes: Int64 array [G, S]: the rows of each cell of group and class.
        supported: Bool array [G, S]: the cells with `min_count` rows.
        supported_negatives: Bool array [G, S]: those whose group has as many
            rows of the other classes.
        supported_groups: Bool array [G]: the groups with as many rows.
        by_cell: Int64 array [B, G, S, C]: resamples of each cell.
        by_group: Int64 array [B, G, S, C]: resamples of each group.
        permuted: Int64 array [P, G, S, C]: groups permuted in each class.
    """

    def __init__(self, outcomes, right, settings: FairnessSettings, seed):
        self.outcomes = outcomes
        self.right = right
        self.sizes = outcomes.sum(-1)
        self.count = int(self.sizes.sum())
        least, draws = settings.min_count, settings.num_bootstraps
        negatives = group_counts.count_negatives(outcomes)
        self.supported = self.sizes >= least
        self.supported_negatives = negatives >= least
        self.supported_groups = self.sizes.sum(-1) >= least
        generator = np.random.default_rng(seed)
        self.by_cell = resampling.resample_within_classes(
            outcomes, draws, generator
        )
        self.by_group = resampling.resample_within_groups(
            outcomes, draws, generator
        )
        self.permuted = resampling.permute_groups(
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
        return group_counts.share(self.hits(outcomes), np.sum(outcomes, -1))

    def accuracies(self, outcomes) -> np.ndarray:
        """Returns the share that is right of the groups that are supported."""
        outcomes = outcomes[..., self.supported_groups, :, :]
        whole = np.sum(outcomes, (-2, -1))
        return group_counts.share(self.hits(outcomes).sum(-1), whole)

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
        """Makes the fields of a record with bootstrap interval and null.

        Args:
            metric: What is measured.
            value_of: From counts [..., G, S, C] to values [...].
            supported: Whether there are rows enough; else there is no value.
            resampled: Counts [B, G, S, C]; None: those of each cell.
            group: Whose rows these are.
            count: How many rows these are; None: all.
            limits: Least and largest value there can be.
            tail: Which quantile of the permutations is told; None: none is.
            **fields: Further fields of the record.
        """
        fields["group"] = group
        count = self.count if count is None else count
        if not supported:
            return figures.figure(metric, None, count, **fields)
        value = float(value_of(self.outcomes))
        samples = value_of(self.by_cell if resampled is None else resampled)
        if tail is not None:
            fields["null"] = float(np.quantile(value_of(self.permuted), tail))
        interval = resampling.bootstrap_interval(value, samples, limits)
        return figures.figure(metric, value, count, interval, **fields)
