"""The conditional variational autoencoder of portraits."""

import math

import keras
from keras import ops

from tp_keras.generator.conditions import get_conditions
from tp_keras.generator.model import networks
from tp_keras.generator.model.losses import bits_per_dimension
from tp_keras.generator.model.objectives import LikelihoodObjective
from tp_keras.generator.priors import StandardNormalPrior
from tp_keras.models.layer_settings import default_policy
from tp_keras.models.layer_settings import from_settings_config
from tp_keras.models.layer_settings import settings_config
from tp_keras.pixels import check_pixels
from tp_keras.registration import register
from tp_keras.tasks import MISSING
from tp_keras.tasks import Schema

_MOMENTUM = 0.98  # Of the running statistics of latents and pixels.


@register
class PortraitVAE(keras.Model):
    """Draws portraits under the conditions of a data set.

    ```
    image, labels -> encoder -> q(z | x, c)
    prior p(z | c) -> z, labels -> decoder -> image
    ```

    Labels are dicts of int32 `[batch]` by condition, -1 for "unknown": in
    training they are left out at random. Images are uint8
    `[batch, height, width, 3]`, drawn ones float32 on the scale 0..255, for
    `to_uint8`.

    Encoder and decoder begin as the closed-form linear VAE (`initialize`, see
    `Eigenfaces`), to which convolutions add the rest. The model draws at half
    the size until it has `grown`; its inner weights stay.

    Args:
        schema: `Schema` of the data set, or its dict.
        latent_size: Int; for it and the next four see `VaeModelConfig`.
        encoder_channels: Ints.
        decoder_channels: Ints.
        modulation: Bool.
        label_dropout: Float.
        grown: Whether the model is trained to draw at full size.
        prior: `Prior` to draw latents from; None for N(0, I).
        name: Name of the model.
        trainable: Whether any of its weights is trained.
        dtype: Policy of encoder and decoder, None for the global one.

    Raises:
        UserError: If there are no conditions, or so many of them or such a
            size that it can't be built; see `get_conditions`, `inner_stride`.

    Example:
        >>> labels = {"weather": [0], "season": [-1]}
        >>> normal, uniform = np.random.normal(size=(1, 128)), np.array([0.5])
        >>> vae = PortraitVAE(schema)
        >>> images = vae.generate(normal, uniform, labels, np.array([0.8]))
    """

    def __init__(
        self,
        schema,
        latent_size=128,
        encoder_channels=(48, 96),
        decoder_channels=(96, 48, 24),
        modulation=True,
        label_dropout=0.15,
        grown=False,
        prior=None,
        name="portrait_vae",
        trainable=True,
        dtype=None,
    ):
        if not isinstance(schema, Schema):
            schema = Schema.from_dict(schema)
        conditions = get_conditions(schema)
        super().__init__(name=name, dtype=dtype)

        # === Layers ===
        with default_policy(self.dtype_policy):
            self.encoder = networks.build_encoder(
                schema.image_shape, conditions, latent_size, encoder_channels
            )
            self.half_decoder, self._decoder = networks.build_decoder(
                schema.image_shape,
                conditions,
                latent_size,
                decoder_channels,
                modulation,
            )
        self.prior = prior or StandardNormalPrior(latent_size, name="prior")
        self.seed_generator = keras.random.SeedGenerator(0)
        self.pixel_variance = self._state("pixel_variance", (), "ones")
        self.latent_mean = self._state("latent_mean", (latent_size,), "zeros")
        self.latent_covariance = self._state(
            "latent_covariance", (latent_size, latent_size), "identity"
        )
        # Below 1 while the KL warms up.
        self.kl_weight = self._state("kl_weight", (), "ones")

        # === Config ===
        self.schema = schema
        self.latent_size = latent_size
        self.encoder_channels = tuple(encoder_channels)
        self.decoder_channels = tuple(decoder_channels)
        self.modulation = modulation
        self.label_dropout = label_dropout
        self.set_stage(grown)
        if not trainable:
            # Once the layers are there: Keras' own argument misses them.
            self.trainable = False
        self.built = True
        self._set_objective(LikelihoodObjective())

    def _state(self, name, shape, initializer):
        return self.add_weight(
            shape, initializer, "float32", trainable=False, name=name
        )

    @property
    def decoder(self):
        """Functional model of `latent` and labels to the drawn image."""
        return keras.Model(
            self._decoder.input, self._decoder.output["image"], name="decoder"
        )

    @property
    def dimensions(self) -> int:
        """Number of pixel values of a portrait as the model draws it now."""
        pixels = math.prod(self.schema.image_shape)
        return pixels if self.grown else pixels // 4

    # === What it is used for ===

    def encode(self, images, labels):
        """Returns mean and log variance of the latents, `[batch, latents]`."""
        check_pixels(images)
        images = ops.convert_to_tensor(images, "uint8")
        outputs = self.encoder(
            {"image": images, **self._conditions(labels)}, training=False
        )
        return outputs["mean"], outputs["log_variance"]

    def decode(self, latents, labels):
        """Returns the images drawn from latents `[batch, latents]`."""
        latent = ops.cast(latents, "float32")
        inputs = {"latent": latent, **self._conditions(labels)}
        return self._decoder(inputs, training=False)["image"]

    def generate(self, normal, uniform, labels, temperature):
        """Returns new portraits of noise, labels and `[batch]` temperatures.

        Float noise is standard normal `[batch, latents]`, uniform `[batch]` of
        0..1. Temperatures of less than 1 make more usual portraits.
        """
        latents = self.prior.sample(
            normal, uniform, self._conditions(labels), temperature
        )
        return self.decode(latents, labels)

    def reconstruct(self, images, labels):
        """Returns portraits drawn from the mean of their latents."""
        return self.edit(images, labels, labels)

    def edit(self, images, labels, new_labels):
        """Returns portraits drawn with other labels than they have."""
        return self.decode(self.encode(images, labels)[0], new_labels)

    # === Training ===

    def initialize(self, eigenfaces):
        """Makes the untrained model the linear VAE of `Eigenfaces`."""
        for part, name, kernel in (
            (self.encoder, "label_mean", eigenfaces.label_means),
            (self.half_decoder, "label_mean", eigenfaces.label_means),
            (self.encoder, "linear_mean", eigenfaces.encoder_kernel),
            (self.half_decoder, "linear_image", eigenfaces.decoder_kernel),
        ):
            part.get_layer(name).set_weights([kernel])
        self.encoder.get_layer("log_variance").bias.assign(
            networks.unbounded_log_variance(eigenfaces.log_variance)
        )

    def set_stage(self, grown):
        """Lets the model draw at full size (`grown`), or at half of it.

        Layers for the finest details learn only when it has grown. Call before
        `compile`.
        """
        self.grown = grown
        for part, outer_layers in (
            (self.encoder, networks.ENCODER_OUTER),
            (self._decoder, networks.DECODER_OUTER),
        ):
            for layer in part.layers:
                if layer.name in outer_layers:
                    layer.trainable = grown
        self.prior.trainable = False

    def compile(self, optimizer="adamw", objective=None, **kwargs):
        """Compiles for `fit` on dicts of `image` and the labels.

        The objective is a `LikelihoodObjective` (None) or a `SharpObjective`;
        all else is as in `keras.Model.compile`, but that on TensorFlow
        `jit_compile` is off by default.
        """
        self._set_objective(objective or LikelihoodObjective())
        if keras.config.backend() == "tensorflow":
            kwargs.setdefault("jit_compile", False)
        super().compile(optimizer=optimizer, **kwargs)

    def _set_objective(self, objective):
        names = ["loss", *objective.names]
        if objective.is_elbo:
            names.append("bits_per_dimension")
        # Out of Keras' sight: a classifier in it is not part of the model.
        self.__dict__["objective"] = objective
        self.__dict__["_means"] = {
            name: keras.metrics.Mean(name=name) for name in names
        }

    @property
    def metrics(self):
        return list(self._means.values())

    def call(self, inputs, training=False):
        labels = self._conditions(inputs)
        if training:
            labels = self._drop_labels(labels)
        posterior = self.encoder(
            {"image": inputs["image"], **labels}, training=training
        )
        noise = keras.random.normal(
            ops.shape(posterior["mean"]), seed=self.seed_generator
        )
        deviation = ops.exp(0.5 * posterior["log_variance"])
        latent = posterior["mean"] + deviation * noise
        return {
            **posterior,
            **self.draw(latent, labels, training),
            "latent": latent,
            "labels": labels,
        }

    def draw(self, latents, labels, training):
        """Returns `half`, and `image` if the model has grown."""
        decoder = self._decoder if self.grown else self.half_decoder
        drawn = decoder({"latent": latents, **labels}, training=training)
        return drawn if self.grown else {"half": drawn}

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        loss, values = self.objective(self, x["image"], y_pred, training)
        values = {"loss": loss, **values}
        if self.objective.is_elbo:
            values["bits_per_dimension"] = bits_per_dimension(
                values["nll"], values["kl"], self.dimensions
            )
        for name, value in values.items():
            self._means[name].update_state(value)
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return self.get_metrics_result()

    def _conditions(self, labels):
        """Returns the labels that it is told as tensors, in their order."""
        return {
            task.name: ops.cast(labels[task.name], "int32")
            for task in self.schema.condition_tasks
        }

    def _drop_labels(self, labels):
        dropped = {}
        for name, values in labels.items():
            draw = keras.random.uniform(
                ops.shape(values), seed=self.seed_generator
            )
            dropped[name] = ops.where(
                draw < self.label_dropout, MISSING, values
            )
        return dropped

    def update_pixel_variance(self, squared_error):
        """Follows the variance of the likelihood, for the validation."""
        _follow(self.pixel_variance, ops.stop_gradient(squared_error))

    def update_latent_statistics(self, latents):
        """Follows mean and covariance of latents `[batch, latents]`."""
        latents = ops.stop_gradient(latents)
        _follow(self.latent_mean, ops.mean(latents, axis=0))
        rest = latents - self.latent_mean
        count = ops.cast(ops.shape(latents)[0], rest.dtype)
        covariance = ops.matmul(ops.transpose(rest), rest) / count
        _follow(self.latent_covariance, covariance)

    def draw_latents(self, noise):
        """Returns normal noise `[batch, latents]` as the running Gaussian."""
        # A floor for what the running covariance has not seen yet.
        covariance = self.latent_covariance + 0.01 * ops.eye(self.latent_size)
        root = ops.transpose(ops.cholesky(covariance))
        return self.latent_mean + ops.matmul(noise, root)

    # === Saving ===

    # The classifier of an objective is not saved: whoever wants to train a
    # loaded model compiles it.
    def get_compile_config(self):
        return None

    def get_config(self):
        return {
            "schema": self.schema.to_dict(),
            "latent_size": self.latent_size,
            "encoder_channels": self.encoder_channels,
            "decoder_channels": self.decoder_channels,
            "modulation": self.modulation,
            "label_dropout": self.label_dropout,
            "grown": self.grown,
            "prior": keras.saving.serialize_keras_object(self.prior),
            **settings_config(self),
        }

    @classmethod
    def from_config(cls, config):
        prior = keras.saving.deserialize_keras_object(config["prior"])
        return from_settings_config(cls, {**config, "prior": prior})


def _follow(variable, value):
    variable.assign(_MOMENTUM * variable + (1 - _MOMENTUM) * value)
