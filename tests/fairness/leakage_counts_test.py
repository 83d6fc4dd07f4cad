import itertools

import numpy as np
import pytest

from tp_keras.evaluation import metrics
from tp_keras.fairness import group_counts
from tp_keras.fairness import leakage_counts

# Portraits by gender and hair colour: black, blond, brown, gray, bald.
_HAIR_COLORS = np.array(
    [[16507, 19614, 21270, 830, 8], [16070, 916, 8256, 3850, 1817]]
)


def _predicted_right(sizes):
    """Returns counts [2, K, K] of predictions that are the labels."""
    return np.stack([np.diag(row) for row in sizes])


def test_hair_colours_of_all_portraits():
    outcomes = _predicted_right(_HAIR_COLORS)
    leakage = leakage_counts.label_leakage(outcomes)
    assert leakage == pytest.approx(0.703, abs=5e-4)
    # Who predicts all labels can't know less of gender than they tell.
    assert leakage_counts.prediction_leakage(outcomes) == leakage
    assert leakage_counts.lower_band(outcomes) == leakage
    assert leakage_counts.leakage_amplification(outcomes) == 0


def test_lower_end_at_an_accuracy_of_nine_tenths():
    outcomes = 9 * _predicted_right(_HAIR_COLORS)
    # A tenth of each class goes to the next one.
    outcomes += np.roll(_predicted_right(_HAIR_COLORS), 1, axis=-1)
    assert leakage_counts.lower_band(outcomes) == pytest.approx(0.603, abs=5e-4)


def test_by_hand():
    # Of ten women 8 are of class 0, of ten men 4: TV = 0.4, L(Y) = 0.7.
    # Called so are 7 women and 6 men: TV = 0.1, L(Yhat) = 0.55.
    outcomes = np.array([[[6, 2], [1, 1]], [[3, 1], [3, 3]]])
    assert leakage_counts.label_leakage(outcomes) == pytest.approx(0.7)
    assert leakage_counts.prediction_leakage(outcomes) == pytest.approx(0.55)
    assert leakage_counts.leakage_amplification(outcomes) == pytest.approx(
        -0.15
    )
    # Accuracies 0.7 and 0.6: 0.7 - 0.35 is less than chance.
    assert leakage_counts.lower_band(outcomes) == 0.5
    # In class 0, 6 of 8 and 3 of 4; in class 1, 1 of 2 and 3 of 6.
    assert leakage_counts.conditional_leakage(outcomes) == pytest.approx(0.5)
    outcomes[1, 1] = [0, 6]
    assert leakage_counts.conditional_leakage(outcomes) == pytest.approx(
        (0.5 + 0.75) / 2
    )


def test_leakage_is_that_of_the_best_guess():
    generator = np.random.default_rng(0)
    outcomes = generator.integers(1, 30, size=(2, 4, 4))
    women, men = group_counts.label_rates(outcomes)
    best = max(
        (women @ np.equal(guess, 0) + men @ np.equal(guess, 1)) / 2
        for guess in itertools.product((0, 1), repeat=4)
    )
    assert leakage_counts.label_leakage(outcomes) == pytest.approx(best)


def test_no_predictions_tell_less_than_the_lower_end():
    generator = np.random.default_rng(0)
    rates = generator.dirichlet([0.3] * 16, size=(20_000, 2))
    # Most of them on the diagonal, as those of a network that learned.
    right = generator.dirichlet([0.5] * 4, size=(20_000, 2))
    share = generator.uniform(size=(20_000, 1, 1, 1))
    tables = share * rates.reshape(-1, 2, 4, 4) + (1 - share) * (
        right[..., np.newaxis] * np.eye(4)
    )
    slack = leakage_counts.prediction_leakage(
        tables
    ) - leakage_counts.lower_band(tables)
    assert slack.min() > -1e-12
    # The bound is close: there are tables that nearly reach it.
    above_chance = leakage_counts.lower_band(tables) > 0.55
    assert above_chance.sum() > 1000
    assert slack[above_chance].min() < 0.01


def test_equalised_odds_stay_below_the_upper_end():
    generator = np.random.default_rng(0)
    labels = generator.dirichlet([1.0] * 3, size=(1000, 2))
    errors = generator.dirichlet([1.0] * 3, size=(1000, 1, 3))
    tables = labels[..., np.newaxis] * errors
    assert leakage_counts.conditional_leakage(tables) == pytest.approx(0.5)
    assert leakage_counts.leakage_amplification(tables).max() < 1e-12


def test_leading_axes_go_through():
    generator = np.random.default_rng(0)
    outcomes = generator.integers(1, 9, size=(7, 2, 3, 3))
    for measure in (
        leakage_counts.label_leakage,
        leakage_counts.prediction_leakage,
        leakage_counts.leakage_amplification,
        leakage_counts.conditional_leakage,
        leakage_counts.lower_band,
    ):
        assert measure(outcomes) == pytest.approx(
            [measure(one) for one in outcomes]
        )
    assert metrics.accuracy(outcomes).shape == (7, 2)


def test_a_gender_without_rows_is_not_defined():
    outcomes = np.array([[[3, 0], [0, 2]], [[0, 0], [0, 0]]])
    assert np.isnan(leakage_counts.label_leakage(outcomes))
    assert np.isnan(leakage_counts.conditional_leakage(outcomes))
