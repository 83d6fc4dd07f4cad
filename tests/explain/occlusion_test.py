"""Occlusion, and what it needs: scores, overlays, no framework."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.special import expit
from scipy.special import softmax

from tests.portrait_factory import AGE
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import MOOD
from tests.portrait_factory import ORIGIN
from tests.portrait_factory import SIGNS
from tests.portrait_factory import SMILE
from tp_keras.errors import UserError
from tp_keras.explain import occlusion
from tp_keras.explain import overlay
from tp_keras.explain.scores import explained_columns
from tp_keras.explain.scores import score

HEIGHT, WIDTH = 36, 28


def test_scores_are_logits_above_the_mean_of_the_others():
    logits = np.array([[2.0, -1.0, 0.5, 0.0], [0.0, 1.0, -3.0, 8.0]])
    for task, count in ((MOOD, 4), (ORIGIN, 3), (SMILE, 2)):
        own = logits[:, :count]
        found = score(task, softmax(own, -1), [1, 0])
        others = [np.delete(own[0], 1).mean(), np.delete(own[1], 0).mean()]
        expected = [own[0, 1] - others[0], own[1, 0] - others[1]]
        np.testing.assert_allclose(found, expected, atol=1e-4)
    found = score(SIGNS, expit(logits[:, :2]), [1, 0])
    np.testing.assert_allclose(found, [-1.0, 0.0], atol=1e-6)
    assert score(AGE, [31.5, 4.0], 0).tolist() == [31.5, 4.0]
    sure = score(SMILE, np.float32([[1, 0]]), 0)
    assert np.isfinite(sure) and sure > 10


def test_what_is_answered_is_explained():
    mood = [[0.4, 0.0, 0.1, 0.5]]  # On average in the middle: ordered classes.
    assert explained_columns(MOOD, mood).tolist() == [2]
    assert explained_columns(ORIGIN, [[0.4, 0.1, 0.5]]).tolist() == [2]
    assert explained_columns(SIGNS, [[0.6, 0.1], [0.9, 0.2]]).tolist() == [1, 0]
    assert explained_columns(AGE, [31.0, 4.0]).tolist() == [0, 0]


def look(images):
    """Answers that rest on one bright spot each, and sizes of the batches."""
    x = images.astype(np.float64).mean(-1) / 255
    spot = x[:, 4:8, 4:8].mean((1, 2))
    other = x[:, 28:32, 20:24].mean((1, 2))
    return {
        "age": 100 * spot,
        "mood": softmax(np.stack([spot, 0 * spot, 9 * other, spot], -1), -1),
        "signs": expit(np.stack([8 * spot - 2, 6 - 8 * other], -1)),
    }


@pytest.fixture
def image():
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[4:8, 4:8] = pixels[28:32, 20:24] = 255
    return pixels


@pytest.mark.parametrize("overlap", [True, False])
def test_a_map_shows_what_the_answer_rests_on(image, overlap):
    tasks = AGE, MOOD, SIGNS
    maps = occlusion(look, image, tasks, overlap=overlap)
    assert list(maps) == ["age", "mood", "signs"]
    for heat in maps.values():
        assert heat.shape == (HEIGHT, WIDTH) and heat.dtype == np.float32
    # Patches of 4x4 pixels hide it whole.
    assert np.unravel_index(maps["age"].argmax(), (HEIGHT, WIDTH)) == (4, 4)
    assert maps["age"][16:, :].max() == 0
    assert maps["mood"][28:32, 20:24].mean() > 1
    # The surest flag is the first: 8 - 2 above -(6 - 8).
    assert maps["signs"][4:8, 4:8].mean() > 1
    chosen = occlusion(look, image, tasks, {"signs": 1}, overlap=overlap)
    assert chosen["signs"][28:32, 20:24].mean() < -1
    np.testing.assert_array_equal(chosen["age"], maps["age"])


def test_without_overlap_cells_make_an_exact_grid(image):
    heat = occlusion(look, image, [AGE], overlap=False)["age"]
    expected = np.zeros((HEIGHT, WIDTH))
    mean = round(image.mean())
    expected[4:8, 4:8] = 100 * (255 - mean) / 255
    np.testing.assert_allclose(heat, expected, rtol=1e-5)


def test_pictures_of_any_size_are_covered_and_errors_told():
    for size in ((5, 3), (9, 9), (61, 40)):
        pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
        heat = occlusion(
            lambda images: {"age": images.mean((1, 2, 3))}, pixels, [AGE]
        )["age"]
        assert heat.shape == size and np.isfinite(heat).all()
    for wrong in (np.zeros((9, 9, 3)), np.zeros((9, 9), np.uint8)):
        with pytest.raises(UserError, match="Expected a uint8 image"):
            occlusion(look, wrong, [AGE])


def test_overlays_tell_for_and_against_on_one_scale():
    image = np.full((6, 4, 3), (10, 200, 30), np.uint8)
    heat = np.zeros((6, 4))
    heat[0, 0], heat[5, 3] = 2, -1
    own, shared = overlay(image, heat), overlay(image, heat, 4)
    gray = own[2, 2]
    assert own.dtype == np.uint8 and len(set(gray.tolist())) == 1
    red, green, blue = own[0, 0].astype(int)
    assert red > green > blue
    red, green, blue = own[5, 3].astype(int)
    assert blue > green > red
    assert abs(shared[0, 0].astype(int) - own[0, 0]).sum() > 50
    np.testing.assert_array_equal(overlay(image, 0 * heat)[0, 0], gray)
    assert overlay(image, np.ones((3, 2))).shape == image.shape


def test_neither_keras_nor_tensorflow_is_imported():
    code = (
        "import sys, tp_keras.explain, tp_keras.explain.occlusion; "
        "sys.exit(bool({'keras', 'tensorflow'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_task_of_a_schema_is_explained():
    rng = np.random.default_rng(0)

    def predict(images):
        count = len(images)
        return {
            task.name: rng.random((count, task.num_classes) if task.classes
                                  else count)
            for task in EVERY_KIND.tasks
        }  # fmt: skip

    image = np.zeros(EVERY_KIND.image_shape, np.uint8)
    assert set(occlusion(predict, image, EVERY_KIND.tasks)) == set(
        EVERY_KIND.task_names
    )
