"""A figure of two samples, and what it would be on other rows."""

import dataclasses

import numpy as np

from tp_keras.records.intervals import percentile_interval


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A figure with what its rows leave open.

    Attributes:
        value: Float, from all rows.
        draws: float64 `[draws]`: what it may have been with other rows. Draw
            for draw to be compared with another estimate's, as long as both
            were made of the same halves.
    """

    value: float
    draws: np.ndarray

    @classmethod
    def from_halves(cls, value, halves, least=-np.inf, most=np.inf):
        """Makes an estimate of the figures of random halves of the rows.

        A figure of half of the rows, drawn without replacement, is spread
        about that of all rows as the latter is about the truth. Unlike the
        rows of a bootstrap none comes twice, which distances to neighbours
        and covariances would take for likeness.

        Args:
            value: Float, the figure of all rows.
            halves: Float array `[draws]`. Only their spread is used: fewer
                rows may also shift a figure.
            least: Float. The least that the figure can be.
            most: Float. The most that it can be.

        Source:
            Shao and Wu, A general theory for jackknife variance estimation,
            1989 (the delete-d jackknife, here with half of the rows).
        """
        halves = np.asarray(halves, np.float64)
        draws = value + halves - halves.mean()
        return cls(float(value), draws.clip(least, most))

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        return percentile_interval(self.draws)


def draw_halves(count, number, seed) -> np.ndarray:
    """Draws random halves of `count` rows.

    The same arguments give the same halves. So figures of several candidates
    against one reference share the luck of its rows, and it cancels out where
    they are compared.

    Returns:
        Bool array `[number, count]`, `count // 2` of each row True.
    """
    order = np.random.default_rng([seed, count]).random((number, count))
    ranks = order.argsort(axis=1).argsort(axis=1)
    return ranks < count // 2


def normalized_score(candidate, real, eigenfaces) -> Estimate | None:
    """Places a candidate between real portraits and eigenfaces.

    `(m(candidate) - m(real)) / (m(eigenfaces) - m(real))` for a distance m: 0
    is as real portraits, 1 as eigenfaces. So it keeps its meaning from one
    judge and one data set to another, which the distance itself does not.

    Args:
        candidate: `Estimate` of the candidate.
        real: `Estimate` of other real portraits.
        eigenfaces: `Estimate` of an `EigenfaceSampler`.

    Returns:
        `Estimate`, or None where eigenfaces are not surely farther than real
        portraits: the scale then has no length.
    """
    lengths = eigenfaces.draws - real.draws
    if percentile_interval(lengths)[0] <= 0:
        return None
    return Estimate(
        (candidate.value - real.value) / (eigenfaces.value - real.value),
        # A draw without length, rare by now, would make it infinite.
        (candidate.draws - real.draws)[lengths > 0] / lengths[lengths > 0],
    )
