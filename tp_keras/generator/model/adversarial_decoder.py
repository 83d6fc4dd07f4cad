"""The training of a decoder against critics."""

import keras
from keras import ops

from tp_keras.generator.conditions import get_conditions
from tp_keras.generator.model import losses
from tp_keras.generator.model.critic import CRITIC_OUTER
from tp_keras.generator.model.critic import build_critic
from tp_keras.generator.model.critic import build_map_critic
from tp_keras.generator.model.geometry import as_pixels
from tp_keras.generator.model.geometry import halve
from tp_keras.generator.model.geometry import scale_pixels
from tp_keras.generator.model.looks import FeatureNetwork
from tp_keras.generator.model.safe_changes import change
from tp_keras.generator.model.safe_changes import draw_changes
from tp_keras.models.layer_settings import default_policy
from tp_keras.tasks import MISSING

# By how much a picture is disturbed where the slope of the critic is measured,
# and in how many of a batch.
_DISTURBANCE = 0.03
_DISTURBED_SHARE = 4

_NAMES = ("loss", "critic", "advantage", "penalty", "adversarial")
_NAMES += ("attribute", "variety")


class AdversarialDecoder(keras.Model):
    """What the decoder of a `PortraitVAE` is trained in, beside critics.

    Critics of pixels and of the feature maps of a trained classifier tell new
    portraits from real ones, told the labels of both. The decoder learns to be
    taken for real, and, from the same classifier, to show its labels.

    The slope of the critic of pixels at real portraits is kept small, as its
    scores are where these are disturbed a little: Lin et al.,
    arXiv:2501.08316. Nothing has to be derived twice.

    The critics' loss reaches the critics alone and that of the decoder doesn't
    reach them, so one optimizer updates all at once (Mescheder et al.,
    arXiv:1801.04406), and every step is an ordinary step of Keras.

    Args:
        vae: `PortraitVAE`.
        classifier: `PortraitClassifier`, trained on no other portraits than
            the model is.
        settings: `VaeModelConfig`.
    """

    def __init__(self, vae, classifier, settings):
        super().__init__(name="adversarial_decoder", dtype=vae.dtype_policy)
        self.vae = vae
        # Out of Keras' sight: it is not trained.
        self.__dict__["network"] = FeatureNetwork(classifier)
        shape = vae.schema.image_shape
        conditions = get_conditions(vae.schema)
        with default_policy(vae.dtype_policy):
            self.half_critic, self.critic = build_critic(
                shape, conditions, settings.critic_channels
            )
            # The larger ones cost more than the critic of pixels.
            self.__dict__["seen_maps"] = max(
                len(self.network.map_shapes) - 2, 1
            )
            self.map_critic = build_map_critic(
                self.network.map_shapes[: self.seen_maps], conditions
            )
        self.seed_generator = keras.random.SeedGenerator(0)
        self.settings = settings
        self.__dict__["_means"] = {
            name: keras.metrics.Mean(name=name) for name in _NAMES
        }
        self.set_stage(vae.grown)
        self.built = True

    def set_stage(self, grown):
        """Lets all work at full size (`grown`), or at half of it."""
        self.vae.set_stage(grown)
        for layer in self.vae.encoder.layers:
            layer.trainable = False
        for layer in self.critic.layers:
            if layer.name in CRITIC_OUTER:
                layer.trainable = grown

    @property
    def metrics(self):
        return list(self._means.values())

    @property
    def critic_variables(self):
        """Trainable variables of all critics."""
        return [
            *self.critic.trainable_variables,
            *self.map_critic.trainable_variables,
        ]

    def call(self, inputs, training=False):
        vae, seed = self.vae, self.seed_generator
        # JAX hands arrays of NumPy, which don't go with tensors.
        inputs = keras.tree.map_structure(ops.convert_to_tensor, inputs)
        labels = vae.conditions(inputs)
        if training:
            labels = drop_labels(labels, self.settings.label_dropout, seed)
        rows = ops.shape(inputs["image"])[0]
        latents = keras.random.normal((rows, vae.latent_size), seed=seed)
        return {"drawn": vae.draw(latents, labels, training), "labels": labels}

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        settings = self.settings
        real = scale_pixels(x["image"])
        if not self.vae.grown:
            real = halve(real)
        drawn, labels = y_pred["drawn"], y_pred["labels"]
        seed = self.seed_generator
        rows = ops.shape(real)[0]
        changes = draw_changes(rows, seed)
        seen_real = change(real, changes)
        seen = change(drawn, changes)
        real_maps, _ = self._look(seen_real)
        maps, logits = self._look(seen)
        values = {
            **self._critic_terms(
                (seen_real, real_maps, labels), (seen, maps, labels)
            ),
            "attribute": losses.labelled_crossentropy(
                labels,
                {name: each for name, each in logits.items() if name in labels},
                settings.attribute_smoothing,
            ),
            "variety": _spread(drawn) / _spread(real),
        }
        values["loss"] = loss = (
            values["critic"]
            + settings.penalty_weight * values["penalty"]
            + values["adversarial"]
            + settings.attribute_weight * values["attribute"]
        )
        for name, value in values.items():
            self._means[name].update_state(value)
        return loss

    def _critic_terms(self, real, made):
        """Returns what critics, and the decoder by them, are trained for.

        Both are tuples of pictures, maps and labels, as many of either kind.
        """
        rows = ops.shape(real[0])[0]
        scores = self._scores(
            ops.concatenate([real[0], ops.stop_gradient(made[0])]),
            [
                ops.concatenate([one, ops.stop_gradient(other)])
                for one, other in zip(real[1], made[1], strict=True)
            ],
            {n: ops.concatenate([real[2][n], made[2][n]]) for n in made[2]},
        )
        real_scores = [[each[:rows] for each in part] for part in scores]
        made_scores = [[each[rows:] for each in part] for part in scores]
        part = (rows + _DISTURBED_SHARE - 1) // _DISTURBED_SHARE
        pictures = real[0][:part]
        disturbance = keras.random.normal(
            ops.shape(pictures), stddev=_DISTURBANCE, seed=self.seed_generator
        )
        disturbed = self._pixel_scores(
            pictures + disturbance, {n: real[2][n][:part] for n in real[2]}
        )
        with as_constants(self.critic_variables):
            adversarial = -losses.mean_score(self._scores(*made))
        return {
            "critic": losses.critic_hinge(real_scores, made_scores),
            "advantage": losses.mean_score(real_scores)
            - losses.mean_score(made_scores),
            "penalty": sum(
                ops.mean(ops.square(one[:part] - other))
                for one, other in zip(real_scores[0], disturbed, strict=True)
            ),
            "adversarial": adversarial,
        }

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return self.get_metrics_result()

    def _look(self, pictures):
        """Returns maps and logits of the classifier, of pictures of -1..1."""
        full = as_pixels(pictures, doubled=not self.vae.grown)
        return self.network(full)

    def _pixel_scores(self, pictures, labels):
        critic = self.critic if self.vae.grown else self.half_critic
        return critic({"picture": pictures, **labels})

    def _scores(self, pictures, maps, labels):
        named = {
            f"map_{index}": each
            for index, each in enumerate(maps[: self.seen_maps])
        }
        # Each of both counts by half, however many heads it has.
        return [
            self._pixel_scores(pictures, labels),
            self.map_critic({**named, **labels}),
        ]


def as_constants(variables):
    """Lets layers see variables without a way for gradients to them."""
    return keras.StatelessScope(
        [(v, ops.stop_gradient(v.value)) for v in variables]
    )


def _spread(pictures):
    """Returns how far pictures are from their mean, pixel by pixel."""
    return ops.mean(ops.std(halve(pictures), axis=0)) + 1e-6


def drop_labels(labels, share, seed):
    """Returns labels, each left out with a probability of `share`."""
    dropped = {}
    for name, values in labels.items():
        draw = keras.random.uniform(ops.shape(values), seed=seed)
        dropped[name] = ops.where(draw < share, MISSING, values)
    return dropped
