"""How many groups a probe got right, with its interval."""

import dataclasses

import numpy as np

from tp_keras.records import intervals


@dataclasses.dataclass(frozen=True)
class ProbeResult:
    """How many groups a probe got right.

    A *cell* is a group, or with a conditional probe a class and a group.
    Without any cell there is nothing that could be probed.

    Attributes:
        hits: Float array [cells]: the rows that are right, mean over the
            probes.
        counts: Integer array [cells]: the rows.
        count: How many rows there are, also where they don't suffice.
        chance: The value of a probe that is told the class alone: the classes
            divided by the cells, so 1/G where all have all groups.
    """

    hits: np.ndarray
    counts: np.ndarray
    count: int
    chance: float

    @property
    def value(self) -> float | None:
        """The balanced accuracy, the mean over the cells; None without any."""
        if not self.counts.size:
            return None
        return float((self.hits / self.counts).mean())

    @property
    def interval(self) -> tuple[float, float] | tuple[None, None]:
        """The 95 % interval of `value` with regard to the rows tested.

        Probes that see the same rows are no new rows: their mean has the
        interval of one. That the probes of the folds share what they learned
        from is not in it: in pure noise about one interval in twelve misses
        chance, where one in twenty should.
        """
        if not self.counts.size:
            return None, None
        hits = np.rint(self.hits).astype(int)
        low, high = intervals.mean_of_shares_interval(hits, self.counts)
        # The mean of several probes is no whole number of rows.
        shift = self.value - float((hits / self.counts).mean())
        return max(low + shift, 0.0), min(high + shift, 1.0)


def mean_result(results) -> ProbeResult:
    """Returns the mean of results that count the same rows."""
    hits = np.mean([result.hits for result in results], axis=0)
    return dataclasses.replace(results[0], hits=hits)
