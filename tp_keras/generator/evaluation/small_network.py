"""A small classifier that is trained within seconds."""

import keras
import numpy as np

from tp_keras.tasks import IMAGE_SHAPE
from tp_keras.tasks import MISSING

_BATCH_SIZE = 64
_LEARNING_RATE = 3e-3


class SmallNetwork:
    """Four convolutions with a head for each label.

    Its first layer looks at every pixel in steps of three, so that blur and
    grain are seen while all else is cheap: about 130,000 parameters.

    Args:
        num_classes: Dict: name of a label -> number of its classes.
        epochs: Passes over the images.
        seed: Int, of weights, order and mirroring. Keras' global seed is set
            to it when training starts.

    Example:
        >>> network = SmallNetwork({"gender": 2}, epochs=8, seed=0)
        >>> network.fit(train.images, train.labels)
        >>> network.predict(test.images)["gender"].shape
        (897,)
    """

    def __init__(self, num_classes: dict[str, int], epochs: int, seed: int):
        self.num_classes = dict(num_classes)
        self.epochs = epochs
        self.seed = seed

    def fit(self, images, labels, progress=None) -> "SmallNetwork":
        """Trains from new weights.

        Args:
            images: uint8 array [N, 108, 84, 3].
            labels: Dict: name -> integer array [N], -1 where missing.
            progress: Function called after each epoch, or None.
        """
        keras.utils.set_random_seed(self.seed)
        self._model = _build(self.num_classes)
        names = list(self.num_classes)
        targets = {
            name: np.maximum(np.asarray(labels[name], np.int32), 0)
            for name in names
        }
        weights = {
            name: (np.asarray(labels[name]) != MISSING).astype(np.float32)
            for name in names
        }
        steps = -(-len(images) // _BATCH_SIZE) * self.epochs
        self._model.compile(
            optimizer=keras.optimizers.AdamW(
                keras.optimizers.schedules.CosineDecay(_LEARNING_RATE, steps),
                weight_decay=0.01,
            ),
            loss={
                name: keras.losses.SparseCategoricalCrossentropy(
                    from_logits=True
                )
                for name in names
            },
        )
        callbacks = []
        if progress is not None:
            callbacks.append(
                keras.callbacks.LambdaCallback(
                    on_epoch_end=lambda epoch, logs: progress()
                )
            )
        self._model.fit(
            images,
            targets,
            sample_weight=weights,
            batch_size=_BATCH_SIZE,
            epochs=self.epochs,
            callbacks=callbacks,
            verbose=0,
        )
        return self

    def predict(self, images) -> dict[str, np.ndarray]:
        """Returns name -> the class of each image, integer array [N]."""
        logits = self._model.predict(images, batch_size=256, verbose=0)
        return {name: values.argmax(-1) for name, values in logits.items()}


def _build(num_classes):
    image = keras.Input(IMAGE_SHAPE, dtype="uint8", name="image")
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
