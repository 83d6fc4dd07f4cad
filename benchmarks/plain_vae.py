"""The convolutional VAE of the Keras examples, at the size of portraits.

https://keras.io/examples/generative/vae/: two strided convolutions and a dense
layer to the latents, a dense layer and two transposed convolutions back to a
sigmoid; binary cross-entropy and KL, summed over pixels and latents; Adam.
"""

import math

import keras
from keras import ops

from tp_keras.generator.model.losses import gaussian_kl

CHANNELS = (32, 64)
HIDDEN_UNITS = 16

# What is widened until the network has as many parameters as another: all its
# channels, or the dense layer of the encoder alone, which costs next to no
# time.
WIDER_CONVOLUTIONS = "wider convolutions"
WIDER_DENSE = "wider dense layer"
WIDENINGS = (WIDER_CONVOLUTIONS, WIDER_DENSE)

# Share by which the numbers of parameters may differ.
TOLERANCE = 0.05


class PlainVAE(keras.Model):
    """A VAE of two convolutions each way.

    Args:
        image_shape: Rows, columns and channels. Where four does not divide
            them, the last transposed convolution is cropped.
        channels: Ints. Channels of the first and the second convolution.
        hidden_units: Int. Units of the encoder's dense layer.
        latent_size: Int. Length of the latents.

    Takes uint8 images `[batch, *image_shape]`; what its decoder draws lies
    between 0 and 1.
    """

    def __init__(self, image_shape, channels, hidden_units, latent_size):
        super().__init__()
        self.encoder = _build_encoder(
            image_shape, channels, hidden_units, latent_size
        )
        self.decoder = _build_decoder(image_shape, channels, latent_size)
        self.latent_size = latent_size
        self.seed_generator = keras.random.SeedGenerator(0)
        self._means = [
            keras.metrics.Mean(name=name)
            for name in ("loss", "reconstruction_loss", "kl_loss")
        ]
        self.built = True

    @property
    def metrics(self):
        """The means over an epoch that `fit` shows."""
        return self._means

    def call(self, inputs, training=False):
        """Returns drawn images, and mean and log variance of the latents."""
        mean, log_variance = self.encoder(inputs, training=training)
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        latents = mean + ops.exp(0.5 * log_variance) * noise
        drawn = self.decoder(latents, training=training)
        return drawn, mean, log_variance

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Returns the negative bound, as in the example."""
        drawn, mean, log_variance = y_pred
        pixels = ops.cast(x, "float32") / 255.0
        reconstruction = ops.mean(
            ops.sum(keras.losses.binary_crossentropy(pixels, drawn), (1, 2))
        )
        kl = ops.mean(ops.sum(gaussian_kl(mean, log_variance), axis=1))
        loss = reconstruction + kl
        for metric, value in zip(
            self._means, (loss, reconstruction, kl), strict=True
        ):
            metric.update_state(value)
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        """Returns the means; `compute_loss` has updated them."""
        return self.get_metrics_result()


def _build_encoder(image_shape, channels, hidden_units, latent_size):
    images = keras.Input(image_shape, dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(images)
    for count in channels:
        x = keras.layers.Conv2D(count, 3, 2, padding="same", activation="relu")(
            x
        )
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dense(hidden_units, activation="relu")(x)
    outputs = [
        keras.layers.Dense(latent_size, dtype="float32", name=name)(x)
        for name in ("mean", "log_variance")
    ]
    return keras.Model(images, outputs, name="encoder")


def _build_decoder(image_shape, channels, latent_size):
    rows, columns, depth = image_shape
    inner = _inner_shape(image_shape, channels)
    latents = keras.Input((latent_size,))
    x = keras.layers.Dense(math.prod(inner), activation="relu")(latents)
    x = keras.layers.Reshape(inner)(x)
    for count in reversed(channels):
        x = keras.layers.Conv2DTranspose(
            count, 3, 2, padding="same", activation="relu"
        )(x)
    x = keras.layers.Cropping2D(
        ((0, x.shape[1] - rows), (0, x.shape[2] - columns))
    )(x)
    x = keras.layers.Conv2DTranspose(
        depth, 3, padding="same", activation="sigmoid", dtype="float32"
    )(x)
    return keras.Model(latents, x, name="decoder")


def _inner_shape(image_shape, channels):
    rows, columns, _ = image_shape
    return math.ceil(rows / 4), math.ceil(columns / 4), channels[-1]


def count_parameters(image_shape, channels, hidden_units, latent_size) -> int:
    """Returns how many parameters a `PlainVAE` has."""
    depth = image_shape[-1]
    first, second = channels
    inner = math.prod(_inner_shape(image_shape, channels))
    convolutions = [
        *((depth, first), (first, second)),
        *((second, second), (second, first), (first, depth)),
    ]
    dense = [
        (inner, hidden_units),
        *[(hidden_units, latent_size)] * 2,
        (latent_size, inner),
    ]
    return sum(9 * a * b + b for a, b in convolutions) + sum(
        a * b + b for a, b in dense
    )


def widened(widening, parameters, image_shape, latent_size) -> dict | None:
    """Returns the arguments of a `PlainVAE` of about so many parameters.

    Args:
        widening: One of `WIDENINGS`.
        parameters: Int.
        image_shape: Rows, columns and channels.
        latent_size: Int.

    Returns:
        Those of all whole numbers of channels, or of units, that come nearest;
        None where these differ by more than `TOLERANCE`, because the example
        has more parameters as it is.
    """

    def settings(width):
        if widening == WIDER_DENSE:
            channels, hidden_units = CHANNELS, width
        else:
            # As many to each other as in the example.
            channels = width, 2 * width
            hidden_units = max(round(width * HIDDEN_UNITS / CHANNELS[0]), 1)
        return {
            "image_shape": image_shape,
            "channels": channels,
            "hidden_units": hidden_units,
            "latent_size": latent_size,
        }

    nearest = min(
        (settings(width) for width in range(1, 2048)),
        key=lambda each: abs(count_parameters(**each) - parameters),
    )
    difference = count_parameters(**nearest) / parameters - 1
    return nearest if abs(difference) <= TOLERANCE else None
