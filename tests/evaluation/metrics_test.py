import numpy as np
import pytest
import sklearn.metrics

from tp_keras.evaluation import metrics

# Eight portraits; the figures below are counted by hand.
#   label       0 0 0 0 1 1 2 -
#   prediction  0 0 0 1 1 2 0 1
LABELS = np.array([0, 0, 0, 0, 1, 1, 2, -1])
PREDICTIONS = np.array([0, 0, 0, 1, 1, 2, 0, 1])
MATRIX = np.array([[3, 1, 0], [0, 1, 1], [1, 0, 0]])


def test_by_hand():
    matrix = metrics.confusion_matrix(LABELS, PREDICTIONS, 3)
    np.testing.assert_array_equal(matrix, MATRIX)
    assert metrics.accuracy(matrix) == 4 / 7
    np.testing.assert_allclose(metrics.recall(matrix), [3 / 4, 1 / 2, 0])
    np.testing.assert_allclose(metrics.f1(matrix), [3 / 4, 1 / 2, 0])
    assert metrics.balanced_accuracy(matrix) == pytest.approx(5 / 12)
    assert metrics.macro_f1(matrix) == pytest.approx(5 / 12)
    assert metrics.mean_class_error(matrix) == pytest.approx(4 / 7)


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
    _, recall, f1, _ = sklearn.metrics.precision_recall_fscore_support(
        true, predicted, labels=range(5), zero_division=0
    )
    np.testing.assert_allclose(metrics.recall(matrix)[:4], recall[:4])
    np.testing.assert_allclose(metrics.f1(matrix)[:4], f1[:4])


def test_class_without_rows_is_left_out():
    matrix = np.array([[2, 0, 1], [1, 1, 0], [0, 0, 0]])
    np.testing.assert_allclose(metrics.recall(matrix), [2 / 3, 1 / 2, np.nan])
    np.testing.assert_allclose(metrics.f1(matrix), [2 / 3, 2 / 3, np.nan])
    assert metrics.balanced_accuracy(matrix) == pytest.approx(7 / 12)
    assert metrics.macro_f1(matrix) == pytest.approx(2 / 3)
    # One that is never predicted has an F1 of zero.
    assert metrics.f1(np.array([[2, 0], [1, 0]]))[1] == 0


FIGURES = (
    *(metrics.accuracy, metrics.balanced_accuracy, metrics.macro_f1),
    *(metrics.mean_class_error, metrics.recall, metrics.f1),
)


@pytest.mark.parametrize("function", FIGURES, ids=lambda one: one.__name__)
def test_many_matrices_at_once_equal_one_by_one(function):
    matrices = np.random.default_rng(0).integers(0, 4, size=(6, 3, 3))
    # Without labelled rows nothing is defined.
    matrices[0] = 0
    figures = function(matrices)
    assert np.isnan(figures[0]).all() and not np.isnan(figures[1:]).all()
    np.testing.assert_array_equal(figures, [function(one) for one in matrices])
