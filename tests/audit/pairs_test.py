import cv2
import numpy as np
import pytest

from benchmarks.planted_portraits import COPIES
from benchmarks.planted_portraits import plant
from tests.audit.drawn_portraits import draw
from tests.audit.picture_sets import set_of
from tp_keras.audit import pairs as pairs_module
from tp_keras.audit.looks import measure_looks
from tp_keras.audit.pairs import LEAST_SIMILARITY
from tp_keras.audit.pairs import correlate
from tp_keras.audit.pairs import find_clusters
from tp_keras.audit.pairs import find_pairs


def pairs_of(images):
    portraits = set_of(images)
    return find_pairs(portraits, measure_looks(portraits))


def planted_pairs():
    images = draw()
    planted = plant(images, copies=5, outliers=0)
    found, similarities = pairs_of(images)
    return planted, {*map(tuple, found.tolist())}, similarities


def test_copies_of_every_kind_are_found_and_no_other_people():
    planted, found, similarities = planted_pairs()
    wanted = {tuple(sorted(pair)) for pair in planted.pairs.tolist()}
    assert set(planted.copies) == set(COPIES) and len(wanted) == 40
    assert len(found & wanted) >= 0.95 * len(wanted)
    assert len(found & wanted) >= 0.95 * len(found)
    assert similarities.min() >= LEAST_SIMILARITY
    assert similarities.max() == 1  # The exact copies.


def test_aligned_faces_need_more_than_small_pictures(monkeypatch):
    monkeypatch.setattr(pairs_module, "LEAST_SIMILARITY", -1)
    monkeypatch.setattr(pairs_module, "_LEAST_OF_EACH", -1)
    planted, found, _ = planted_pairs()
    assert len(found) > 2 * len(planted.pairs)


@pytest.mark.parametrize("count", [1, 2, 300])
def test_equal_pictures_are_one_cluster(count):
    """Also of one colour, where nothing correlates."""
    for image in (np.full((54, 42, 3), 128), draw(1)[0]):
        pairs, similarities = pairs_of(np.repeat(image[None], count, axis=0))
        assert len(pairs) >= count - 1 and (similarities == 1).all()
        assert (find_clusters(count, pairs) == (0 if count > 1 else -1)).all()


def test_plain_pictures_of_other_colours_are_not_the_same():
    shades = np.arange(0, 256, 8)[:, None, None, None]
    pairs, _ = pairs_of(np.broadcast_to(shades, (32, 54, 42, 3)))
    assert len(pairs) == 0


def test_mirrored_and_strongly_zoomed_ones_are_others():
    images = draw(60)
    images[50] = images[3, :, ::-1]
    images[51] = cv2.resize(images[3, 20:88, 16:68], (84, 108))
    pairs, _ = pairs_of(images)
    assert len(pairs) == 0


def test_correlation_follows_each_cell():
    rng = np.random.default_rng(0)
    details = cv2.GaussianBlur(
        rng.normal(0, 50, (96, 75)).astype(np.float32), None, 1.5
    )
    turn = cv2.getRotationMatrix2D((37, 48), 3, 1.0)
    turned = cv2.warpAffine(
        details, turn, (75, 96), borderMode=cv2.BORDER_REFLECT
    )
    whole = np.corrcoef(details.ravel(), turned.ravel())[0, 1]
    assert whole < 0.75 < 0.85 < correlate(details, turned)
    assert correlate(details, details) == pytest.approx(1)
    assert correlate(details, details * 0.5 + 20) == pytest.approx(1, abs=1e-3)
    assert correlate(details, np.zeros_like(details)) == 0
    assert correlate(details, details[::-1].copy()) < 0.7


def test_clusters_are_chains_in_the_order_of_their_rows():
    pairs = np.array([[5, 6], [1, 4], [4, 7]])
    np.testing.assert_array_equal(
        find_clusters(9, pairs), [-1, 0, -1, -1, 0, 1, 1, 0, -1]
    )
    nothing = np.zeros((0, 2), int)
    np.testing.assert_array_equal(find_clusters(2, nothing), [-1, -1])
