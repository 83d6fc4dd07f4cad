"""What a `PortraitVAE` is trained for."""

import keras
from keras import ops

from tp_keras.errors import UserError
from tp_keras.generator.model.geometry import PIXEL_CENTRE
from tp_keras.generator.model.geometry import as_pixels
from tp_keras.generator.model.geometry import halve
from tp_keras.generator.model.geometry import scale_pixels
from tp_keras.generator.model.losses import DEQUANTIZATION_VARIANCE
from tp_keras.generator.model.losses import energy_distance
from tp_keras.generator.model.losses import gaussian_kl
from tp_keras.generator.model.losses import labelled_crossentropy
from tp_keras.generator.model.losses import log_likelihood
from tp_keras.generator.model.losses import soft_crossentropy

# A latent whose mean differs between portraits by less is not used: Burda et
# al., arXiv:1509.00519.
_ACTIVE_VARIANCE = 0.01

# Before a network looks, all pictures of a step are moved by as many pixels at
# most: its strides would otherwise leave their grid in what is drawn.
_JITTER = 3


class LikelihoodObjective:
    """Negative ELBO in nats for each pixel value, with a shared variance.

    `-log p(x | z, c) + weight * KL(q(z | x, c) || N(0, I))`, over the number of
    pixel values that are drawn. The variance is the best for the batch, in
    validation the running mean of those, or a given one on the scale 0..1: a
    weight between pixels and KL by another name. Called with model, uint8
    images, the model's outputs for them and `training` it returns the loss and
    by `names` what it is made of: `nll` in nats for each pixel value, `kl` in
    nats for each portrait, `rmse` of the reconstructions on the scale 0..255,
    `active_latents`.
    """

    # Whether the loss bounds the likelihood, so that bits tell something.
    is_elbo = True
    names = ("nll", "kl", "rmse", "active_latents")

    def __init__(self, pixel_variance=0.0):
        # (None is the best.)
        self._fixed_variance = pixel_variance * 255.0**2 or None

    def __call__(self, vae, images, outputs, training):
        # As large as drawn, on the scale 0..255.
        if vae.grown:
            target, drawn = ops.cast(images, "float32"), outputs["image"]
        else:
            target = halve(scale_pixels(images)) * PIXEL_CENTRE
            drawn = outputs["half"] * PIXEL_CENTRE
        squared_error = ops.mean(ops.square(target - drawn))
        variance = self._fixed_variance
        if training:
            vae.update_pixel_variance(squared_error + DEQUANTIZATION_VARIANCE)
            vae.update_latent_statistics(outputs["latent"])
        else:
            variance = variance or vae.pixel_variance
        nll = -log_likelihood(squared_error, variance)
        kl = gaussian_kl(outputs["mean"], outputs["log_variance"])
        kl = ops.mean(ops.sum(kl, axis=-1))
        spread = ops.var(outputs["mean"], axis=0)
        values = {
            "nll": nll,
            "kl": kl,
            "rmse": ops.sqrt(squared_error),
            "active_latents": ops.sum(
                ops.cast(spread > _ACTIVE_VARIANCE, "float32")
            ),
        }
        return nll + vae.kl_weight * kl / vae.dimensions, values


class SharpObjective:
    """`LikelihoodObjective` plus three looks of a trained classifier.

    * `feature`: reconstructions have the feature maps of their originals, at
      every stage of the classifier's trunk;
    * `attribute`: it reads the labels that a portrait was drawn with, of those
      that it answers. Half of the portraits are drawn from latents of the batch
      with one label exchanged, and keep its other answers (`kept`); half from
      new latents, of the running Gaussian: a stand-in for the fitted prior;
    * `moment`: portraits of new latents have the distribution of features of
      real ones, by the energy distance of their channel statistics.

    Args:
        classifier: `PortraitClassifier`, trained on no other portraits than
            the model is.
        settings: `VaeModelConfig`: weights of the terms, and the smoothing
            without which all is drawn ever more glaring.
    """

    is_elbo = False
    looks = ("feature", "attribute", "kept", "moment")
    names = (*LikelihoodObjective.names, *looks)

    def __init__(self, classifier, settings):
        self.settings = settings
        self.network = FeatureNetwork(classifier)
        weights = settings.attribute_weight, settings.attribute_weight / 2
        weights = settings.feature_weight, *weights, settings.moment_weight
        self.weights = dict(zip(self.looks, weights, strict=True))
        self._likelihood = LikelihoodObjective(settings.pixel_variance)

    def __call__(self, vae, images, outputs, training):
        loss, values = self._likelihood(vae, images, outputs, training)
        shift = keras.random.randint(
            (2,), -_JITTER, _JITTER + 1, seed=vae.seed_generator
        )

        def look(pictures):
            return self.network(ops.roll(pictures, shift, axis=(1, 2)))

        # === Reconstructions ===
        maps, _ = look(_pictures(vae, outputs))
        # With the detail that the model can draw.
        true_maps, true_logits = look(
            ops.cast(images, "float32")
            if vae.grown
            else as_pixels(halve(scale_pixels(images)))
        )
        values["feature"] = feature_error(maps, true_maps)

        # === Portraits of other labels, portraits of new latents ===
        rows = ops.shape(outputs["latent"])[0]
        # Of whole numbers, which JAX can cut by; at least one.
        left_out = round(100 - 100 * self.settings.made_share)
        made_rows = rows - rows * left_out // 100
        half = made_rows // 2
        labels, exchanged = exchange_one(outputs["labels"], vae.seed_generator)
        own = outputs["latent"]
        noise = keras.random.normal(ops.shape(own), seed=vae.seed_generator)
        latents = ops.concatenate(
            [own[:half], vae.draw_latents(noise)[half:made_rows]]
        )
        labels = {
            # New latents have nothing to do with the labels of their row.
            name: ops.concatenate([labels[name][:half], own[half:made_rows]])
            for name, own in outputs["labels"].items()
        }
        made = vae.draw(latents, labels, training)
        made_maps, made_logits = look(_pictures(vae, made))
        made_logits = {
            name: made_logits[name] for name in labels if name in made_logits
        }
        values["attribute"] = labelled_crossentropy(
            labels, made_logits, self.settings.attribute_smoothing
        )
        values["kept"] = sum(
            soft_crossentropy(
                true_logits[name][:half],
                made_logits[name][:half],
                ops.logical_not(exchanged[name][:half]),
            )
            for name in made_logits
        )
        real = channel_statistics(true_maps)
        new = channel_statistics([x[half:] for x in made_maps])
        mean, scale = ops.mean(real, axis=0), ops.std(real, axis=0) + 1e-2
        values["moment"] = energy_distance(
            (real - mean) / scale, (new - mean) / scale
        )
        for name, weight in self.weights.items():
            loss += weight * values[name]
        return loss, values


def exchange_one(labels, seed):
    """Gives each row one label of its neighbour's, as frequent as in the batch.

    Returns two dicts, condition -> `[batch]`: labels, and what was exchanged.
    """
    names = list(labels)
    chosen = keras.random.randint(
        ops.shape(labels[names[0]]), 0, len(names), seed=seed
    )
    exchanged = {name: ops.equal(chosen, i) for i, name in enumerate(names)}
    changed = {
        name: ops.where(exchanged[name], ops.roll(values, 1, axis=0), values)
        for name, values in labels.items()
    }
    return changed, exchanged


def _pictures(vae, drawn):
    return drawn["image"] if vae.grown else as_pixels(drawn["half"])


class FeatureNetwork:
    """Feature maps and logits of pictures with real-valued pixels.

    Called with float images `[batch, height, width, 3]` of the scale 0..255 it
    returns a list of feature maps, and a dict: task name -> logits. The weights
    of the trained `PortraitClassifier` stay as they are. It raises a
    `UserError` if the backbone has no ReLU layers to look at.
    """

    def __init__(self, classifier):
        self._classifier = classifier
        self._classifier.trainable = False
        self._map_names = _last_of_each_size(classifier.backbone)

    def __call__(self, images):
        backbone = self._classifier.backbone
        maps = {}

        def call(operation, *args, **kwargs):
            if operation is backbone:
                # By its layers: its input is of whole numbers, which would
                # round the pictures and leave no gradient.
                return operation._run_through_graph(args[0], call_fn=call)
            if isinstance(operation, keras.layers.Layer):
                kwargs["training"] = False
            outputs = operation(*args, **kwargs)
            if operation.name in self._map_names:
                maps[operation.name] = ops.cast(outputs, "float32")
            return outputs

        logits = self._classifier._run_through_graph(images, call_fn=call)
        return [maps[name] for name in self._map_names], logits


def _last_of_each_size(backbone):
    """Returns the names of the layers that end a stage, the last first."""
    names = {}
    for layer in backbone.layers[::-1]:
        if isinstance(layer, keras.layers.ReLU):
            names.setdefault(layer.output.shape[1:3], layer.name)
    if not names:
        raise UserError(
            "Expected a classifier whose backbone has ReLU layers to look at. "
            "Train one with --backbone portrait_s. "
            f"Received: backbone={backbone.name}"
        )
    return tuple(names.values())


def feature_error(maps, target_maps):
    """Returns the squared error of feature maps over their mean square.

    The mean over the maps of `FeatureNetwork`; 1 if nothing but zeros is seen.
    Deep feature consistency: Hou et al., arXiv:1610.00291.
    """
    errors = [
        ops.mean(ops.square(x - target)) / (ops.mean(ops.square(target)) + 1e-6)
        for x, target in zip(maps, target_maps, strict=True)
    ]
    return sum(errors) / len(errors)


def channel_statistics(maps):
    """Returns mean and deviation of channels, `[batch, 2 * channels]`."""
    columns = []
    for x in maps:
        columns.append(ops.mean(x, axis=(1, 2)))
        columns.append(ops.sqrt(ops.var(x, axis=(1, 2)) + 1e-4))
    return ops.concatenate(columns, axis=-1)
