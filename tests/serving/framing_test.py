import math

import numpy as np
import pytest
from PIL import Image

from datasets.tiny_portraits.tiny_portraits_dataset_builder import Builder
from tests.serving.face_finder_test import scene
from tp_keras.serving import Face
from tp_keras.serving import FaceFinder
from tp_keras.serving import framing
from tp_keras.serving.sampling import sample
from tp_keras.serving.sampling import turned

GRID = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def finder():
    return FaceFinder()


@pytest.fixture(scope="module")
def portraits():
    return np.stack(Builder.draw_samples(60))


def smooth(height, width):
    rows, columns = np.mgrid[:height, :width] + 0.5
    waves = [rows * 0.9 / height, columns / width, (rows + columns) / 1800]
    return np.rint(np.stack(waves, -1) * 250).astype(np.uint8)


def test_a_rectangle_of_whole_pixels_is_kept():
    matrix = turned((30, 40), (10, 20), 1.0, 0)
    found = sample(GRID, matrix, (40, 20))
    np.testing.assert_array_equal(found, GRID[20:60, 20:40])


@pytest.mark.parametrize("factor", [2, 3, 7])
def test_a_reduced_piece_is_the_mean_of_its_area(factor):
    pixels = np.random.default_rng(1).integers(
        0, 256, (factor * 30,) * 2 + (3,)
    )
    pixels = pixels.astype(np.uint8)
    found = sample(pixels, turned((0, 0), (0, 0), factor, 0), (30, 30))
    means = pixels.reshape(30, factor, 30, factor, 3).mean((1, 3))
    # Inside, the cubic at twice the size and its mean are close to it.
    gap = np.abs(found - means)[2:-2, 2:-2]
    assert gap.mean() < 12
    assert abs(found.mean() - means.mean()) < 0.5


@pytest.mark.parametrize("angle", [0, 15, 90, 200])
@pytest.mark.parametrize("scale", [0.4, 1.0, 2.5, 9.0])
def test_a_piece_is_turned_and_scaled_about_its_middle(angle, scale):
    pixels = smooth(900, 800)
    found = sample(pixels, turned((400, 450), (15, 20), scale, angle), (40, 30))
    rows, columns = np.mgrid[:40, :30] + 0.5
    radians = math.radians(angle)
    x, y = (columns - 15) * scale, (rows - 20) * scale
    at_x = 400 + x * math.cos(radians) - y * math.sin(radians)
    at_y = 450 + x * math.sin(radians) + y * math.cos(radians)
    waves = [at_y * 0.9 / 900, at_x / 800, (at_x + at_y) / 1800]
    assert np.abs(found - np.stack(waves, -1) * 250).max() < 2.5


def test_beyond_the_edge_the_picture_goes_on():
    found = sample(GRID, turned((0, 0), (20, 20), 1.0, 0), (40, 40))
    np.testing.assert_array_equal(found[20:, 20:], GRID[:20, :20])
    np.testing.assert_array_equal(found[:20, 20:], GRID[[0] * 20, :20])
    # Also of a piece that shows nothing of it.
    beside = sample(GRID, turned((-500, 30), (5, 5), 1.0, 0), (10, 10))
    np.testing.assert_array_equal(beside, GRID[25:35, [0] * 10])


def test_a_face_takes_its_place():
    pixels = np.zeros((400, 400, 3), np.uint8)
    # A red eye line, turned by 30 degrees, and a box of 80 pixels.
    facts = {
        "eyes": [0.5, 0.25],
        "angle": 0.0,
        "box": {"size": 0.5},
    }
    c, s = math.cos(math.radians(30)), math.sin(math.radians(30))
    middle = np.array([200, 150])
    eyes = [middle - 20 * np.array([c, s]), middle + 20 * np.array([c, s])]
    for x, y in eyes:
        pixels[round(y) - 2 : round(y) + 2, round(x) - 2 : round(x) + 2] = 255
    box = (160.0, 140.0, 80.0, 80.0)
    face = Face(box, tuple(map(tuple, eyes)), (190.0, 190.0), 0.9)
    portrait = framing.cut(pixels, face, facts, (80, 60, 3))
    # 80 pixels become 40: the eyes lie 20 pixels apart on the row 20.
    rows, columns = np.nonzero(portrait[..., 0] > 60)
    assert set(rows.tolist()) <= set(range(18, 22))
    left, right = columns[columns < 30], columns[columns >= 30]
    assert left.mean() + 0.5 == pytest.approx(20, abs=1)
    assert right.mean() + 0.5 == pytest.approx(40, abs=1)


def test_the_framing_of_portraits_is_measured(finder, portraits):
    facts = framing.measure_framing(portraits, finder)
    assert facts["source"] == "training portraits"
    assert facts["portraits"] == 60
    assert facts["found"] > 0.9
    assert abs(facts["angle"]) < 4
    # Portraits with a margin, faces a little higher and at half the size.
    margin = np.pad(portraits, ((0, 0), (44, 64), (42, 42), (0, 0)), "edge")
    smaller = framing.measure_framing(margin, finder)
    size = facts["box"]["size"] * 108 / 216
    assert smaller["box"]["size"] == pytest.approx(size, rel=0.05)
    expected = (facts["eyes"][1] * 108 + 44) / 216
    assert smaller["eyes"][1] == pytest.approx(expected, abs=0.01)
    assert smaller["eyes"][0] == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("angle", [-15, 0, 15])
def test_a_portrait_is_cut_out_of_a_scene_again(finder, portraits, angle):
    facts = framing.measure_framing(portraits, finder)
    gaps, others = [], []
    for seed, pixels in enumerate(portraits[:10]):
        height, width, _ = pixels.shape
        image = Image.fromarray(scene((900, 800), [], seed))
        large = Image.fromarray(pixels).resize((width * 3, height * 3))
        large = large.convert("RGBA").rotate(-angle, expand=True)
        image.paste(large, (250, 200), large)
        faces = finder.find(np.asarray(image))
        # A drawing now and then is not enough of a face.
        if not faces:
            continue
        (face,) = faces
        found = framing.cut(np.asarray(image), face, facts, pixels.shape)
        middle = (slice(20, -20), slice(16, -16))
        gaps.append(np.abs(found[middle].astype(int) - pixels[middle]).mean())
        other = portraits[seed + 10][middle].astype(int)
        others.append(np.abs(found[middle] - other).mean())
    assert len(gaps) >= 9
    assert np.median(gaps) < 0.6 * np.median(others)


def test_pictures_without_faces_have_a_generic_framing(finder):
    noise = np.random.default_rng(0).integers(
        0, 256, (300, 54, 42, 3), dtype=np.uint8
    )
    facts = framing.measure_framing(noise, finder)
    assert (facts["source"], facts["found"]) == ("generic", 0)
    assert facts["portraits"] == 200
    assert facts["eyes"] == framing.generic_framing()["eyes"]
