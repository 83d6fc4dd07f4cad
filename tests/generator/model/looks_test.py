import types

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.generator.model.networks import make_classifier
from tests.portrait_factory import SCHEMA
from tests.portrait_factory import make_portraits
from tp_keras.errors import UserError
from tp_keras.generator.model.looks import FeatureNetwork


@pytest.fixture(scope="module")
def classifier():
    return make_classifier()


@pytest.fixture(scope="module")
def network(classifier, tmp_path_factory):
    """Of a classifier that comes from a file, as in a training."""
    path = tmp_path_factory.mktemp("classifier") / "model.keras"
    classifier.save(path)
    loaded = keras.saving.load_model(path, compile=False)
    return FeatureNetwork(loaded)


def test_it_answers_as_its_classifier(network, classifier):
    images = make_portraits(4).images
    expected = classifier(images, training=False)
    maps, logits = network(images.astype(np.float32))
    assert set(logits) == set(expected) == set(SCHEMA.task_names)
    for name, values in expected.items():
        np.testing.assert_allclose(logits[name], values, atol=1e-5)
    # One for each size of the trunk, and each of them sees something.
    sizes = [x.shape[1:3] for x in maps]
    assert len(set(sizes)) == len(sizes) >= 2
    assert all(np.ptp(x) > 0 for x in maps)
    assert network.map_shapes == [tuple(x.shape[1:]) for x in maps]


def test_its_gradient_reaches_every_picture(network):
    images = tf.constant(make_portraits(2).images.astype(np.float32) + 0.4)
    with tf.GradientTape() as tape:
        tape.watch(images)
        _, logits = network(images)
        total = tf.reduce_sum([tf.reduce_sum(x) for x in logits.values()])
    slopes = np.abs(tape.gradient(total, images).numpy())
    assert (slopes.max(axis=(1, 2, 3)) > 0).all()
    # Between two whole numbers it sees a difference, too.
    shifted = network(images + 0.2)[1]
    assert any(np.abs(shifted[n] - logits[n]).max() > 0 for n in logits)


def test_a_backbone_without_maps_is_refused():
    inputs = keras.Input((4,))
    backbone = keras.Model(inputs, keras.layers.Dense(2)(inputs), name="other")
    classifier = types.SimpleNamespace(backbone=backbone, tasks=())
    with pytest.raises(UserError, match="portrait_s. Received: backbone=other"):
        FeatureNetwork(classifier)
