"""The genders in the lists of neighbours, against what labels imply."""

from collections.abc import Sequence

import numpy as np

from tp_keras import tasks

# What a list should hold: the genders of the query's label, or as many women
# as men.
TARGETS = ("label", "equal")


class NeighborGenders:
    """Measures the genders in lists of neighbours.

    The rows are queries and gallery at once. With two genders a list is
    described by how many of it have the query's own gender, and a target by
    the share that should have it. All figures are per query, so that they can
    be resampled; `measure` takes the genders anew, so that they can be
    permuted inside the classes.

    Args:
        labels: Integer array [N], none missing.
        genders: Integer array [N], none missing.
        neighbors: Integer array [N, K] of row numbers, nearest first, never
            the row itself.
        lengths: The lengths k of the lists to measure, ascending, at most K.
        num_classes: The number of labels.
    """

    def __init__(
        self,
        labels: np.ndarray,
        genders: np.ndarray,
        neighbors: np.ndarray,
        lengths: Sequence[int],
        num_classes: int,
    ):
        self._labels = labels
        self._neighbors = neighbors
        self.lengths = tuple(lengths)
        self._lengths = np.asarray(lengths)
        num_genders = tasks.GENDER.num_classes
        counts = np.zeros((num_classes, num_genders), np.int64)
        np.add.at(counts, (labels, genders), 1)
        self._label_targets = _targets(counts)
        self._neighbor_targets = self._expected_from_neighbors(counts)
        # The divergences of all lists there can be, looked up afterwards.
        own = self._label_targets.ravel()
        self._skews = (
            _max_skews(self._lengths, own),
            _max_skews(self._lengths, np.array([0.5])),
        )
        size = neighbors.shape[1]
        self._divergences = (
            _weighted_divergences(size, own),
            _weighted_divergences(size, np.array([0.5])),
        )
        weights = _rank_weights(size)
        inside = np.arange(1, size + 1)[:, np.newaxis] <= self._lengths
        self._means = inside / (weights @ inside)
        # Where the entries of each rank begin.
        self._ranks = np.arange(size) * (size + 1)

    def measure(self, genders: np.ndarray) -> dict[str, np.ndarray]:
        """Measures all lists.

        Args:
            genders: Integer array [N], with as many of each gender in each
                class as those that the object was made of.

        Returns:
            Dict of float arrays [N, len(lengths)], NaN where a figure is not
            defined:

            * `share`: the share of the list that has the query's gender;
            * `target label`: P(the query's gender | the query's label) among
              the other rows;
            * `target neighbor labels`: the mean over the list of P(the query's
              gender | the neighbour's label) among the other rows;
            * `target equal`: 1/2;
            * `max_skew label`, `max_skew equal`: the greater of the two
              genders' `ln(share / target)`;
            * `ndkl label`, `ndkl equal`: the divergence of the list's
              beginnings from the target, discounted by rank.

            The share and its targets are defined for the same rows: not for
            the only row of a class, which has no `target label`.
        """
        own = genders[self._neighbors] == genders[:, np.newaxis]
        hits = np.cumsum(own, axis=1, dtype=np.int32)
        at_lengths = hits[:, self._lengths - 1]
        cells = self._labels * tasks.GENDER.num_classes + genders
        target = self._label_targets[self._labels, genders][:, np.newaxis]
        rows = np.arange(len(genders))
        neighbor_target = self._neighbor_targets[rows, :, genders]
        defined = np.where(np.isnan(target), np.nan, 1.0)
        figures = {
            "share": at_lengths / self._lengths * defined,
            "target label": np.broadcast_to(target, at_lengths.shape),
            "target neighbor labels": neighbor_target * defined,
            "target equal": np.broadcast_to(defined / 2, at_lengths.shape),
        }
        columns = np.arange(len(self._lengths))
        places = self._ranks + hits
        for index, name in enumerate(TARGETS):
            kinds = cells[:, np.newaxis] if name == "label" else 0
            figures[f"max_skew {name}"] = self._skews[index][
                kinds, columns, at_lengths
            ]
            divergences = self._divergences[index]
            terms = divergences.ravel().take(
                places + kinds * divergences[0].size
            )
            figures[f"ndkl {name}"] = terms @ self._means
        return figures

    def _expected_from_neighbors(self, counts):
        """Returns float array [N, lengths, genders]; see `measure`."""
        # The query is not in its own gallery: one row less of its own label.
        table = np.repeat(
            (counts / np.maximum(counts.sum(1, keepdims=True), 1))[np.newaxis],
            len(counts),
            axis=0,
        )
        own = np.arange(len(counts))
        table[own, own] = self._label_targets
        expected = np.empty(
            (len(self._labels), len(self._lengths), counts.shape[1])
        )
        neighbor_labels = self._labels[self._neighbors]
        for gender in range(counts.shape[1]):
            chances = table[
                self._labels[:, np.newaxis], neighbor_labels, gender
            ]
            sums = np.cumsum(chances, axis=1)[:, self._lengths - 1]
            expected[:, :, gender] = sums / self._lengths
        return expected


def _targets(counts) -> np.ndarray:
    """Returns P(gender | label) among the rows other than the query.

    Args:
        counts: Integer array [classes, genders].

    Returns:
        Float array [classes, genders], NaN for a class of fewer than two rows
        and where no query of that class and gender exists.
    """
    others = np.broadcast_to(counts.sum(1, keepdims=True) - 1, counts.shape)
    supported = (others > 0) & (counts > 0)
    return np.where(
        supported, (counts - 1) / np.where(supported, others, 1), np.nan
    )


def _rank_weights(size) -> np.ndarray:
    return 1 / np.log2(np.arange(1, size + 1) + 1)


def _log_ratios(sizes, targets):
    """Returns shares and their `ln(share / target)` for all lists there are.

    Returns:
        Two pairs of float arrays that broadcast to [targets, sizes, hits],
        for the query's own gender and for the other; NaN where the target has
        none of one gender, which no list can be compared with.
    """
    targets = targets[:, np.newaxis, np.newaxis]
    targets = np.where((targets > 0) & (targets < 1), targets, np.nan)
    hits = np.arange(sizes.max() + 1)
    # More hits than the list is long do not occur.
    share = np.minimum(hits / sizes[:, np.newaxis], 1.0)
    pairs = []
    for part, target in ((share, targets), (1 - share, 1 - targets)):
        with np.errstate(divide="ignore"):
            pairs.append((part, np.log(part / target)))
    return pairs


def _max_skews(sizes, targets) -> np.ndarray:
    (_, own), (_, other) = _log_ratios(sizes, targets)
    return np.maximum(own, other)


def _weighted_divergences(size, targets) -> np.ndarray:
    """Returns the terms of NDKL's sum, float array [targets, ranks, hits]."""
    sizes = np.arange(1, size + 1)
    divergence = np.zeros((len(targets), size, size + 1))
    for share, log_ratio in _log_ratios(sizes, targets):
        # 0 ln 0 is 0, but for a target that is not defined.
        with np.errstate(invalid="ignore"):
            # Where 0 times minus infinity is meant, it is 0.
            divergence += np.where(share > 0, share * log_ratio, 0.0)
    return divergence * _rank_weights(size)[:, np.newaxis]
