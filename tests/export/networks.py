"""Small classifiers, with statistics worth folding."""

import keras
import numpy as np

from tests.portrait_factory import EVERY_KIND
from tests.portrait_factory import SCHEMA
from tp_keras import models


def make_classifier(schema=EVERY_KIND, tasks=(), seed=0):
    """An untrained classifier that answers differently to each portrait."""
    keras.utils.set_random_seed(seed)
    backbone = models.PortraitBackbone(
        "separable", 4, ((8, 1, 4), (8, 1, 4)), image_shape=schema.image_shape
    )
    classifier = models.PortraitClassifier(
        backbone, schema, tasks=tasks, embedding_size=8
    )
    randomize_normalization(classifier)
    return classifier


def randomize_normalization(model, seed=0):
    """Gives every normalisation statistics that change what passes it."""
    generator = np.random.default_rng(seed)
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.moving_mean.shape
            layer.moving_mean.assign(generator.normal(0.0, 0.3, size))
            layer.moving_variance.assign(generator.uniform(0.5, 2.0, size))
            if layer.gamma is not None:
                layer.gamma.assign(generator.uniform(0.5, 1.5, size))
            if layer.beta is not None:
                layer.beta.assign(generator.normal(0.0, 0.3, size))


def differing_layers(first, second):
    """Returns the names of the layers whose weights differ."""
    return {
        layer.name
        for layer, other in zip(first.layers, second.layers, strict=True)
        for a, b in zip(layer.get_weights(), other.get_weights(), strict=True)
        if not np.array_equal(a, b)
    }


def random_portraits(count, seed=0, schema=SCHEMA):
    generator = np.random.default_rng(seed)
    shape = (count, *schema.image_shape)
    return generator.integers(0, 256, shape, dtype=np.uint8)


class Here:
    """In place of a `FreshProcess`: calls in this one, which starts at once."""

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def call(self, function, *arguments):
        return function(*arguments)

    def close(self):
        pass
