import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight

from tp_keras.data.labels import filled
from tp_keras.data.labels import is_known
from tp_keras.data.labels import label_weights
from tp_keras.data.labels import num_strata
from tp_keras.data.labels import strata
from tp_keras.tasks import Task

AGE = Task("age", "regression", low=0, high=120, tolerance=5)
SIGNS = Task("signs", "multi_label", ("hat", "scarf", "mask"))
SKY = Task("sky", "categorical", ("clear", "gray", "dark"))
FLAGS = np.array([[1, 0, -1], [-1, -1, -1], [0, 0, 1]])


@pytest.mark.parametrize(
    "task, labels, known, row_strata",
    [
        (SKY, [2, -1, 0], [True, False, True], [2, -1, 0]),
        # Ranges of ten years; the upper limit begins the last.
        (
            AGE,
            [0, 9.9, 10, np.nan, 120],
            [True, True, True, False, True],
            [0, 0, 1, -1, 12],
        ),
        (SIGNS, FLAGS, FLAGS >= 0, [0, -1, 0]),
    ],
    ids=["classes", "number", "flags"],
)
def test_what_is_there(task, labels, known, row_strata):
    dtype = np.float32 if task is AGE else np.int32
    labels = np.array(labels, dtype)
    np.testing.assert_array_equal(is_known(task, labels), known)
    np.testing.assert_array_equal(
        filled(task, labels), np.where(known, labels, 0)
    )
    assert filled(task, labels).dtype == dtype
    assert strata(task, labels).tolist() == row_strata
    assert max(row_strata) < num_strata(task)


def test_weights_by_hand():
    labels = np.array([0, 0, 0, 1, -1])
    assert label_weights(SKY, labels).tolist() == [1, 1, 1, 1, 0]
    np.testing.assert_allclose(
        label_weights(SKY, labels, 1.0), [2 / 3, 2 / 3, 2 / 3, 2, 0]
    )
    half = label_weights(SKY, np.array([0] * 16 + [1] * 4), 0.5)
    assert half[-1] / half[0] == pytest.approx(2.0)
    assert half.mean() == pytest.approx(1.0)
    assert label_weights(SKY, np.array([-1, -1])).tolist() == [0, 0]
    assert [num_strata(task) for task in (SKY, AGE, SIGNS)] == [3, 13, 1]


def test_a_number_weighs_by_its_range_and_a_flag_by_what_it_says():
    ages = np.array([1, 2, 3, 50, np.nan], np.float32)
    np.testing.assert_allclose(
        label_weights(AGE, ages, 1.0), [2 / 3, 2 / 3, 2 / 3, 2, 0]
    )
    # Each flag by itself; one that is only ever set, or alone, weighs 1.
    flags = np.array([[1, 0, -1], [0, 0, 1], [0, 0, -1], [0, -1, -1]])
    np.testing.assert_allclose(
        label_weights(SIGNS, flags, 1.0),
        [[2, 1, 0], [2 / 3, 1, 1], [2 / 3, 1, 0], [2 / 3, 0, 0]],
    )
    np.testing.assert_array_equal(label_weights(SIGNS, flags), flags >= 0)


def test_balanced_weights_are_those_of_scikit_learn():
    labels = np.random.default_rng(0).integers(3, size=50)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    np.testing.assert_allclose(
        label_weights(SKY, labels, 1.0), expected[labels], rtol=1e-6
    )
