"""What a classifier that is trained within seconds tells of portraits."""

from collections.abc import Iterator

import keras
import numpy as np

from tp_keras.data.portraits import Portraits
from tp_keras.evaluation import figures
from tp_keras.generator.config import GenerationSettings
from tp_keras.records.record import ALL
from tp_keras.tasks import MISSING

_BATCH_SIZE = 64
_LEARNING_RATE = 3e-3
_ORIGIN = "origin"


class SmallNetwork:
    """Four convolutions with a head for each label.

    The first looks at every pixel in steps of three, so that blur and grain
    are seen while all else is cheap: about 130,000 parameters. Labels are a
    dict, name -> number of classes. When training starts, Keras' global seed is
    set to that of the settings.
    """

    def __init__(self, num_classes: dict, settings: GenerationSettings):
        self.num_classes = num_classes
        self.settings = settings

    def fit(self, images, labels) -> "SmallNetwork":
        """Trains from new weights on uint8 images and labels, -1 if missing."""
        keras.utils.set_random_seed(self.settings.seed)
        self._model = _build(images.shape[1:], self.num_classes)
        epochs = self.settings.network_epochs
        steps = -(-len(images) // _BATCH_SIZE) * epochs
        schedule = keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, steps)
        loss = keras.losses.SparseCategoricalCrossentropy
        self._model.compile(
            keras.optimizers.AdamW(schedule, weight_decay=0.01),
            {name: loss(from_logits=True) for name in self.num_classes},
        )
        targets, weights = {}, {}
        for name in self.num_classes:
            targets[name] = np.maximum(labels[name], 0).astype(np.int32)
            weights[name] = (labels[name] != MISSING).astype(np.float32)
        options = {"batch_size": _BATCH_SIZE, "epochs": epochs, "verbose": 0}
        self._model.fit(images, targets, sample_weight=weights, **options)
        return self

    def predict(self, images) -> dict[str, np.ndarray]:
        """Returns name -> the class of each image."""
        logits = self._model.predict(images, batch_size=256, verbose=0)
        return {name: values.argmax(-1) for name, values in logits.items()}


def measure_training_on(
    images: np.ndarray,
    training: Portraits,
    test: Portraits,
    candidate: str,
    settings: GenerationSettings,
) -> Iterator[dict]:
    """Yields the accuracy on real portraits after training on a candidate's.

    A generator that leaves out what real portraits vary in, or shows other
    attributes than asked for, is found out by a classifier that has seen
    nothing else (Ravuri and Vinyals, Classification accuracy score for
    conditional generative models, 2019). The uint8 images were asked for by the
    labels of `training`, the test portraits are real. Yields fields of records
    `classification_score`, one for each condition, with the candidate, who made
    the images, as `variant`.
    """
    tasks = training.schema.condition_tasks
    network = SmallNetwork(
        {task.name: task.num_classes for task in tasks}, settings
    ).fit(images, training.labels)
    answers = network.predict(test.images)
    for task in tasks:
        own = test.labels[task.name]
        known = own != MISSING
        hits = (answers[task.name] == own)[known].sum()
        fields = {"task": task.name, "group": ALL, "variant": candidate}
        yield figures.share("classification_score", hits, known.sum(), **fields)


def measure_two_sample(
    real: np.ndarray,
    made: np.ndarray,
    candidate: str,
    settings: GenerationSettings,
    metric: str = "two_sample_accuracy",
) -> dict:
    """Returns the accuracy of telling two kinds of portraits apart.

    A small network is trained on one half of both and tested on the other: .5
    is guessing (Lopez-Paz and Oquab, Revisiting classifier two-sample tests,
    2017). As many of the longer are used as there are of the shorter, uint8
    arrays [N, height, width, 3]. The fields are those of a record of
    the metric, with the candidate as `variant`.
    """
    size = min(len(real), len(made))
    generator = np.random.default_rng(settings.seed)
    # Row i of both goes to the same half: where a candidate is made of the
    # real ones, a portrait must not be trained on and its twin tested.
    order = generator.permutation(size)
    train, test = order[: size // 2], order[size // 2 :]
    network = SmallNetwork({_ORIGIN: 2}, settings)
    network.fit(*_mixed(real, made, train))
    images, labels = _mixed(real, made, test)
    hits = (network.predict(images)[_ORIGIN] == labels[_ORIGIN]).sum()
    fields = {"task": ALL, "group": ALL, "variant": candidate}
    return figures.share(metric, hits, len(images), **fields)


def _mixed(real, made, rows):
    images = np.concatenate([real[rows], made[rows]])
    origin = np.repeat(np.arange(2, dtype=np.int32), len(rows))
    return images, {_ORIGIN: origin}


def _build(image_shape, num_classes):
    image = keras.Input(image_shape, dtype="uint8", name="image")
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = keras.layers.RandomFlip("horizontal")(x)
    x = _convolve(x, 24, size=5, strides=3)
    x = _convolve(x, 48, strides=2)
    x = _convolve(x, 96, strides=2)
    x = _convolve(x, 96, strides=1)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.2)(x)
    outputs = {
        name: keras.layers.Dense(count, name=name)(x)
        for name, count in num_classes.items()
    }
    return keras.Model(image, outputs)


def _convolve(x, filters, strides, size=3):
    x = keras.layers.Conv2D(
        filters, size, strides, padding="same", use_bias=False
    )(x)
    # A running mean over few steps: a training has a few hundred.
    x = keras.layers.BatchNormalization(momentum=0.9)(x)
    return keras.layers.ReLU()(x)
