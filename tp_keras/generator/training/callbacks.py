"""What watches the training of a generator."""

import keras
import numpy as np

from tp_keras.errors import UserError

# Below this many nats the latents tell a portrait as good as nothing.
_LEAST_KL = 1.0


class KLWarmup(keras.callbacks.Callback):
    """Lets the weight of the KL grow from 0 to its value.

    Args:
        steps: Int. Over how many steps.
        weight: Float. The final weight.
        first_step: Int. Steps trained before.
    """

    def __init__(self, steps, weight, first_step):
        super().__init__()
        self.steps = steps
        self.weight = weight
        self.step = first_step
        self._assigned = None

    def on_train_batch_begin(self, batch, logs=None):
        """Sets the weight of this step."""
        share = min(self.step / self.steps, 1.0) if self.steps else 1.0
        if share != self._assigned:
            self.model.kl_weight.assign(share * self.weight)
            self._assigned = share
        self.step += 1


class CollapseGuard(keras.callbacks.Callback):
    """Ends a training that can't come to anything, and says why.

    Raises:
        UserError: If a loss is not a number, or if an epoch ends with less
            than one nat in the latents, or with no latent that is used.
    """

    def on_train_batch_end(self, batch, logs=None):
        """Looks for numbers that are none."""
        if logs and not np.isfinite(logs["loss"]):
            raise UserError(
                "The loss is not a number any more. Begin anew with a smaller "
                "--learning_rate (a third of it, say), or with --precision "
                f"float32. Received: loss={logs['loss']} in step {batch + 1}"
            )

    def on_epoch_end(self, epoch, logs=None):
        """Looks whether the latents hold anything."""
        kl, active = logs["kl"], logs["active_latents"]
        if kl < _LEAST_KL or active < 1:
            raise UserError(
                "The posterior has collapsed: the latents tell nothing of a "
                "portrait, and the decoder draws one face for all. Begin anew "
                "with a smaller --beta, or with longer --warmup_epochs. "
                f"Received: {kl:.2f} nats, {active:.0f} active latents after "
                f"epoch {epoch + 1}"
            )
