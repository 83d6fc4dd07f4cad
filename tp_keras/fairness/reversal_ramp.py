"""The strength of the reversed gradient, grown in the course of training."""

import math

import keras


def ramped_strength(progress, final_strength):
    """Returns the strength of the reversal after a share of the ramp.

    `final * (2 / (1 + exp(-10 p)) - 1)`, the schedule of Ganin and Lempitsky
    (arXiv:1409.7495): the features form before the adversary's noise reaches
    them.

    Args:
        progress: Float `p`; below 0 counts as 0 and above 1 as 1.
        final_strength: Float.

    Example:
        >>> ramped_strength(0.0, 1.0), round(ramped_strength(1.0, 1.0), 4)
        (0.0, 0.9999)
    """
    progress = min(max(progress, 0.0), 1.0)
    return final_strength * (2.0 / (1.0 + math.exp(-10.0 * progress)) - 1.0)


class ReversalRamp(keras.callbacks.Callback):
    """Sets the strength of a classifier's gradient reversal at every step.

    It counts the optimizer's iterations, so a resumed training goes on where
    it stopped.

    Args:
        final_strength: Float. The strength when the ramp is over.
        ramp_steps: Int. Steps of the ramp; 0 starts with the final strength.
    """

    def __init__(self, final_strength, ramp_steps):
        super().__init__()
        self.final_strength = final_strength
        self.ramp_steps = ramp_steps

    def on_train_batch_begin(self, batch, logs=None):
        """Sets the strength of the coming step, or few steps in one go."""
        iterations = int(self.model.optimizer.iterations)
        progress = iterations / self.ramp_steps if self.ramp_steps else 1.0
        self.model.reversal.strength.assign(
            ramped_strength(progress, self.final_strength)
        )
