"""The conditional variational autoencoder of portraits."""

import keras
from keras import ops

from tp_keras.generator.conditions import get_conditions
from tp_keras.generator.model import networks
from tp_keras.generator.model.geometry import scale_pixels
from tp_keras.generator.priors import StandardNormalPrior
from tp_keras.models.layer_settings import default_policy
from tp_keras.models.layer_settings import from_settings_config
from tp_keras.models.layer_settings import settings_config
from tp_keras.pixels import check_pixels
from tp_keras.registration import register
from tp_keras.tasks import Schema


@register
class PortraitVAE(keras.Model):
    """Draws portraits under the conditions of a data set.

    ```
    image, labels -> encoder -> q(z | x, c)
    prior p(z | c) -> z, labels -> decoder -> image
    ```

    Labels are dicts of int32 `[batch]` by condition, -1 for "unknown". Images
    are uint8 `[batch, height, width, 3]`, drawn ones float32 on the scale
    0..255, for `to_uint8`.

    Its decoder is trained in an `AdversarialDecoder`, at half the size until it
    has `grown`, its inner weights staying; then its encoder in an
    `EncoderTraining`.

    Args:
        schema: `Schema` of the data set, or its dict.
        latent_size: Int; for it and the next two see `VaeModelConfig`.
        encoder_channels: Ints.
        decoder_channels: Ints.
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
        >>> normal, uniform = np.random.normal(size=(1, 64)), np.array([0.5])
        >>> vae = PortraitVAE(schema)
        >>> images = vae.generate(normal, uniform, labels, np.array([0.8]))
    """

    def __init__(
        self,
        schema,
        latent_size=64,
        encoder_channels=(48, 96),
        decoder_channels=(128, 64, 32, 8),
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
            self.half_decoder, self.decoder = networks.build_decoder(
                schema.image_shape,
                conditions,
                latent_size,
                decoder_channels,
            )
        self.prior = prior or StandardNormalPrior(latent_size, name="prior")

        # === Config ===
        self.schema = schema
        self.latent_size = latent_size
        self.encoder_channels = tuple(encoder_channels)
        self.decoder_channels = tuple(decoder_channels)
        self.set_stage(grown)
        if not trainable:
            # Once the layers are there: Keras' own argument misses them.
            self.trainable = False
        self.built = True

    # === What it is used for ===

    def encode(self, images, labels):
        """Returns mean and log variance of the latents, `[batch, latents]`."""
        check_pixels(images)
        images = ops.convert_to_tensor(images, "uint8")
        outputs = self.encoder(
            {"image": images, **self.conditions(labels)}, training=False
        )
        return outputs["mean"], outputs["log_variance"]

    def decode(self, latents, labels):
        """Returns the images drawn from latents `[batch, latents]`."""
        latent = ops.cast(latents, "float32")
        inputs = {"latent": latent, **self.conditions(labels)}
        return self.decoder(inputs, training=False)

    def generate(self, normal, uniform, labels, temperature):
        """Returns new portraits of noise, labels and `[batch]` temperatures.

        Float noise is standard normal `[batch, latents]`, uniform `[batch]` of
        0..1. Temperatures of less than 1 make more usual portraits.
        """
        latents = self.prior.sample(
            normal, uniform, self.conditions(labels), temperature
        )
        return self.decode(latents, labels)

    def reconstruct(self, images, labels):
        """Returns portraits drawn from the mean of their latents."""
        return self.edit(images, labels, labels)

    def edit(self, images, labels, new_labels):
        """Returns portraits drawn with other labels than they have."""
        return self.decode(self.encode(images, labels)[0], new_labels)

    def set_stage(self, grown):
        """Lets the model draw at full size (`grown`), or at half of it.

        Layers for the finest details learn only when it has grown. Call before
        `compile`.
        """
        self.grown = grown
        for part, outer_layers in (
            (self.encoder, networks.ENCODER_OUTER),
            (self.decoder, networks.DECODER_OUTER),
        ):
            for layer in part.layers:
                if layer.name in outer_layers:
                    layer.trainable = grown
        self.prior.trainable = False

    def draw(self, latents, labels, training):
        """Returns pictures of -1..1, of full size if the model has grown."""
        inputs = {"latent": latents, **labels}
        if not self.grown:
            return self.half_decoder(inputs, training=training)
        return scale_pixels(self.decoder(inputs, training=training))

    def call(self, inputs, training=False):
        """Returns portraits drawn again, with their labels."""
        return self.reconstruct(inputs["image"], inputs)

    def conditions(self, labels):
        """Returns the labels that it is told as tensors, in their order."""
        return {
            task.name: ops.cast(labels[task.name], "int32")
            for task in self.schema.condition_tasks
        }

    # === Saving ===

    def get_config(self):
        return {
            "schema": self.schema.to_dict(),
            "latent_size": self.latent_size,
            "encoder_channels": self.encoder_channels,
            "decoder_channels": self.decoder_channels,
            "grown": self.grown,
            "prior": keras.saving.serialize_keras_object(self.prior),
            **settings_config(self),
        }

    @classmethod
    def from_config(cls, config):
        prior = keras.saving.deserialize_keras_object(config["prior"])
        return from_settings_config(cls, {**config, "prior": prior})
