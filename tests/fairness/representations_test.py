import dataclasses

import numpy as np
import pytest

from tests.made_runs import make_classifier
from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import HAIR_COLOR
from tests.portrait_factory import HAIR_TYPE
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.fairness import representations
from tp_keras.fairness.representations import represent

COUNT = 10


def represent_eagerly(monkeypatch):
    """For a few portraits: a graph takes longer to make than to run."""
    make = representations._layers_model

    def make_eager(classifier):
        model = make(classifier)
        model.run_eagerly = True
        return model

    monkeypatch.setattr(representations, "_layers_model", make_eager)


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


@pytest.fixture(scope="module")
def images():
    return make_portraits(COUNT).images


@pytest.fixture(scope="module")
def found(classifier, images):
    return represent(classifier, images, progress=False)


def test_answers_and_layers_are_those_of_the_classifier(
    classifier, images, found
):
    expected = classifier.predict_answers(images, verbose=0)
    embedding = expected.pop("embedding")
    assert set(found.predictions) == set(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found.predictions[name], array.argmax(1))
    features = np.array(classifier.backbone(images))
    for task in (HAIR_COLOR, HAIR_TYPE):
        layers, own = found.layers[task.name], f"{task.name}_embedding"
        names = ["backbone", "guarded_block", "embedding", own, "answer"]
        assert list(layers) == names
        assert found.embedding(task) is layers[own]
        projection = classifier.get_layer(f"{task.name}_projection")
        projected = np.array(projection(layers["guarded_block"]))
        projected -= projected.mean(1, keepdims=True)
        projected /= projected.std(1, keepdims=True)
        part = embedding[:, classifier.embedding_slices[task.name]]
        head = classifier.get_layer(task.name)
        for name, values, atol in (
            ("backbone", features.mean((1, 2)), 1e-4),
            ("embedding", embedding, 1e-4),
            (own, part, 1e-4),
            (own, projected, 1e-3),
            ("answer", head(layers[own]), 1e-4),
        ):
            np.testing.assert_allclose(layers[name], values, atol=atol)


def test_predictions_of_every_kind_have_the_form_of_labels():
    portraits = make_portraits(COUNT, schema=EVERY_KIND, missing=0)
    classifier = make_classifier(EVERY_KIND)
    found = represent(classifier, portraits.images, progress=False)
    expected = classifier.predict_answers(portraits.images, verbose=0)
    for task in EVERY_KIND.tasks:
        predictions = found.predictions[task.name]
        assert predictions.shape == portraits.labels[task.name].shape
    np.testing.assert_allclose(
        found.predictions["age"], expected["age"], rtol=1e-5
    )
    np.testing.assert_array_equal(
        found.predictions["signs"], expected["signs"] > 0.5
    )
    mood = expected["mood"] @ np.arange(4)
    np.testing.assert_array_equal(found.predictions["mood"], np.rint(mood))
    assert list(found.layers) == ["age", "smile"]
    assert found.layers["age"]["answer"].shape == (COUNT, 1)


def test_what_cannot_be_represented(images):
    with pytest.raises(UserError, match="one or more guarded tasks"):
        represent(make_classifier(tasks=["gender"]), images)
    classifier = make_classifier()
    classifier.get_layer("hair_type").bias.assign([0.0, np.nan, 0.0])
    with pytest.raises(UserError, match="hair_type.* of 10 of 10 portraits"):
        represent(classifier, images, progress=False)


def test_twins_are_paired_by_image_index(monkeypatch):
    portraits, twins = (
        dataclasses.replace(make_portraits(6), indices=np.array(indices))
        for indices in ([3, 5, 8, 9, 11, 20], [2, 5, 9, 10, 20, 21])
    )
    monkeypatch.setattr(representations, "represent", lambda *made: made[1])
    rows, images = representations.represent_twins(None, portraits, twins)
    assert rows.tolist() == [1, 3, 5]
    np.testing.assert_array_equal(images, twins.images[[1, 2, 4]])
