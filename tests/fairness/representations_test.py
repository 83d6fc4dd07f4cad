import keras
import numpy as np
import pytest

from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.fairness.representations import represent
from tp_keras.models import PortraitBackbone
from tp_keras.models import PortraitClassifier
from tp_keras.tasks import HAIR_COLOR
from tp_keras.tasks import HAIR_TYPE

COUNT = 10


def make_classifier(**kwargs):
    keras.utils.set_random_seed(0)
    backbone = PortraitBackbone("separable", 8, ((16, 1, 2), (32, 1, 2)))
    return PortraitClassifier(backbone, **kwargs)


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


@pytest.fixture(scope="module")
def images():
    return make_portraits(COUNT).images


@pytest.fixture(scope="module")
def found(classifier, images):
    # Neither a multiple of the batch, nor a batch.
    return represent(classifier, images, batch_size=4, progress=False)


def test_probabilities_and_embeddings_are_the_classifiers(
    classifier, images, found
):
    expected = classifier.predict_answers(images, verbose=0)
    embedding = expected.pop("hair_embedding")
    assert set(found.probabilities) == set(expected)
    for name, array in expected.items():
        np.testing.assert_allclose(found.probabilities[name], array, atol=1e-5)
    for task in (HAIR_COLOR, HAIR_TYPE):
        part = embedding[:, classifier.embedding_slices[task.name]]
        np.testing.assert_allclose(found.embedding(task), part, atol=1e-4)
        np.testing.assert_allclose(
            found.layers[task.name]["hair_embedding"], embedding, atol=1e-4
        )
        np.testing.assert_array_equal(
            found.predictions(task), expected[task.name].argmax(1)
        )


def test_layers_are_those_on_the_way_by_hand(classifier, images, found):
    features = classifier.backbone.predict(images, verbose=0)
    for task in (HAIR_COLOR, HAIR_TYPE):
        layers = found.layers[task.name]
        assert list(layers) == [
            "backbone",
            "hair_block",
            "hair_embedding",
            f"{task.name}_embedding",
            "logits",
        ]
        np.testing.assert_allclose(
            layers["backbone"], features.mean((1, 2)), atol=1e-4
        )
        head = classifier.get_layer(task.name)
        np.testing.assert_allclose(
            layers["logits"], head(layers[f"{task.name}_embedding"]), atol=1e-4
        )
        projection = classifier.get_layer(f"{task.name}_projection")
        projected = np.array(projection(layers["hair_block"]))
        projected -= projected.mean(1, keepdims=True)
        projected /= projected.std(1, keepdims=True)
        np.testing.assert_allclose(
            layers[f"{task.name}_embedding"], projected, atol=1e-3
        )


def test_a_single_hair_task_has_one_embedding(images):
    classifier = make_classifier(tasks=["hair_type"])
    found = represent(classifier, images[:3], progress=False)
    assert list(found.layers) == ["hair_type"]
    assert list(found.layers["hair_type"]) == [
        "backbone",
        "hair_block",
        "hair_type_embedding",
        "logits",
    ]
    assert found.embedding(HAIR_TYPE).shape == (3, classifier.embedding_size)


def test_classifier_without_hair_is_refused(images):
    classifier = make_classifier(tasks=["gender"])
    with pytest.raises(UserError, match="one or more hair tasks"):
        represent(classifier, images)


def test_what_is_not_finite_is_refused(images):
    classifier = make_classifier()
    head = classifier.get_layer("hair_type")
    head.bias.assign([0.0, np.nan, 0.0])
    with pytest.raises(UserError, match="hair_type.* of 10 of 10 portraits"):
        represent(classifier, images, progress=False)
