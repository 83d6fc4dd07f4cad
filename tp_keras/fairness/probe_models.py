"""The two kinds of probe, and how strongly they are held back."""

import warnings

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier

LINEAR = "linear"
MLP = "mlp"
KINDS = (LINEAR, MLP)

# The strongest regularisation comes first, so that it is taken among equals.
# Logistic regression: the inverse of the weight of the squared norm.
_INVERSE_STRENGTHS = (0.01, 0.1, 1.0, 10.0)
# A network has more columns to hide in than there are rows: below 1 it does
# not get better, and where little of the group is left, it needs far more.
_WEIGHT_DECAYS = (36.0, 6.0, 1.0)

_HIDDEN_SIZE = 64
_LINEAR_ITERATIONS = 200
# With full batches and L-BFGS a network is done after about as many.
_MLP_ITERATIONS = 50


def strengths(kind: str) -> tuple[float, ...]:
    """Returns the regularisations to choose from, the strongest first."""
    return _INVERSE_STRENGTHS if kind == LINEAR else _WEIGHT_DECAYS


def fit_probe(
    kind: str,
    strength: float,
    features: np.ndarray,
    groups: np.ndarray,
    weights: np.ndarray,
    seed: int,
):
    """Returns a probe of scikit-learn, fitted.

    Args:
        kind: `"linear"`, a logistic regression, or `"mlp"`, a network of one
            hidden layer of 64.
        strength: One of `strengths(kind)`.
        features: Float array [N, d], standardised.
        groups: Integer array [N].
        weights: Float array [N], with a mean of about 1.
        seed: Where the network starts.
    """
    if kind == LINEAR:
        probe = LogisticRegression(C=strength, max_iter=_LINEAR_ITERATIONS)
    else:
        # L-BFGS reads more than Adam from a thousand rows, in half the time.
        probe = MLPClassifier(
            (_HIDDEN_SIZE,),
            solver="lbfgs",
            alpha=strength,
            max_iter=_MLP_ITERATIONS,
            random_state=seed,
        )
    with warnings.catch_warnings():
        # The number of steps is a limit on purpose.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return probe.fit(features, groups, sample_weight=weights)
