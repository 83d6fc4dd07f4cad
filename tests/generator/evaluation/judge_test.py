import keras
import numpy as np
import pytest

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.generator.evaluation.judge import Judge
from tp_keras.generator.evaluation.judge import RandomNetwork
from tp_keras.generator.evaluation.judge import fit_whitening
from tp_keras.models.backbone import PortraitBackbone
from tp_keras.models.classifier import PortraitClassifier


def make_classifier(schema=SCHEMA, **settings):
    keras.utils.set_random_seed(0)
    backbone = PortraitBackbone(
        "merged",
        stem_channels=8,
        stages=((24, 1, 2), (72, 1, 2)),
        image_shape=schema.image_shape,
    )
    return PortraitClassifier(backbone, schema, embedding_size=8, **settings)


@pytest.mark.parametrize(
    "schema, tasks, judged",
    [
        (SCHEMA, [], ["gender", "hair_color", "hair_type"]),
        (SCHEMA, ["hair_color"], ["hair_color"]),
        (EVERY_KIND, [], ["mood", "origin", "smile"]),
    ],
    ids=["all", "guarded_alone", "every_kind"],
)
def test_features_of_the_trunk_and_answers_of_the_classifier(
    schema, tasks, judged
):
    classifier = make_classifier(schema, tasks=tasks)
    images = make_portraits(100, schema=schema).images
    judge = Judge(classifier, images[:90])
    features, found = judge.describe(images)
    assert features.shape == (100, 64) and features.dtype == np.float32
    maps = np.asarray(classifier.backbone.predict_on_batch(images))
    expected = (maps.mean((1, 2)) - judge.mean) @ judge.projection
    np.testing.assert_allclose(features, expected, atol=0.02)
    covariance = np.cov(features[:90].T)
    np.testing.assert_allclose(covariance, np.eye(64), atol=0.05)
    # A row does not depend on its batch.
    alone = judge.features(images[40:43])
    np.testing.assert_allclose(alone, features[40:43], atol=1e-2)
    answers = classifier.predict_answers(images, verbose=0)
    assert list(found) == judged
    for name, classes in judge.predict(images).items():
        assert classes.dtype == np.int32
        np.testing.assert_array_equal(classes, found[name])
        expected = schema.task(name).predicted(answers[name])
        np.testing.assert_array_equal(classes, expected)


def test_a_random_network_is_always_the_same_and_orthogonal():
    images = make_portraits(100).images
    network = RandomNetwork(images)
    keras.utils.set_random_seed(5)
    again = RandomNetwork(images)
    features = network.features(images)
    assert features.shape == (100, 64) and features.dtype == np.float32
    np.testing.assert_array_equal(features, again.features(images))
    kernels = network._model.get_weights()
    for kernel, channels in zip(kernels, (32, 64, 128), strict=True):
        rows = kernel.reshape(-1, channels)
        rows = rows if len(rows) < channels else rows.T
        expected = 2 * np.eye(len(rows))
        np.testing.assert_allclose(rows @ rows.T, expected, atol=1e-5)


def test_whitening_keeps_the_largest_directions_with_any_variance():
    features = np.random.default_rng(0).standard_normal((300, 4))
    features *= [1, 10, 0.1, 5]
    _, projection = fit_whitening(features, size=2)
    np.testing.assert_array_equal(np.abs(projection).argmax(0), [1, 3])
    plain = np.concatenate([features, np.full((300, 3), 7.0)], 1)
    _, projection = fit_whitening(plain, size=64)
    assert projection.shape == (7, 4)
    np.testing.assert_allclose(projection[4:], 0, atol=1e-3)
    with pytest.raises(UserError, match="Received: 20 portraits"):
        fit_whitening(features[:20])
