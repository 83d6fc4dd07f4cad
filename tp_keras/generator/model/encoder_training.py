"""The training of an encoder for a decoder that stays as it is."""

import keras
from keras import ops

from tp_keras.generator.model import losses
from tp_keras.generator.model.adversarial_decoder import drop_labels
from tp_keras.generator.model.geometry import PIXEL_CENTRE
from tp_keras.generator.model.geometry import halve
from tp_keras.generator.model.looks import FeatureNetwork

# A latent whose mean differs between portraits by less is not used: Burda et
# al., arXiv:1509.00519.
_ACTIVE_VARIANCE = 0.01

_NAMES = ("loss", "feature", "colour", "kl", "surprise", "active_latents")


class EncoderTraining(keras.Model):
    """What the encoder of a `PortraitVAE` is trained in; its decoder stays.

    The decoder draws real portraits again, from latents of the encoder and
    their labels; how like they are is seen by the feature maps of a trained
    classifier and by colours, and a KL keeps the latents near N(0, I), as in a
    VAE/GAN (Larsen et al., arXiv:1512.09300). Of new portraits, whose latents
    are known, the encoder foretells these: the sleep phase of Hinton et al.,
    The wake-sleep algorithm, 1995. What labels say is no matter of the latents
    then, since it never was for the decoder: an edit changes what was asked
    for, and nothing has to be learned for that.

    Args:
        vae: `PortraitVAE` whose decoder is trained.
        classifier: `PortraitClassifier`, trained on no other portraits than
            the model is.
        settings: `VaeModelConfig`.
    """

    def __init__(self, vae, classifier, settings):
        super().__init__(name="encoder_training", dtype=vae.dtype_policy)
        self.vae = vae
        # Out of Keras' sight: it is not trained.
        self.__dict__["network"] = FeatureNetwork(classifier)
        self.seed_generator = keras.random.SeedGenerator(0)
        self.settings = settings
        self.__dict__["_means"] = {
            name: keras.metrics.Mean(name=name) for name in _NAMES
        }
        for part, is_trained in ((vae.decoder, False), (vae.encoder, True)):
            for layer in part.layers:
                layer.trainable = is_trained
        self.built = True

    @property
    def metrics(self):
        return list(self._means.values())

    def call(self, inputs, training=False):
        vae, seed = self.vae, self.seed_generator
        # JAX hands arrays of NumPy, which don't go with tensors.
        inputs = keras.tree.map_structure(ops.convert_to_tensor, inputs)
        labels = vae.conditions(inputs)
        if training:
            labels = drop_labels(labels, self.settings.label_dropout, seed)
        images = inputs["image"]
        rows = ops.shape(images)[0]
        shape = rows, vae.latent_size
        new = keras.random.normal(shape, seed=seed)
        drawn = ops.clip(ops.round(vae.decode(new, labels)), 0, 255)
        posterior = vae.encoder(
            {
                "image": ops.concatenate(
                    [images, ops.cast(ops.stop_gradient(drawn), images.dtype)]
                ),
                **{n: ops.concatenate([v, v]) for n, v in labels.items()},
            },
            training=training,
        )
        mean, log_variance = posterior["mean"], posterior["log_variance"]
        noise = keras.random.normal(shape, seed=seed)
        own = mean[:rows] + ops.exp(0.5 * log_variance[:rows]) * noise
        return {**posterior, "new": new, "again": vae.decode(own, labels)}

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        settings = self.settings
        real = ops.cast(x["image"], "float32")
        again = y_pred["again"]
        rows = ops.shape(real)[0]
        mean, log_variance = y_pred["mean"], y_pred["log_variance"]
        spread = ops.var(mean[:rows], axis=0)
        kl = losses.gaussian_kl(mean[:rows], log_variance[:rows])
        surprise = losses.gaussian_surprise(
            y_pred["new"], mean[rows:], log_variance[rows:]
        )
        values = {
            "feature": losses.feature_error(
                self.network(again)[0], self.network(real)[0]
            ),
            "colour": ops.mean(ops.square(halve(again - real) / PIXEL_CENTRE)),
            "kl": ops.mean(ops.sum(kl, axis=-1)),
            "surprise": ops.mean(ops.sum(surprise, axis=-1)),
            "active_latents": ops.sum(
                ops.cast(spread > _ACTIVE_VARIANCE, "float32")
            ),
        }
        values["loss"] = loss = (
            settings.feature_weight * values["feature"]
            + settings.colour_weight * values["colour"]
            + settings.beta * values["kl"]
            + settings.latent_weight * values["surprise"]
        )
        for name, value in values.items():
            self._means[name].update_state(value)
        return loss

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return self.get_metrics_result()
