"""Gradients: of what, how exact, and whether they follow the weights."""

import keras
import numpy as np
import pytest

from tests.explain.small_classifier import BANDS
from tests.explain.small_classifier import SCHEMA
from tests.explain.small_classifier import make_pictures
from tests.explain.small_classifier import make_small_classifier
from tests.made_runs import make_classifier
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import make_portraits
from tp_keras.explain.faithfulness import randomised
from tp_keras.explain.faithfulness import rank_correlations
from tp_keras.explain.gradients import Differentiable
from tp_keras.explain.gradients import blurred
from tp_keras.explain.gradients import completeness_gaps
from tp_keras.explain.gradients import hires_cam
from tp_keras.explain.gradients import integrated_gradients
from tp_keras.explain.scores import explained_columns
from tp_keras.explain.scores import score
from tp_keras.models import create_backbone

IMAGES = make_portraits(6, schema=EVERY_KIND).images


@pytest.fixture(scope="module")
def classifier():
    return make_classifier(EVERY_KIND)


@pytest.fixture(scope="module")
def model(classifier):
    return Differentiable(classifier)


@pytest.mark.parametrize("task", EVERY_KIND.tasks, ids=lambda task: task.name)
def test_what_is_differentiated_is_what_answers_tell(classifier, model, task):
    answers = classifier.predict_answers(IMAGES, verbose=0)
    mine = model.answers(IMAGES)[task.name]
    np.testing.assert_allclose(mine, answers[task.name], atol=1e-5)
    columns = explained_columns(task, answers[task.name])
    scores, pixels, gradients = model.differentiate(IMAGES, task, columns)
    expected = score(task, answers[task.name], columns)
    np.testing.assert_allclose(scores, expected, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(pixels, IMAGES)
    # A second road: all pixels a little along the gradient, as one alone moves
    # an answer by less than float32 can tell.
    direction, ends = np.sign(gradients[:1]), []
    for step in (0.5, -0.5):
        moved = IMAGES[:1].astype(np.float32) + step * direction
        ends.append(model.differentiate(moved, task, columns[:1])[0][0])
    slope = np.abs(gradients[0]).sum()
    assert float(ends[0] - ends[1]) == pytest.approx(float(slope), rel=0.1)


@pytest.mark.parametrize("task", EVERY_KIND.tasks, ids=lambda task: task.name)
def test_integrated_gradients_are_complete(model, task):
    columns = explained_columns(task, model.answers(IMAGES)[task.name])
    for start in (blurred(IMAGES), IMAGES.mean(0)):
        heats = integrated_gradients(model, IMAGES, task, columns, start, 64)
        gaps = completeness_gaps(model, heats, IMAGES, task, columns, start)
        ends = heats.sum((1, 2)) - gaps
        answers = [
            score(task, model.answers(x)[task.name], columns)
            for x in (IMAGES.astype(np.float32), start + 0 * IMAGES)
        ]
        np.testing.assert_allclose(
            ends, answers[0] - answers[1], rtol=1e-3, atol=2e-3
        )
        assert np.abs(gaps).mean() < 0.03 * np.abs(ends).mean() + 1e-4


@pytest.fixture(scope="module")
def small():
    return make_small_classifier()


@pytest.mark.parametrize("nested", [False, True])
def test_maps_lie_where_the_evidence_was_put(nested):
    model = Differentiable(make_small_classifier(nested))
    images = make_pictures()
    for task in SCHEMA.tasks:
        columns = explained_columns(task, model.answers(images)[task.name])
        maps = [
            hires_cam(model, images, task, columns),
            integrated_gradients(model, images, task, columns, images.mean(0)),
        ]
        for heats in maps:
            assert heats.shape == images.shape[:3]
            inside = np.abs(heats[:, BANDS[task.name]]).sum()
            # HiResCAM is enlarged, which blurs the edge of a band.
            assert inside > 0.85 * np.abs(heats).sum() > 0


def test_hires_cam_of_a_mean_of_maps_adds_up_to_the_logit(small):
    task = SCHEMA.task("signs")
    model, images = Differentiable(small), make_pictures()
    answers = model.answers(images)["signs"]
    heats = hires_cam(model, images, task, 1)
    # Gradient times activation of what is linear from there on.
    np.testing.assert_allclose(
        heats.sum((1, 2)), score(task, answers, 1), rtol=0.02, atol=0.02
    )


def test_maps_follow_the_weights(small):
    broken = Differentiable(randomised(small, np.random.default_rng(3)))
    model, images = Differentiable(small), make_pictures()
    again = Differentiable(small)
    task = SCHEMA.task("mood")
    columns = explained_columns(task, model.answers(images)["mood"])

    def maps(of):
        start = images.mean(0)
        return integrated_gradients(of, images, task, columns, start)

    same = rank_correlations(maps(model), maps(again))
    np.testing.assert_allclose(same, 1, atol=1e-3)
    # Most of a map is 0 in both.
    assert rank_correlations(maps(model), maps(broken)).mean() < 0.7
    weights = small.get_layer("mood").get_weights()[0]
    shuffled = randomised(small, np.random.default_rng(3))
    other = shuffled.get_layer("mood").get_weights()[0]
    np.testing.assert_array_equal(np.sort(other, None), np.sort(weights, None))
    assert not np.array_equal(other, weights)


def test_the_classifier_stays_as_it_was(classifier):
    before = classifier.predict_answers(IMAGES, verbose=0)
    Differentiable(classifier)
    after = classifier.predict_answers(IMAGES, verbose=0)
    for name, values in before.items():
        np.testing.assert_array_equal(values, after[name])
    # Layers that others look for have one input still.
    assert classifier.get_layer("guarded_convolution").input is not None


def test_networks_of_others_are_explained():
    name = "MobileNetV3Small(alpha=0.35, minimalistic=True)"
    shape = EVERY_KIND.image_shape
    from tp_keras.models import PortraitClassifier

    classifier = PortraitClassifier(
        create_backbone(name, shape), EVERY_KIND, tasks=["smile"]
    )
    keras.utils.set_random_seed(0)
    model, task = Differentiable(classifier), EVERY_KIND.task("smile")
    heats = hires_cam(model, IMAGES, task, 1)
    assert heats.shape == IMAGES.shape[:3]
    assert integrated_gradients(
        model, IMAGES, task, 1, blurred(IMAGES), 2
    ).any()
