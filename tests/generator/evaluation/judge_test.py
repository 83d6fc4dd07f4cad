import keras
import numpy as np
import pytest

from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.generator.evaluation.judge import Judge
from tp_keras.generator.evaluation.random_network import RandomNetwork
from tp_keras.generator.evaluation.whitening import Whitening
from tp_keras.models.backbone import PortraitBackbone
from tp_keras.models.classifier import PortraitClassifier


@pytest.fixture(scope="module")
def images():
    return make_portraits(100).images


def make_classifier(**settings):
    keras.utils.set_random_seed(0)
    backbone = PortraitBackbone(
        "merged", stem_channels=8, stages=((24, 1, 2), (72, 1, 2))
    )
    return PortraitClassifier(backbone, embedding_size=8, **settings)


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


@pytest.fixture(scope="module")
def judge(classifier, images):
    return Judge(classifier, images[:90], batch_size=32)


def test_features_are_the_whitened_means_of_the_trunk(
    judge, classifier, images
):
    maps = np.asarray(classifier.backbone.predict_on_batch(images))
    expected = judge.whitening(maps.mean((1, 2)))
    features = judge.features(images)
    assert features.shape == (100, 64) and features.dtype == np.float32
    np.testing.assert_allclose(features, expected, atol=0.02)
    covariance = np.cov(features[:90].T)
    np.testing.assert_allclose(covariance, np.eye(64), atol=0.05)


def test_answers_are_those_of_the_classifier(judge, classifier, images):
    expected = classifier.predict_answers(images, verbose=0)
    found = judge.probabilities(images)
    assert sorted(found) == ["gender", "hair_color", "hair_type"]
    for name, values in found.items():
        np.testing.assert_allclose(values, expected[name], atol=1e-5)
        predicted = judge.predict(images)[name]
        assert predicted.dtype == np.int32
        np.testing.assert_array_equal(predicted, values.argmax(1))


def test_a_row_does_not_depend_on_its_batch(judge, images):
    np.testing.assert_allclose(
        judge.features(images[40:43]), judge.features(images)[40:43], atol=1e-2
    )


def test_a_classifier_of_hair_alone_judges_by_its_trunk(images):
    classifier = make_classifier(tasks=["hair_color"])
    judge = Judge(classifier, images)
    maps = np.asarray(classifier.backbone.predict_on_batch(images))
    np.testing.assert_allclose(
        judge.features(images),
        judge.whitening(maps.mean((1, 2))),
        atol=0.02,
    )
    assert judge.task_names == ("hair_color",)


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
    return RandomNetwork(images, batch_size=50)


def test_a_random_network_is_always_the_same(network, images):
    keras.utils.set_random_seed(5)
    again = RandomNetwork(images, batch_size=50)
    assert again.fingerprint == network.fingerprint
    features = network.features(images)
    assert features.shape == (100, 64) and features.dtype == np.float32
    np.testing.assert_array_equal(features, again.features(images))
    again.whitening = Whitening.fit(features[1:])
    assert again.fingerprint != network.fingerprint


def test_the_kernels_of_a_random_network_are_orthogonal(network):
    kernels = network._model.get_weights()
    assert [kernel.shape[-1] for kernel in kernels] == [32, 64, 128]
    first, second, third = (
        kernel.reshape(-1, kernel.shape[-1]) for kernel in kernels
    )
    np.testing.assert_allclose(first @ first.T, 2 * np.eye(27), atol=1e-5)
    np.testing.assert_allclose(second.T @ second, 2 * np.eye(64), atol=1e-5)
    np.testing.assert_allclose(third.T @ third, 2 * np.eye(128), atol=1e-5)
