import numpy as np

from tp_keras.export.formats.calibration import choose_rows

LABELS = {
    "gender": np.array([0] * 90 + [1] * 8 + [-1] * 2),
    "hair_type": np.array([0] * 97 + [2] * 3),
}


def test_classes_are_taken_in_turn():
    # Two genders and two types: four rows are one of each.
    for seed in range(5):
        rows = choose_rows(LABELS, 4, seed)
        assert {0, 1} <= set(LABELS["gender"][rows])
        assert {0, 2} <= set(LABELS["hair_type"][rows])


def test_rare_classes_give_all_they_have():
    rows = choose_rows(LABELS, 40, seed=0)
    assert (LABELS["gender"][rows] == 1).sum() == 8
    assert (LABELS["hair_type"][rows] == 2).sum() == 3


def test_rows_are_different_and_ascending():
    rows = choose_rows(LABELS, 50, seed=3)
    assert len(rows) == 50
    assert (np.diff(rows) > 0).all()


def test_all_rows_if_there_are_no_more():
    unlabelled = {"gender": np.full(5, -1)}
    assert choose_rows(unlabelled, 9, seed=0).tolist() == [0, 1, 2, 3, 4]
    assert choose_rows(LABELS, 100, seed=0).tolist() == list(range(100))


def test_the_seed_decides():
    first = choose_rows(LABELS, 20, seed=0).tolist()
    assert choose_rows(LABELS, 20, seed=0).tolist() == first
    assert choose_rows(LABELS, 20, seed=1).tolist() != first
