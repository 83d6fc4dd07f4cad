import numpy as np
import pytest

from tests.evaluation.generalisation.made_faces import SIZE
from tests.evaluation.generalisation.made_faces import draw_faces
from tp_keras.evaluation.generalisation.framing import UNCHANGED
from tp_keras.evaluation.generalisation.framing import Framing
from tp_keras.evaluation.generalisation.likeness import AS_IS
from tp_keras.evaluation.generalisation.likeness import BOTH
from tp_keras.evaluation.generalisation.likeness import COLOURED
from tp_keras.evaluation.generalisation.likeness import FRAMED
from tp_keras.evaluation.generalisation.likeness import TREATMENTS
from tp_keras.evaluation.generalisation.likeness import find_colour
from tp_keras.evaluation.generalisation.likeness import find_likeness
from tp_keras.evaluation.generalisation.likeness import recolour

LABELS = [0, 1] * 20
EVERYWHERE = slice(None), slice(None)


def test_a_known_change_of_colour_is_found_and_undone():
    wanted = draw_faces(LABELS)
    changed = recolour(wanted, [(0.5, 0.8, 0.9), (10, 20, 0)])
    gain, offset = find_colour(wanted, changed, EVERYWHERE)
    np.testing.assert_allclose(gain, [2, 1.25, 1 / 0.9], rtol=0.01)
    np.testing.assert_allclose(offset, [-20, -25, 0], atol=1)
    again = recolour(changed, (gain, offset))
    assert np.abs(again.astype(int) - wanted).max() <= 2


def test_colours_are_compared_where_both_show_a_picture():
    wanted, seen = draw_faces(LABELS), draw_faces(LABELS)
    seen[:, 30:] = 255
    half = slice(30), slice(None)
    gain, offset = find_colour(wanted, seen, half)
    np.testing.assert_allclose(gain, 1, atol=1e-6)
    np.testing.assert_allclose(offset, 0, atol=1e-4)


def test_plain_pictures_are_moved_to_the_mean_but_not_blown_up():
    plain = np.full((4, *SIZE, 3), 40, np.uint8)
    gain, offset = find_colour(draw_faces(LABELS), plain, EVERYWHERE)
    assert (gain == 1).all() and (offset > 0).all()


def test_framing_and_colours_are_made_alike_each_alone_and_together():
    wanted = draw_faces(LABELS)
    other = recolour(draw_faces(LABELS, Framing(0.75), seed=1), [[0.6] * 3] * 2)
    found = find_likeness(wanted, other)
    assert found.framing.scale == pytest.approx(1 / 0.75, rel=0.03)
    assert found.inside == pytest.approx(0.75**2, abs=0.05)
    assert tuple(found.images) == TREATMENTS
    np.testing.assert_array_equal(found.images[AS_IS], other)
    for first, second in ((COLOURED, AS_IS), (BOTH, FRAMED)):
        expected = recolour(found.images[second], found.colour)
        np.testing.assert_array_equal(found.images[first], expected)
    far, framed, near, _ = np.abs(
        found.faces - np.float32(found.faces[3])
    ).mean((1, 2, 3))
    assert near < 5 < framed and near < far
    for name, face in zip((AS_IS, FRAMED, BOTH), found.faces, strict=False):
        mean = np.rint(found.images[name].mean(0))
        np.testing.assert_array_equal(face, mean)


def test_another_framing_alone_is_no_change_of_colours():
    other = draw_faces(LABELS, Framing(0.62), seed=1)
    gain, offset = find_likeness(draw_faces(LABELS), other).colour
    np.testing.assert_allclose(gain, 1, atol=0.05)
    np.testing.assert_allclose(offset, 0, atol=5)


def test_plain_pictures_stay_framed_as_they_are():
    plain = np.full((4, 30, 30, 3), 40, np.uint8)
    found = find_likeness(draw_faces(LABELS), plain)
    assert found.framing == UNCHANGED
    values = {f["metric"]: f["value"] for f in found.figures()}
    assert values["face_correlation"] is None and values["view_scale"] == 1
