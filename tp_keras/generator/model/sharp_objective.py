"""The bound, and what makes pictures sharp and true to their labels."""

import keras
from keras import ops

from tp_keras.generator.model.feature_network import FeatureNetwork
from tp_keras.generator.model.feature_network import channel_statistics
from tp_keras.generator.model.feature_network import feature_error
from tp_keras.generator.model.geometry import as_pixels
from tp_keras.generator.model.geometry import halve
from tp_keras.generator.model.geometry import scale_pixels
from tp_keras.generator.model.likelihood_objective import LikelihoodObjective
from tp_keras.generator.model.losses import energy_distance
from tp_keras.generator.model.losses import labelled_crossentropy
from tp_keras.generator.model.losses import soft_crossentropy

# Before a network looks, all pictures of a step are moved by as many pixels at
# most: its strides would otherwise leave their grid in what is drawn.
_JITTER = 3


class SharpObjective:
    """`LikelihoodObjective` plus three looks of a trained classifier.

    * `feature`: reconstructions have the feature maps of their originals, at
      every stage of the classifier's trunk;
    * `attribute`: it reads the labels that a portrait was drawn with. Half of
      the portraits are drawn from latents of the batch with one label
      exchanged, and keep the classifier's other answers; half from new
      latents;
    * `moment`: portraits of new latents have the distribution of features of
      real ones, by the energy distance of their channel statistics.

    New latents are drawn from the running mean and covariance of the latents,
    a stand-in for the prior that is fitted afterwards. The sum is no bound of a
    likelihood any more. The labels looked at are those conditions that the
    classifier answers.

    Args:
        classifier: `PortraitClassifier`, trained on no other portraits than
            the model is.
        settings: `VaeModelConfig`: the weights of the terms, and
            `attribute_smoothing`, without which all is drawn ever more glaring
            to be ever more certain.
    """

    is_elbo = False
    names = (
        *LikelihoodObjective.names,
        "feature",
        "attribute",
        "kept",
        "moment",
    )

    def __init__(self, classifier, settings):
        self.settings = settings
        self.network = FeatureNetwork(classifier)
        self.weights = {
            "feature": settings.feature_weight,
            "attribute": settings.attribute_weight,
            "kept": settings.attribute_weight / 2,
            "moment": settings.moment_weight,
        }
        self._likelihood = LikelihoodObjective(settings.pixel_variance)

    def __call__(self, vae, images, outputs, training):
        """Returns the loss and what it is made of; see the base."""
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
        latents = ops.concatenate(
            [
                outputs["latent"][:half],
                vae.draw_latents(outputs["latent"])[half:made_rows],
            ]
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
        values["moment"] = _moment_distance(
            true_maps, [x[half:] for x in made_maps]
        )
        for name, weight in self.weights.items():
            loss += weight * values[name]
        return loss, values


def exchange_one(labels, seed):
    """Gives each row one label of its neighbour's.

    So an exchanged label is as frequent as it is in the batch.

    Args:
        labels: Dict: condition -> int32 `[batch]`.
        seed: `keras.random.SeedGenerator`.

    Returns:
        Two such dicts: labels, and bools of what was exchanged.
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


def _moment_distance(true_maps, made_maps):
    true = channel_statistics(true_maps)
    made = channel_statistics(made_maps)
    mean, deviation = ops.mean(true, axis=0), ops.std(true, axis=0) + 1e-2
    return energy_distance((true - mean) / deviation, (made - mean) / deviation)
