"""Trains the couplings of a `FlowPrior`."""

import dataclasses

import keras
import numpy as np

from tp_keras.generator.priors.flow_prior import FlowPrior
from tp_keras.generator.priors.mixture_fit import ConditionalGaussian

_BATCH_SIZE = 256
_CLIP_NORM = 10.0


@dataclasses.dataclass(frozen=True)
class FlowSettings:
    """Size and training of a flow, by AdamW.

    For the ridge see `ConditionalGaussian`; patience is the number of epochs
    without a gain on held-out rows before the end.
    """

    ridge: float = 30.0
    couplings: int = 6
    width: int = 128
    dropout_rate: float = 0.3
    learning_rate: float = 3e-4
    weight_decay: float = 1e-2
    epochs: int = 60
    patience: int = 6


def fit_flow(latents, settings, held_out=None, seed=0) -> tuple[FlowPrior, int]:
    """Fits a flow to fresh draws of `Latents` in every epoch.

    Held-out `Latents` end the training where they gain no more; the best
    weights are kept, at worst the Gaussian of the start. Without them there are
    `settings.epochs` epochs. Returns the prior and the number of epochs.
    """
    base = ConditionalGaussian.fit(latents, settings.ridge)
    shape = settings.couplings, settings.width, settings.dropout_rate
    prior = FlowPrior(
        latents.size, latents.conditions, *shape, seed, name="prior"
    )
    prior.assign_gaussian(base.centers, base.scale)
    model = _Likelihood(prior)
    optimizer = keras.optimizers.AdamW(
        settings.learning_rate, settings.weight_decay, clipnorm=_CLIP_NORM
    )
    model.compile(optimizer, jit_compile=False)
    best = None
    if held_out is not None:
        best = _BestWeights(prior, held_out, settings.patience, seed + 1)
    if settings.epochs:
        model.fit(
            _Draws(latents, seed),
            epochs=settings.epochs,
            callbacks=[best] if best else [],
            # The order is that of the draws, by their own seed.
            shuffle=False,
            verbose=0,
        )
    return prior, best.epochs if best else settings.epochs


class _Likelihood(keras.Model):
    """Negative log density per coordinate, for `fit`."""

    def __init__(self, prior):
        super().__init__(dtype="float32", name="likelihood")
        self.prior = prior
        self.built = True

    def call(self, inputs, training=False):
        return self.prior.log_density(
            inputs["latent"], inputs["labels"], training=training
        )

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        weighted = keras.ops.sum(sample_weight * y_pred)
        return -weighted / keras.ops.sum(sample_weight) / self.prior.latent_size


class _Draws(keras.utils.PyDataset):
    """Batches of draws of posteriors, shuffled and drawn anew each epoch."""

    def __init__(self, latents, seed):
        super().__init__()
        self._latents = latents
        self._weights = latents.weights.astype(np.float32)
        self._batch_size = min(_BATCH_SIZE, len(latents))
        self._seed = seed
        self._epoch = -1
        self.on_epoch_end()

    def __len__(self):
        # A batch that is not full would weigh too much.
        return len(self._latents) // self._batch_size

    def __getitem__(self, index):
        first = index * self._batch_size
        rows = self._order[first : first + self._batch_size]
        labels = {k: each[rows] for k, each in self._latents.labels.items()}
        inputs = {"latent": self._drawn[rows], "labels": labels}
        return inputs, self._weights[rows], self._weights[rows]

    def on_epoch_end(self):
        self._epoch += 1
        rng = np.random.default_rng((self._seed, self._epoch))
        self._drawn = self._latents.draw(rng)
        self._order = rng.permutation(len(self._latents))


class _BestWeights(keras.callbacks.Callback):
    """Stops without a gain, and keeps the best weights, the first included."""

    def __init__(self, prior, held_out, patience, seed):
        super().__init__()
        self._prior = prior
        self._held_out = held_out
        self._patience = patience
        self._seed = seed
        self._most = self._level()
        self._weights = prior.get_weights()
        self.epochs = 0

    def on_epoch_end(self, epoch, logs=None):
        level = self._level()
        # Not a number is no gain either.
        if level > self._most:
            self._most = level
            self._weights = self._prior.get_weights()
            self.epochs = epoch + 1
        elif epoch + 1 >= self.epochs + self._patience:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self._prior.set_weights(self._weights)

    def _level(self):
        return self._held_out.log_densities(self._prior, self._seed).mean()
