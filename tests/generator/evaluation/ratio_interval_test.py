import math

import numpy as np
import pytest
from scipy.stats.contingency import relative_risk

from tp_keras.generator.evaluation.ratio_interval import ratio_interval


def test_large_counts_agree_with_the_interval_of_the_logarithm():
    low, high = ratio_interval(7200, 9000, 8100, 9000)
    known = relative_risk(7200, 9000, 8100, 9000).confidence_interval(0.95)
    assert (low, high) == pytest.approx((known.low, known.high), abs=1e-4)


@pytest.mark.parametrize("hits, base", [(0, 20), (20, 20), (1, 2)])
def test_ends_hold_the_ratio_where_shares_are_at_their_ends(hits, base):
    low, high = ratio_interval(hits, 20, base, 20)
    assert 0 <= low <= hits / base <= high
    assert low < high


def test_it_covers_as_often_as_it_says():
    generator = np.random.default_rng(0)
    ours = generator.binomial(60, 0.9, 2000)
    theirs = generator.binomial(40, 0.95, 2000)
    covered = [
        low <= 0.9 / 0.95 <= high
        for low, high in (
            ratio_interval(int(a), 60, int(b), 40)
            for a, b in zip(ours, theirs, strict=True)
        )
    ]
    assert 0.93 < np.mean(covered) < 0.985


def test_a_base_of_next_to_nothing_has_no_upper_end():
    assert ratio_interval(5, 10, 1, 100)[1] == math.inf or (
        ratio_interval(5, 10, 1, 100)[1] > 100
    )
    with pytest.raises(ValueError, match="base_hits=0"):
        ratio_interval(5, 10, 0, 10)
