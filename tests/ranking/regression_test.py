"""The regression on all attributes, against scikit-learn's own ways."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from tp_keras.ranking import regression
from tp_keras.ranking.columns import read_column

ROWS = 300


@pytest.fixture
def columns():
    rng = np.random.default_rng(0)
    drawn = {
        "number": rng.normal(5, 3, size=ROWS).round(3),
        "flag": rng.integers(2, size=ROWS),
        "kind": rng.choice([*"abc"], size=ROWS),
    }
    every = np.ones(ROWS, bool)
    texts = pd.DataFrame(drawn).astype(str)
    return [read_column(texts[name], every, 3) for name in texts]


def test_numbers_are_standardised_as_scikit_learn_does(columns):
    training = np.arange(ROWS) < 200
    design = regression.make_design(columns, training)
    number, flag, kind = columns
    plain = np.stack(
        [number.numbers, flag.codes, kind.codes == 1, kind.codes == 2], axis=1
    )
    theirs = StandardScaler().fit(plain[training]).transform(plain)
    np.testing.assert_allclose(design.matrix, theirs)
    assert design.owners.tolist() == [0, 1, 2, 2]


def test_what_is_not_known_is_an_average_one(columns):
    number, flag, _ = columns
    number.numbers[:50], number.codes[:50], flag.codes[:50] = np.nan, -1, -1
    training = np.arange(ROWS) < 200
    matrix = regression.make_design([number, flag], training).matrix
    assert not matrix[:50].any()
    np.testing.assert_allclose(matrix[50:200].mean(0), 0, atol=1e-12)
    np.testing.assert_allclose(matrix[50:200].std(0), 1)


@pytest.mark.parametrize("num_classes", [2, 3])
def test_weights_are_what_copies_and_balanced_classes_would_be(
    columns, num_classes
):
    rng = np.random.default_rng(1)
    design = regression.make_design(columns, np.ones(ROWS, bool))
    classes = rng.choice(
        num_classes,
        size=ROWS,
        p=[0.8, 0.15, 0.05][:num_classes] if num_classes == 3 else [0.8, 0.2],
    )
    weights = rng.integers(0, 3, size=ROWS)
    model = regression.fit(design.matrix, classes, weights.astype(float))
    copied = np.repeat(np.arange(ROWS), weights)
    theirs = LogisticRegression(
        C=1 / (0.05 * len(copied)), class_weight="balanced", tol=1e-8
    ).fit(design.matrix[copied], classes[copied])
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-3)
    strengths = regression.strengths(model, design.matrix, design.owners)
    of_number = np.sqrt((model.coef_[:, 0] ** 2).mean())
    assert strengths[0] == pytest.approx(of_number)
    of_kind = (design.matrix[:, 2:] @ model.coef_[:, 2:].T).std(0)
    assert strengths[2] == pytest.approx(np.sqrt((of_kind**2).mean()))


def test_the_nearest_attribute_is_that_of_the_largest_correlation(columns):
    number, flag, kind = columns
    twin = read_column(
        pd.Series((-number.numbers).astype(str), name="twin"),
        np.ones(ROWS, bool),
        3,
    )
    training = np.arange(ROWS) < 200
    design = regression.make_design([flag, number, kind, twin], training)
    places, values = design.nearest(training)
    assert (places[1], places[3]) == (3, 1)
    assert values[[1, 3]] == pytest.approx([1, 1])
    rows = design.matrix[training]
    by_hand = [
        abs(np.corrcoef(rows[:, 0], rows[:, other])[0, 1])
        for other in range(1, 5)
    ]
    assert values[0] == pytest.approx(max(by_hand))
    assert regression.make_design([flag], training).nearest(training)[1] == -1
