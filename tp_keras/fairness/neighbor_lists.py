"""Lists of neighbours, and the means of what is measured of them."""

from collections.abc import Iterator
from collections.abc import Sequence

import numpy as np

from tp_keras import tasks
from tp_keras.evaluation import neighbors
from tp_keras.fairness.neighbor_genders import NeighborGenders

# Found beyond the longest list, to fill it up where some rows are left out.
_SPARE = 30


class NeighborLists:
    """The neighbours of each row among all others, and across the genders.

    Args:
        labels: Integer array [N], none missing.
        genders: Integer array [N], none missing.
        near: Integer array [N, K]: the nearest of all other rows.
        across: Integer array [N, L]: the nearest rows of the other gender.
        num_classes: The number of labels.
    """

    def __init__(self, labels, genders, near, across, num_classes: int):
        self.labels = labels
        self.genders = genders
        self.near = near
        self.across = across
        self.num_classes = num_classes

    @classmethod
    def find(cls, labels, genders, vectors, num_classes: int, longest: int):
        """Finds the lists of unit rows [N, d], of the length `longest`.

        They are shorter where the gallery is smaller: that of the other gender
        as short as it is for the gender with fewer others.
        """
        count, sizes = len(labels), np.bincount(genders, minlength=2)
        near = np.zeros((count, 0), np.int64)
        size = min(longest + _SPARE, count - 1)
        if size > 0:
            near, _ = neighbors.find_neighbors(
                vectors, vectors, size, skip_self=True
            )
        size = min(longest + _SPARE, sizes.min())
        across = np.zeros((count, size), np.int64)
        for gender in range(tasks.GENDER.num_classes) if size else ():
            own = np.flatnonzero(genders == gender)
            other = np.flatnonzero(genders != gender)
            found, _ = neighbors.find_neighbors(
                vectors[own], vectors[other], size
            )
            across[own] = other[found]
        return cls(labels, genders, near, across, num_classes)

    def without(self, left_out: np.ndarray) -> "NeighborLists":
        """Returns the lists there would be without some rows.

        Args:
            left_out: Bool array [N].
        """
        keep = ~left_out
        numbers = np.cumsum(keep) - 1

        def filled_up(lists):
            lists = lists[keep]
            kept = keep[lists]
            order = np.argsort(~kept, axis=1, kind="stable")
            width = kept.sum(axis=1).min() if len(kept) else 0
            lists = np.take_along_axis(lists, order[:, :width], axis=1)
            return numbers[lists]

        return NeighborLists(
            self.labels[keep],
            self.genders[keep],
            filled_up(self.near),
            filled_up(self.across),
            self.num_classes,
        )

    def means(self, lengths: Sequence[int]) -> tuple[dict, dict]:
        """Returns the means over all queries and those of each gender.

        Args:
            lengths: The lengths k to measure, ascending; those that are not
                possible are left out.

        Returns:
            Two dicts of (name, k) -> array [all, female, male]: the means, NaN
            where no query counts, and how many queries count. The names are
            `"precision"`, `"cross_precision"` and, with both genders, those of
            `NeighborGenders.measure`.
        """
        columns = {}
        for name, lists in (
            ("precision", self.near),
            ("cross_precision", self.across),
        ):
            possible = _possible(lengths, lists)
            right = self.labels[lists] == self.labels[:, np.newaxis]
            hits = np.cumsum(right, axis=1)
            for k in possible:
                columns[name, k] = hits[:, k - 1] / k
        possible = _possible(lengths, self.near)
        if possible and self._has_both_genders():
            columns |= _columns(self._compositions(possible), self.genders)
        return _group_means(columns, self.genders)

    def permuted_means(
        self,
        lengths: Sequence[int],
        num_permutations: int,
        generator: np.random.Generator,
    ) -> Iterator[dict]:
        """Yields the means of `NeighborGenders` with permuted genders.

        Gender is permuted inside each class, so that it says no more of the
        neighbours than the label does.
        """
        possible = _possible(lengths, self.near)
        if not possible or not self._has_both_genders():
            return
        compositions = self._compositions(possible)
        classes = [
            np.flatnonzero(self.labels == label)
            for label in range(self.num_classes)
        ]
        for _ in range(num_permutations):
            genders = self.genders.copy()
            for rows in classes:
                genders[rows] = generator.permutation(genders[rows])
            yield _group_means(_columns(compositions, genders), genders)[0]

    def _has_both_genders(self):
        return len(np.unique(self.genders)) == tasks.GENDER.num_classes

    def _compositions(self, lengths):
        return NeighborGenders(
            self.labels,
            self.genders,
            self.near[:, : lengths[-1]],
            lengths,
            self.num_classes,
        )


def _possible(lengths, lists):
    return [k for k in lengths if k <= lists.shape[1]]


def _columns(compositions, genders) -> dict:
    """Returns (name, k) -> float array [N]."""
    return {
        (name, k): values[:, index]
        for name, values in compositions.measure(genders).items()
        for index, k in enumerate(compositions.lengths)
    }


def _group_means(columns, genders) -> tuple[dict, dict]:
    if not columns:
        return {}, {}
    table = np.stack(list(columns.values()))
    defined = ~np.isnan(table)
    table = np.where(defined, table, 0.0)
    members = [
        np.flatnonzero(genders == index)
        for index in range(tasks.GENDER.num_classes)
    ]
    totals, counts = (
        np.stack([part[:, rows].sum(axis=1) for rows in members], axis=1)
        for part in (table, defined)
    )
    totals, counts = (
        np.concatenate([part.sum(axis=1, keepdims=True), part], axis=1)
        for part in (totals, counts)
    )
    with np.errstate(invalid="ignore"):
        means = totals / counts
    return (
        dict(zip(columns, means, strict=True)),
        dict(zip(columns, counts, strict=True)),
    )
