"""Small stand-ins for a classifier, with statistics worth folding."""

import keras
import numpy as np

from tp_keras.tasks import IMAGE_SHAPE
from tp_keras.tasks import TASKS

EMBEDDING_SIZE = 8


class TinyClassifier:
    """What the export needs of a classifier: tasks and an inference model."""

    def __init__(self, seed=0, with_embedding=True):
        keras.utils.set_random_seed(seed)
        self.tasks = TASKS
        image = keras.Input(IMAGE_SHAPE, dtype="uint8", name="image")
        x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
        x = keras.layers.Conv2D(4, 3, strides=4, use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU(max_value=6.0)(x)
        x = keras.layers.DepthwiseConv2D(3, strides=4, use_bias=False)(x)
        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.GlobalAveragePooling2D()(x)
        embedding = keras.layers.Dense(EMBEDDING_SIZE)(x)
        outputs = {
            task.name: keras.layers.Dense(task.num_classes)(embedding)
            for task in TASKS
        }
        if with_embedding:
            outputs["hair_embedding"] = embedding
        self.model = keras.Model(image, outputs)
        randomize_normalization(self.model)

    def inference_model(self):
        return self.model


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


def random_portraits(count, seed=0):
    generator = np.random.default_rng(seed)
    return generator.integers(0, 256, (count, *IMAGE_SHAPE), dtype=np.uint8)
