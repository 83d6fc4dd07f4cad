"""A network that nobody trained, as a second judge."""

import keras
import numpy as np

from tp_keras.generator.evaluation.batches import compute_digest
from tp_keras.generator.evaluation.batches import run_in_batches
from tp_keras.generator.evaluation.whitening import Whitening
from tp_keras.tasks import IMAGE_SHAPE

# Part of what the network is: with another number it is another judge.
_SEED = 20_220_819

_CHANNELS = (32, 64, 128)
_FEATURES = "features"


class RandomNetwork:
    """Describes portraits by the features of random convolutions.

    Three convolutions of stride 2 with orthogonal kernels, never trained; the
    average over the image of what each makes, together, is whitened. It knows
    nothing of labels, so it sees also what a classifier learnt to overlook,
    and nobody can have tuned it.

    Args:
        reference_images: uint8 array `[count, 108, 84, 3]` that the whitening
            is fitted on: the same as a `Judge`'s.
        batch_size: Int.
        progress: Whether to show a bar after two seconds.

    Raises:
        UserError: If there are not more than 64 reference portraits.

    Source:
        Naeem et al., Reliable fidelity and diversity metrics for generative
        models, 2020, who use random networks beside trained ones.

    Example:
        >>> RandomNetwork(own_half.images).features(test.images).shape
        (897, 64)
    """

    name = "random_network"

    def __init__(self, reference_images, batch_size=256, progress=True):
        self._batch_size = batch_size
        self._progress = progress
        self._model = _random_model()
        self.whitening = Whitening.fit(self._run(reference_images))

    @property
    def fingerprint(self) -> str:
        """SHA-256 of weights and whitening."""
        return compute_digest(
            [
                *self._model.get_weights(),
                self.whitening.mean,
                self.whitening.projection,
            ]
        )

    def features(self, images) -> np.ndarray:
        """Returns whitened features: float32 `[count, 64]`.

        Args:
            images: uint8 array `[count, 108, 84, 3]`.
        """
        return self.whitening(self._run(images))

    def _run(self, images):
        return run_in_batches(
            self._model, images, self._batch_size, self._progress
        )[_FEATURES]


def _random_model():
    image = keras.Input(IMAGE_SHAPE, dtype="uint8", name="image")
    x = keras.layers.Rescaling(1 / 64.0, -2.0, dtype="float32")(image)
    pooled = []
    for index, channels in enumerate(_CHANNELS):
        x = keras.layers.Conv2D(
            channels,
            3,
            strides=2,
            padding="same",
            use_bias=False,
            activation="relu",
            dtype="float32",
            name=f"convolution_{index}",
        )(x)
        pooled.append(keras.layers.GlobalAveragePooling2D(dtype="float32")(x))
    features = keras.layers.Concatenate(dtype="float32")(pooled)
    model = keras.Model(image, {_FEATURES: features}, name="random_network")
    # NumPy's numbers: those of Keras differ between its backends.
    generator = np.random.default_rng(_SEED)
    model.set_weights(
        [_orthogonal(weight.shape, generator) for weight in model.weights]
    )
    return model


def _orthogonal(shape, generator):
    """Returns a kernel whose filters, as far as they can, are orthogonal."""
    rows, columns = int(np.prod(shape[:-1])), shape[-1]
    size = max(rows, columns), min(rows, columns)
    basis, _ = np.linalg.qr(generator.standard_normal(size))
    if rows < columns:
        basis = basis.T
    # Half of the variance is lost at each ReLU.
    return np.sqrt(2.0) * basis.reshape(shape)
