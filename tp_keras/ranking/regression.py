"""What each attribute adds to a logistic regression of a target on all."""

import dataclasses
from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from tp_keras.ranking.columns import NUMERIC
from tp_keras.ranking.columns import Column

# Penalty of a squared coefficient, twice, for each row. Nothing beside what a
# number of its own tells (up to 1/4 a row), but of two that nearly agree it
# lets none grow against the other.
_PENALTY = 0.05


@dataclasses.dataclass(frozen=True)
class Design:
    """Standardised numbers of attributes.

    Attributes:
        matrix: Float64 `[rows, numbers]`: of each level but the first whether
            a row has it, or the number; mean 0 and deviation 1 in the training
            part, and 0 where not known.
        owners: Place of the attribute that each number tells of, `[numbers]`.
    """

    matrix: np.ndarray
    owners: np.ndarray

    def nearest(self, training: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Finds for each attribute the other one that correlates most with it.

        Args:
            training: Rows to look at, bool `[rows]`.

        Returns:
            Places `[attributes]`, and the largest absolute correlations of a
            number of one with a number of the other; -1 of a lonely one.
        """
        found = np.atleast_2d(np.corrcoef(self.matrix[training].T))
        by_owner = pd.DataFrame(np.abs(found)).groupby(self.owners).max()
        largest = by_owner.T.groupby(self.owners).max().to_numpy().copy()
        np.fill_diagonal(largest, -1)
        return largest.argmax(1), largest.max(1)


def make_design(columns: Sequence[Column], training: np.ndarray) -> Design:
    """Returns the numbers of attributes; `training` are bool `[rows]`."""
    numbers, owners = [], []
    for place, column in enumerate(columns):
        if column.kind == NUMERIC:
            own = column.numbers[:, None].copy()
        else:
            levels = np.arange(1, len(column.levels))
            own = (column.codes[:, None] == levels).astype(np.float64)
        known = column.known & training
        own = (own - own[known].mean(0)) / own[known].std(0)
        own[~column.known] = 0
        numbers.append(own)
        owners += [place] * own.shape[1]
    return Design(np.concatenate(numbers, axis=1), np.array(owners))


def fit(matrix, classes, weights) -> LogisticRegression:
    """Fits a regression with an L2 penalty, in which each class weighs alike.

    Args:
        matrix: Float64 `[rows, numbers]`.
        classes: Int64 `[rows]`.
        weights: How often each row counts, float64 `[rows]`; of two classes or
            more. What balances the classes is weights as well, not copies.
    """
    drawn = weights > 0
    matrix, classes, weights = matrix[drawn], classes[drawn], weights[drawn]
    alike = weights / np.bincount(classes, weights)[classes]
    alike *= weights.sum() / alike.sum()
    model = LogisticRegression(
        C=1 / (_PENALTY * weights.sum()), solver="newton-cholesky"
    )
    return model.fit(matrix, classes, alike)


def strengths(model: LogisticRegression, matrix, owners) -> np.ndarray:
    """Returns how strongly attributes act: float64 `[attributes]`.

    That is the standard deviation over rows of what one adds to the logits,
    of three classes or more their root mean square: of a binary attribute that
    is known everywhere the absolute coefficient.

    Args:
        model: What `fit` returned.
        matrix: Rows of a design `[rows, numbers]`.
        owners: Its `owners`.
    """
    added = [
        matrix[:, own] @ model.coef_[:, own].T
        for own in (owners == place for place in range(owners[-1] + 1))
    ]
    return np.sqrt([part.var(axis=0).mean() for part in added])
