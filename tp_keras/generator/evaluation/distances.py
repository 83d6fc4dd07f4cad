"""How far candidates are from real portraits: kernel distances on one scale."""

import dataclasses
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence

import numpy as np

from tp_keras.errors import UserError
from tp_keras.evaluation import figures
from tp_keras.generator.evaluation.candidates import EIGENFACES
from tp_keras.generator.evaluation.candidates import REAL
from tp_keras.records.intervals import percentile_interval
from tp_keras.records.record import ALL

KERNEL_SCORE = "normalized_kernel_distance"

_FEWEST_ROWS = 20

# Random halves of the rows that an interval of a score rests on.
_SCORE_DRAWS = 100


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A figure with what its rows leave open.

    Attributes:
        value: Float, from all rows.
        draws: float64 `[draws]`: what it may have been with other rows, draw
            for draw comparable with an estimate of the same halves.
    """

    value: float
    draws: np.ndarray

    @classmethod
    def from_halves(cls, value, halves):
        """Makes an estimate of the figures `[draws]` of random halves.

        A figure of half of the rows, drawn without replacement, is spread
        about that of all rows as the latter is about the truth (Shao and Wu,
        1989, the delete-d jackknife). Unlike in a bootstrap no row comes
        twice, which a distance would take for likeness.
        """
        halves = np.asarray(halves, np.float64)
        return cls(float(value), value + halves - halves.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval."""
        return percentile_interval(self.draws)


def draw_halves(count, number, seed) -> np.ndarray:
    """Draws random halves of `count` rows: bool `[number, count]`.

    Candidates that are held against one reference share the luck of its rows,
    which cancels out: the same arguments give the same halves.
    """
    order = np.random.default_rng([seed, count]).random((number, count))
    ranks = order.argsort(axis=1).argsort(axis=1)
    return ranks < count // 2


def kernel_distance(candidate, reference, num_draws=200, seed=0) -> Estimate:
    """Estimates the squared maximum mean discrepancy, without bias.

    With the kernel `(x . y / size + 1)^3`: zero where means, covariances and
    third moments agree. About 0, and as often below as above, where both
    samples come from one distribution, however few rows there are. Sources:
    Gretton et al., A kernel two-sample test, 2012; the kernel of Binkowski et
    al., Demystifying MMD GANs, arXiv:1801.01401. Both are float arrays `[n,
    size]` and independent; the interval rests on `num_draws` halves.
    """
    candidate = np.asarray(candidate, np.float64)
    reference = np.asarray(reference, np.float64)
    across = _kernel(candidate, reference)
    within = [_kernel(x, x) for x in (candidate, reference)]
    for kernel in within:
        np.fill_diagonal(kernel, 0.0)

    def distances(rows, others):
        return (
            mean_of_pairs(within[0], rows, rows, True)
            + mean_of_pairs(within[1], others, others, True)
            - 2 * mean_of_pairs(across, rows, others, False)
        )

    everyone = [np.ones((1, size), bool) for size in across.shape]
    halves = [draw_halves(size, num_draws, seed) for size in across.shape]
    return Estimate.from_halves(distances(*everyone)[0], distances(*halves))


def normalized_score(
    candidate: Estimate, real: Estimate, eigenfaces: Estimate
) -> Estimate | None:
    """Places a candidate between real portraits and eigenfaces.

    `(m(candidate) - m(real)) / (m(eigenfaces) - m(real))` for a distance m: 0
    is as real portraits, 1 as eigenfaces, whatever the judge and the data set.
    None where eigenfaces are not surely farther than real portraits: the scale
    then has no length.
    """
    lengths = eigenfaces.draws - real.draws
    if percentile_interval(lengths)[0] <= 0:
        return None
    return Estimate(
        (candidate.value - real.value) / (eigenfaces.value - real.value),
        # A draw without length, rare by now, would make it infinite.
        (candidate.draws - real.draws)[lengths > 0] / lengths[lengths > 0],
    )


def pool(estimates: Sequence[Estimate]) -> Estimate:
    """Returns the mean of what several judges estimate of one thing.

    Its draws are those of all judges together: its interval holds what chance
    makes of the rows, and what another of these judges would have said.
    """
    values = [estimate.value for estimate in estimates]
    draws = [estimate.draws for estimate in estimates]
    return Estimate(float(np.mean(values)), np.concatenate(draws))


@dataclasses.dataclass(frozen=True)
class Described:
    """Portraits as one judge sees them.

    Attributes:
        name: Of the space of features, without blanks.
        reference: float `[n, size]`, of test portraits.
        candidates: Name of a candidate -> float `[count, size]`.
    """

    name: str
    reference: np.ndarray
    candidates: dict[str, np.ndarray]


def measure_distances(
    spaces: Sequence[Described], pooled: Mapping[str, Sequence], seed: int
) -> Iterator[dict]:
    """Yields the kernel score of each candidate in each space of features.

    Yields fields of records `normalized_kernel_distance`, of the `variant`
    `"<candidate> <space>"`. Those of `pooled`, name -> names of spaces, are the
    mean over these; a space in which eigenfaces are as near as real portraits
    has no scale, for no candidate, and is left out of it.

    Raises:
        UserError: If there are too few portraits.
    """
    first = spaces[0]
    every = {"test": first.reference, **first.candidates}
    sizes = {name: len(rows) for name, rows in every.items()}
    small = {name: size for name, size in sizes.items() if size < _FEWEST_ROWS}
    if small:
        raise UserError(
            f"Expected at least {_FEWEST_ROWS} portraits of each kind to "
            f"measure distances. Received: {small}"
        )
    scores = {}
    for space in spaces:
        found = {
            name: kernel_distance(rows, space.reference, _SCORE_DRAWS, seed)
            for name, rows in space.candidates.items()
        }
        for name, estimate in found.items():
            scores[name, space.name] = normalized_score(
                estimate, found[REAL], found[EIGENFACES]
            )
    for title, names in pooled.items():
        for candidate in first.candidates:
            known = [scores[candidate, name] for name in names]
            known = [score for score in known if score]
            scores[candidate, title] = pool(known) if known else None
    for (candidate, space), score in scores.items():
        yield figures.figure(
            KERNEL_SCORE,
            score and score.value,
            sizes[candidate],
            score.interval if score else (None, None),
            task=ALL,
            group=ALL,
            variant=f"{candidate} {space}",
        )


def _kernel(a, b):
    return (a @ b.T / a.shape[1] + 1) ** 3


def mean_of_pairs(values, rows, columns, is_square) -> np.ndarray:
    """Returns the mean of parts of a table `[n, m]`: float64 `[parts]`.

    Rows and columns are bool `[parts, n]` and `[parts, m]`. In a square one
    they are the same, its diagonal is 0, and pairs are of different rows.
    """
    rows, columns = rows.astype(np.float64), columns.astype(np.float64)
    sums = ((rows @ values) * columns).sum(1)
    return sums / (rows.sum(1) * (columns.sum(1) - is_square))
