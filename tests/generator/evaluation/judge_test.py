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


@pytest.fixture(scope="module")
def images():
    return make_portraits(100).images


def make_classifier(schema=SCHEMA, **settings):
    keras.utils.set_random_seed(0)
    backbone = PortraitBackbone(
        "merged",
        stem_channels=8,
        stages=((24, 1, 2), (72, 1, 2)),
        image_shape=schema.image_shape,
    )
    return PortraitClassifier(backbone, schema, embedding_size=8, **settings)


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


@pytest.fixture(scope="module")
def judge(classifier, images):
    return Judge(classifier, images[:90])


def test_features_are_the_whitened_means_of_the_trunk(
    judge, classifier, images
):
    maps = np.asarray(classifier.backbone.predict_on_batch(images))
    expected = (maps.mean((1, 2)) - judge.mean) @ judge.projection
    features = judge.features(images)
    assert features.shape == (100, 64) and features.dtype == np.float32
    np.testing.assert_allclose(features, expected, atol=0.02)
    covariance = np.cov(features[:90].T)
    np.testing.assert_allclose(covariance, np.eye(64), atol=0.05)


def test_answers_are_those_of_the_classifier(judge, classifier, images):
    expected = classifier.predict_answers(images, verbose=0)
    features, found = judge.describe(images)
    np.testing.assert_array_equal(features, judge.features(images))
    assert sorted(found) == ["gender", "hair_color", "hair_type"]
    for name, values in judge.predict(images).items():
        assert values.dtype == np.int32
        np.testing.assert_array_equal(values, found[name])
        np.testing.assert_array_equal(values, expected[name].argmax(1))


def test_a_row_does_not_depend_on_its_batch(judge, images):
    np.testing.assert_allclose(
        judge.features(images[40:43]), judge.features(images)[40:43], atol=1e-2
    )


@pytest.mark.parametrize(
    "schema, tasks, judged",
    [
        (SCHEMA, ["hair_color"], ["hair_color"]),
        (EVERY_KIND, [], ["mood", "origin", "smile"]),
    ],
    ids=["guarded_alone", "every_kind"],
)
def test_a_judge_of_other_tasks(schema, tasks, judged):
    classifier = make_classifier(schema, tasks=tasks)
    images = make_portraits(80, schema=schema).images
    judge = Judge(classifier, images)
    maps = np.asarray(classifier.backbone.predict_on_batch(images))
    np.testing.assert_allclose(
        judge.features(images),
        (maps.mean((1, 2)) - judge.mean) @ judge.projection,
        atol=0.02,
    )
    answers = classifier.predict_answers(images, verbose=0)
    for name, classes in judge.predict(images).items():
        np.testing.assert_array_equal(
            classes, schema.task(name).predicted(answers[name])
        )
    assert list(judge.predict(images)) == judged


def test_the_fingerprint_tells_weights_and_whitening(judge, images):
    assert Judge(make_classifier(), images[:90]).fingerprint == (
        judge.fingerprint
    )
    assert Judge(make_classifier(), images[5:]).fingerprint != (
        judge.fingerprint
    )
    other = make_classifier()
    weight = other.get_layer("gender").bias
    weight.assign(weight + 1e-3)
    assert Judge(other, images[:90]).fingerprint != judge.fingerprint
    assert len(judge.fingerprint) == 64


def test_a_judge_needs_reference_portraits(classifier, images):
    with pytest.raises(UserError, match="Received: 20 portraits"):
        Judge(classifier, images[:20])


@pytest.fixture(scope="module")
def network(images):
    return RandomNetwork(images)


def test_a_random_network_is_always_the_same(network, images):
    keras.utils.set_random_seed(5)
    again = RandomNetwork(images)
    assert again.fingerprint == network.fingerprint
    features = network.features(images)
    assert features.shape == (100, 64) and features.dtype == np.float32
    np.testing.assert_array_equal(features, again.features(images))
    assert RandomNetwork(images[1:]).fingerprint != network.fingerprint


def test_the_kernels_of_a_random_network_are_orthogonal(network):
    kernels = network._model.get_weights()
    assert [kernel.shape[-1] for kernel in kernels] == [32, 64, 128]
    first, second, third = (
        kernel.reshape(-1, kernel.shape[-1]) for kernel in kernels
    )
    np.testing.assert_allclose(first @ first.T, 2 * np.eye(27), atol=1e-5)
    np.testing.assert_allclose(second.T @ second, 2 * np.eye(64), atol=1e-5)
    np.testing.assert_allclose(third.T @ third, 2 * np.eye(128), atol=1e-5)


def mixed_features(count=500, seed=0):
    generator = np.random.default_rng(seed)
    scales = np.linspace(5, 0.1, 12)
    mixing = np.linalg.qr(generator.standard_normal((12, 12)))[0]
    return generator.standard_normal((count, 12)) * scales @ mixing + 3


def test_whitening_keeps_the_largest_directions():
    features = np.random.default_rng(0).standard_normal((300, 4))
    _, projection = fit_whitening(features * [1, 10, 0.1, 5], size=2)
    np.testing.assert_array_equal(np.abs(projection).argmax(0), [1, 3])


def test_a_channel_without_variance_is_left_out():
    features = np.concatenate([mixed_features(), np.full((500, 3), 7.0)], 1)
    _, projection = fit_whitening(features, size=64)
    assert projection.shape == (15, 12)
    np.testing.assert_allclose(projection[12:], 0, atol=1e-3)
