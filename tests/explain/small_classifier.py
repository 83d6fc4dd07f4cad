"""A classifier whose evidence lies where it was put, without any training."""

import keras
import numpy as np

from tp_keras.models import PortraitClassifier
from tp_keras.tasks import Schema
from tp_keras.tasks import Task

# Bands of eight rows each, from the top.
AGE = Task("age", "regression", unit="years", low=0, high=100, tolerance=5)
MOOD = Task("mood", "ordinal", ("sad", "calm", "merry"))
SIGNS = Task("signs", "multi_label", ("hat", "scarf"))
SMILE = Task("smile", "binary", ("no", "yes"))
SCHEMA = Schema((32, 24, 3), (AGE, MOOD, SIGNS, SMILE), protected="smile")
BANDS = {
    task.name: slice(8 * place, 8 * place + 8)
    for place, task in enumerate(SCHEMA.tasks)
}


def regions(dataset, indices):
    """The bands as regions, as a data set tells them."""
    shares = {}
    for name, band in BANDS.items():
        plane = np.zeros((len(indices), 32, 24), np.float32)
        plane[:, band] = 1
        shares[f"band of {name}"] = plane
    return shares, None


@keras.saving.register_keras_serializable("tests")
class Bands(keras.layers.Layer):
    """Maps of a channel for each band: the brightness inside of it, squared."""

    def call(self, x):
        rows = keras.ops.arange(x.shape[1]) // (x.shape[1] // 4)
        mask = keras.ops.one_hot(rows, 4, dtype=x.dtype)[None, :, None]
        gray = keras.ops.mean(x, axis=-1, keepdims=True) / 255
        return 4 * keras.ops.square(gray) * mask

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 4)


def make_small_classifier(nested=False):
    """Each head reads the mean of its own channel, and nothing else."""
    image = keras.Input(SCHEMA.image_shape, dtype="uint8", name="image")
    x = keras.layers.Rescaling(1.0)(image)
    x = keras.layers.AveragePooling2D(2)(x)
    trunk = keras.Model(image, Bands(name="bands")(x), name="backbone")
    if nested:
        outer = keras.Input(SCHEMA.image_shape, dtype="uint8")
        trunk = keras.Model(outer, trunk(outer), name="outer")
    classifier = PortraitClassifier(trunk, SCHEMA, number_head="regression")
    rng = np.random.default_rng(0)
    for place, task in enumerate(SCHEMA.tasks):
        layer = classifier.get_layer(task.name)
        kernel, bias = layer.get_weights()
        kernel[:] = 0
        kernel[place] = rng.uniform(2, 6, kernel.shape[1]) * [
            (-1) ** unit for unit in range(kernel.shape[1])
        ]
        layer.set_weights([kernel, bias])
    return classifier


def make_pictures(count=24, seed=0):
    """Pictures of blobs of any brightness."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(20, 236, (count, 8, 6, 3)).astype(np.uint8)
    return np.repeat(np.repeat(cells, 4, axis=1), 4, axis=2)
