"""Density and coverage: are samples where the real ones are, and all there?"""

import numpy as np
from scipy.spatial.distance import cdist

from tp_keras.errors import UserError
from tp_keras.generator.evaluation.estimate import Estimate
from tp_keras.generator.evaluation.estimate import draw_halves


def density_coverage(
    candidate, reference, neighbors=5, num_draws=100, seed=0
) -> tuple[Estimate, Estimate]:
    """Estimates density and coverage of a sample.

    About each reference row lies a ball that reaches to its k-th neighbour
    among the other reference rows. Density is how many balls a candidate is
    in, on average, divided by k: 1 on average for real samples, more where
    samples crowd in the middle. Coverage is the share of balls with a
    candidate in it: about `1 - 2^-k` for real samples, less where some kinds
    of portraits are never made.

    Both depend on the number of rows: compare samples of one size.

    Args:
        candidate: Float array `[n, size]`.
        reference: Float array `[m, size]`.
        neighbors: Int k, less than a half of the reference rows.
        num_draws: How many halves the intervals rest on.
        seed: Int. Decides the halves.

    Returns:
        Two `Estimate`s, density and coverage.

    Raises:
        UserError: If there are too few reference rows.

    Source:
        Naeem et al., Reliable fidelity and diversity metrics for generative
        models, 2020, arXiv:2002.09797.
    """
    if len(reference) < 2 * (neighbors + 1):
        raise UserError(
            f"Expected at least {2 * (neighbors + 1)} reference portraits for "
            f"{neighbors} neighbours. Received: {len(reference)} portraits"
        )
    among = cdist(reference, reference).astype(np.float32)
    across = cdist(reference, candidate).astype(np.float32)
    halves = [
        _measure(
            among[np.ix_(rows, rows)], across[np.ix_(rows, others)], neighbors
        )
        for rows, others in zip(
            draw_halves(len(reference), num_draws, seed),
            draw_halves(len(candidate), num_draws, seed),
            strict=True,
        )
    ]
    density, coverage = (
        Estimate.from_halves(value, draws, least=0.0, most=most)
        for value, draws, most in zip(
            _measure(among, across, neighbors),
            np.transpose(halves),
            (np.inf, 1.0),
            strict=True,
        )
    )
    return density, coverage


def _measure(among, across, neighbors):
    # Its own distance of 0 comes first.
    radii = np.partition(among, neighbors, axis=1)[:, neighbors]
    inside = across < radii[:, None]
    density = inside.sum() / (neighbors * across.shape[1])
    return density, inside.any(1).mean()
