"""How much of gender labels and predictions tell, from their counts.

The counts are an array [..., 2, K, K]: gender, label, prediction. For a value V
with classes the leakage is `L(V) = (1 + TV(P(V | female), P(V | male))) / 2`
with the total variation `TV(p, q) = sum |p - q| / 2`: the balanced accuracy of
the best guess of gender from V, 1/2 where V tells nothing of it. Shares of few
rows differ by chance, which adds to a total variation.
"""

import numpy as np

from tp_keras.evaluation import metrics
from tp_keras.fairness import group_counts


def label_leakage(outcomes) -> np.ndarray:
    """Returns `L(Y)` of the labels: [...]."""
    return _leakage(group_counts.label_rates(outcomes))


def prediction_leakage(outcomes) -> np.ndarray:
    """Returns `L(Yhat)` of the predicted classes: [...]."""
    return _leakage(group_counts.selection_rates(outcomes))


def leakage_amplification(outcomes) -> np.ndarray:
    """Returns `L(Yhat) - L(Y)`: [...], above 0 where predictions add to it."""
    return prediction_leakage(outcomes) - label_leakage(outcomes)


def conditional_leakage(outcomes) -> np.ndarray:
    """Returns `L(Yhat | Y)`, the mean over the labels: [...].

    For each label the leakage of the predictions of its rows, so the genders
    weigh the same inside each label, and the labels weigh the same. 1/2 if and
    only if odds are equalised. NaN where a gender has no row of a label.

    Args:
        outcomes: Integer array [..., 2, K, C]; gender, label, prediction.
    """
    outcomes = np.asarray(outcomes)
    sizes = outcomes.sum(-1, keepdims=True)
    out = np.full(outcomes.shape, np.nan)
    shares = np.divide(outcomes, sizes, out=out, where=sizes > 0)
    return _leakage(np.moveaxis(shares, -3, -2)).mean(-1)


def lower_band(outcomes) -> np.ndarray:
    """Returns `L(Y) - (1 - A)`, but at least 1/2: [...].

    `A` is the mean of the two accuracies per gender. No representation Z that
    leads to these predictions tells less of gender: with the errors e_g = 1 -
    A_g, `TV(Z) >= TV(Yhat) >= TV(Y) - e_f - e_m`, as a prediction is a function
    of Z and a share of e_g of the rows can be labelled otherwise. Holds for the
    counts at hand, not on average alone.

    Source:
        Zhao and Gordon, Inherent tradeoffs in learning fair representations,
        2022; here with more than two classes.
    """
    errors = 1 - metrics.accuracy(outcomes).mean(-1)
    return np.maximum(label_leakage(outcomes) - errors, 0.5)


def _leakage(shares):
    """Returns the leakage of shares [..., 2, K] of each gender: [...]."""
    return 0.5 + np.abs(shares[..., 0, :] - shares[..., 1, :]).sum(-1) / 4
