"""A small stand-in for a `PortraitVAE`, with its parts and methods."""

import keras
import numpy as np
from keras import ops

from tp_keras.tasks import IMAGE_SHAPE
from tp_keras.tasks import TASKS

LATENT_SIZE = 16

# What it would have learned from.
LABEL_COUNTS = [
    {
        "gender": "female",
        "hair_color": "brown",
        "hair_type": "wavy",
        "count": 6,
    },
    {
        "gender": "male",
        "hair_color": "unknown",
        "hair_type": "straight",
        "count": 3,
    },
    {"gender": "male", "hair_color": "bald", "hair_type": "bald", "count": 1},
]


class ShiftedNormal(keras.layers.Layer):
    """A prior with a mean for each gender, and a scale."""

    def build(self, input_shape=None):
        generator = np.random.default_rng(1)
        self.means = self.add_weight((3, LATENT_SIZE), name="means")
        self.means.assign(generator.normal(0.0, 1.0, (3, LATENT_SIZE)))
        self.scale = self.add_weight((LATENT_SIZE,), "ones", name="scale")
        self.built = True

    def sample(self, normal, uniform, labels, temperature):
        temperature = ops.expand_dims(ops.convert_to_tensor(temperature), -1)
        means = ops.take(self.means, labels["gender"] + 1, axis=0)
        # So that a uniform value counts, too.
        means = means + ops.expand_dims(ops.convert_to_tensor(uniform), -1)
        return means + self.scale * temperature * normal


class TinyVAE:
    """What the export needs of a `PortraitVAE`."""

    name = "tiny_vae"

    def __init__(self, seed=0, image_shape=IMAGE_SHAPE):
        keras.utils.set_random_seed(seed)
        self.latent_size = LATENT_SIZE
        self.encoder = make_encoder(image_shape)
        self.decoder = make_decoder(image_shape)
        self.prior = ShiftedNormal(name="prior")
        self.prior.build()

    def encode(self, images, labels):
        outputs = self.encoder({"image": images, **labels}, training=False)
        return outputs["mean"], outputs["log_variance"]

    def decode(self, latents, labels):
        return self.decoder({"latent": latents, **labels}, training=False)

    def generate(self, normal, uniform, labels, temperature):
        latents = self.prior.sample(normal, uniform, labels, temperature)
        return self.decode(latents, labels)

    def reconstruct(self, images, labels):
        return self.edit(images, labels, labels)

    def edit(self, images, labels, new_labels):
        return self.decode(self.encode(images, labels)[0], new_labels)


def label_inputs():
    return {
        task.name: keras.Input((), dtype="int32", name=task.name)
        for task in TASKS
    }


def embed_labels(labels):
    return keras.layers.Concatenate()(
        [
            keras.layers.Embedding(task.num_classes + 1, 4)(
                labels[task.name] + 1
            )
            for task in TASKS
        ]
    )


def make_encoder(image_shape):
    image = keras.Input(image_shape, dtype="uint8", name="image")
    labels = label_inputs()
    x = keras.layers.Rescaling(1 / 127.5, offset=-1.0)(image)
    x = keras.layers.Conv2D(6, 12, strides=12, activation="gelu")(x)
    x = keras.layers.GroupNormalization(2)(x)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Concatenate()([x, embed_labels(labels)])
    outputs = {
        "mean": keras.layers.Dense(LATENT_SIZE)(x),
        "log_variance": keras.layers.Dense(LATENT_SIZE, activation="tanh")(x),
    }
    return keras.Model({"image": image, **labels}, outputs)


def make_decoder(image_shape):
    latent = keras.Input((LATENT_SIZE,), name="latent")
    labels = label_inputs()
    height, width, channels = image_shape
    x = keras.layers.Concatenate()([latent, embed_labels(labels)])
    x = keras.layers.Dense(height // 12 * (width // 12) * 8)(x)
    x = keras.layers.Reshape((height // 12, width // 12, 8))(x)
    x = keras.layers.UpSampling2D(12, interpolation="nearest")(x)
    x = keras.layers.Conv2D(channels, 3, padding="same")(x)
    # Beyond the range of pixels on either side, so that clipping counts.
    x = keras.layers.Rescaling(90.0, offset=128.0)(x)
    return keras.Model({"latent": latent, **labels}, x)
