import numpy as np
import pytest

from tests.evaluation.generalisation.made_faces import SIZE
from tests.evaluation.generalisation.made_faces import draw_faces
from tp_keras.evaluation.generalisation.framing import UNCHANGED
from tp_keras.evaluation.generalisation.framing import Framing
from tp_keras.evaluation.generalisation.framing import covered
from tp_keras.evaluation.generalisation.framing import find_framing
from tp_keras.evaluation.generalisation.framing import frame


def inverse(framing):
    """The view that undoes a view of the same proportions."""
    scale = 1 / framing.scale
    return Framing(scale, -framing.right * scale, -framing.down * scale)


def mean_face(framing=UNCHANGED, **how):
    return draw_faces([0, 1] * 8, framing, **how).mean(0)


@pytest.mark.parametrize(
    "framing",
    [Framing(0.7), Framing(0.6, 0.04, -0.07), Framing(1.3, -0.05, 0.06)],
    ids=["larger", "larger and moved", "smaller and moved"],
)
@pytest.mark.parametrize("gain", [1.0, 0.5])
def test_what_was_made_larger_and_moved_is_found(framing, gain):
    other = gain * mean_face(framing, seed=1) + 10
    found, before, after = find_framing(mean_face(), other)
    expected = inverse(framing)
    assert found.scale == pytest.approx(expected.scale, rel=0.03)
    assert found.right == pytest.approx(expected.right, abs=0.015)
    assert found.down == pytest.approx(expected.down, abs=0.015)
    assert before < 0.9 < 0.98 < after


def test_pictures_of_another_size_are_found_as_well():
    other = mean_face(Framing(0.8), size=(72, 72))
    found, _, _ = find_framing(mean_face(), other)
    # Faces are drawn on 120 rows and 96 columns, of which the square shows 0.8
    # of 96 rows, the training all.
    assert found.scale == pytest.approx(120 / (0.8 * 96), rel=0.03)


def test_the_same_framing_stays_exactly_as_it_is():
    found, before, after = find_framing(mean_face(), mean_face(seed=1))
    assert found == UNCHANGED and before == after > 0.99


def test_what_is_no_face_is_not_followed_beyond_what_is_tried():
    rng = np.random.default_rng(0)
    slope = rng.random((60, 48, 1)).cumsum(0).cumsum(1).repeat(3, -1)
    found, _, after = find_framing(mean_face(), slope)
    assert 0.5 < found.scale < 2.3 and after <= 1
    assert max(abs(found.right), abs(found.down)) <= 0.25


@pytest.mark.parametrize("plain", ["training", "other"])
def test_without_contrast_nothing_is_moved(plain):
    faces = {"training": mean_face(), "other": mean_face(Framing(0.7))}
    faces[plain] = np.full((*SIZE, 3), 77.0)
    found, *correlations = find_framing(faces["training"], faces["other"])
    assert found == UNCHANGED and np.isnan(correlations).all()


def test_the_whole_picture_of_that_size_is_returned_pixel_by_pixel():
    images = draw_faces([0, 1])
    np.testing.assert_array_equal(frame(images, SIZE), images)


def test_the_middle_is_cut_out_in_the_proportions_of_the_view():
    # 60 x 48 are five to four: of 80 x 80 the middle 64 columns.
    assert UNCHANGED.box((80, 80), SIZE) == (8, 0, 72, 80)
    assert Framing(0.5, 0.25, -0.1).box((80, 80), SIZE) == (40, 12, 72, 52)
    images = np.zeros((1, 80, 80, 3), np.uint8)
    images[:, :, 8:72] = 200
    # But for the smoothed border.
    assert (frame(images, SIZE)[:, :, 1:-1] == 200).all()
    assert (frame(images, (80, 80)) == images).all()


def test_beyond_a_picture_its_border_is_repeated():
    images = np.full((1, 20, 20, 3), 100, np.uint8)
    images[0, 0], images[0, -1] = 0, 200
    seen = frame(images, (40, 40), Framing(2.0))
    np.testing.assert_array_equal(seen[0, :10], np.zeros((10, 40, 3)))
    np.testing.assert_array_equal(seen[0, 30:], np.full((10, 40, 3), 200))
    own = slice(10, 30)
    assert covered(Framing(2.0), (20, 20), (40, 40)) == (own, own)
    assert covered(UNCHANGED, (20, 20), (20, 20)) == (slice(0, 20),) * 2
    # Moved by a quarter of 20 pixels.
    rows, columns = covered(Framing(1.0, 0.25), (20, 20), (20, 20))
    assert (rows, columns) == (slice(0, 20), slice(0, 15))


def test_making_smaller_averages():
    board = np.indices((60, 60)).sum(0) % 2 * 255
    images = np.repeat(board[None, ..., None], 3, -1).astype(np.uint8)
    seen = frame(images, (20, 20))
    assert np.abs(seen[0, 1:-1, 1:-1] - 127.5).max() < 20
