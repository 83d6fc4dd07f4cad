import numpy as np
import pytest
import sklearn.metrics

from tp_keras.evaluation import metrics


@pytest.mark.parametrize("seed", range(5))
def test_agrees_with_scikit_learn(seed):
    generator = np.random.default_rng(seed)
    # Class 4 has no labelled rows but is predicted.
    labels = generator.integers(-1, 4, size=300)
    predictions = np.where(
        generator.random(300) < 0.6, labels, generator.integers(0, 5, size=300)
    )
    predictions = np.maximum(predictions, 0)
    matrix = metrics.confusion_matrix(labels, predictions, 5)
    true, predicted = labels[labels >= 0], predictions[labels >= 0]

    np.testing.assert_array_equal(
        matrix,
        sklearn.metrics.confusion_matrix(true, predicted, labels=range(5)),
    )
    assert metrics.accuracy(matrix) == pytest.approx(
        sklearn.metrics.accuracy_score(true, predicted)
    )
    with pytest.warns(UserWarning, match="y_pred contains classes not in"):
        expected = sklearn.metrics.balanced_accuracy_score(true, predicted)
    assert metrics.balanced_accuracy(matrix) == pytest.approx(expected)
    assert metrics.macro_f1(matrix) == pytest.approx(
        sklearn.metrics.f1_score(
            true, predicted, labels=range(4), average="macro"
        )
    )
    recall = sklearn.metrics.recall_score(
        true, predicted, labels=range(4), average=None
    )
    np.testing.assert_allclose(metrics.recall(matrix)[:4], recall)


def test_class_without_rows_is_left_out():
    matrix = np.array([[2, 0, 1], [1, 1, 0], [0, 0, 0]])
    np.testing.assert_allclose(metrics.recall(matrix), [2 / 3, 1 / 2, np.nan])
    assert metrics.balanced_accuracy(matrix) == pytest.approx(7 / 12)
    assert metrics.macro_f1(matrix) == pytest.approx(2 / 3)
    # One that is never predicted has an F1 of zero.
    assert metrics.macro_f1([[2, 0], [1, 0]]) == pytest.approx(0.4)


FIGURES = (
    *(metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1),
    *(metrics.mean_class_error, metrics.recall),
)


@pytest.mark.parametrize("function", FIGURES, ids=lambda one: one.__name__)
def test_many_matrices_at_once_equal_one_by_one(function):
    matrices = np.random.default_rng(0).integers(0, 4, size=(6, 3, 3))
    # Without labelled rows nothing is defined.
    matrices[0] = 0
    figures = function(matrices)
    assert np.isnan(figures[0]).all() and not np.isnan(figures[1:]).all()
    np.testing.assert_array_equal(figures, [function(one) for one in matrices])
