"""What a probe found."""

import dataclasses

import numpy as np

from tp_keras.records import intervals


@dataclasses.dataclass(frozen=True)
class ProbeResult:
    """How many genders a probe got right.

    A *cell* is a gender, or with a conditional probe a class and a gender.

    Attributes:
        hits: Float array [C, 2]: the rows of each cell that are right, mean
            over the probes; C is 1 without classes.
        counts: Integer array [C, 2]: the rows of each cell.
        count: How many rows there are, also where they don't suffice.

    Without any cell there is nothing that could be probed.
    """

    hits: np.ndarray
    counts: np.ndarray
    count: int

    @property
    def value(self) -> float | None:
        """The balanced accuracy, 1/2 by chance; None if not supported."""
        if not self.counts.size:
            return None
        return float((self.hits / self.counts).mean())

    @property
    def interval(self) -> tuple[float, float] | tuple[None, None]:
        """The 95 % interval of `value` with regard to the rows tested.

        Probes that see the same rows are no new rows: their mean has the
        interval of one. That the probes of the folds share what they learned
        from is not in it: in pure noise about one interval in twelve misses
        1/2, where one in twenty should.
        """
        if not self.counts.size:
            return None, None
        hits = np.rint(self.hits).astype(int)
        low, high = intervals.mean_of_shares_interval(
            hits.ravel(), self.counts.ravel()
        )
        # The mean of several probes is no whole number of rows.
        shift = self.value - float((hits / self.counts).mean())
        return max(low + shift, 0.0), min(high + shift, 1.0)


def mean_result(results) -> ProbeResult:
    """Returns the mean of results that count the same rows."""
    first = results[0]
    return ProbeResult(
        np.mean([result.hits for result in results], axis=0),
        first.counts,
        first.count,
    )
