"""95 % intervals of the ratio of two shares."""

import math

from tp_keras.records import intervals


def ratio_interval(
    hits: int, count: int, base_hits: int, base_count: int
) -> tuple[float, float]:
    """Returns an interval of `(hits / count) / (base_hits / base_count)`.

    It is put together from Wilson's intervals of the two shares, and so stays
    honest where one of them is 0 or 1, unlike the usual interval of the
    logarithm.

    Args:
        hits: Hits of the share above the line.
        count: Its rows, at least 1.
        base_hits: Hits of the share below the line, at least 1.
        base_count: Its rows.

    Returns:
        Lower and upper end; the upper one may be infinite where the share
        below the line rests on next to nothing.

    Raises:
        ValueError: If `base_hits` is 0.

    Source:
        Donner and Zou, Closed-form confidence intervals for functions of the
        normal mean and standard deviation, 2012 (method MOVER-R).
    """
    if not base_hits:
        raise ValueError(
            "A ratio to a share of 0 is not defined. Received: base_hits=0"
        )
    share, base = hits / count, base_hits / base_count
    low, high = intervals.wilson_interval(hits, count)
    base_low, base_high = intervals.wilson_interval(base_hits, base_count)
    return (
        _end(share, low, base, base_high, -1),
        _end(share, high, base, base_low, 1),
    )


def _end(share, end, base, base_end, sign):
    """Solves for one end: the ratio that both ends together just allow."""
    product = share * base
    below = base_end * (2 * base - base_end)
    if below <= 0:
        return 0.0 if sign < 0 else math.inf
    inside = product**2 - end * (2 * share - end) * below
    root = math.sqrt(max(inside, 0.0))
    return max((product + sign * root) / below, 0.0)
