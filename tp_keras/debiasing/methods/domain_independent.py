"""A head for women and one for men, of which the mean remains."""

import keras
from keras import ops

from tp_keras.debiasing.methods.plain import Plain


class DomainIndependent(Plain):
    """Trains a head for each gender, and keeps their mean.

    Each portrait is learned by the head of its gender, so that no head learns
    a class from its gender; for a prediction the logits of both are summed,
    which needs no gender (Wang et al., "Towards fairness in visual
    recognition", 2020, arXiv:1911.11834). The two heads are the classifier's
    plus and minus a difference, so the classifier's own head is their mean
    from the first step on, and half their sum.
    """

    def build(self, input_shape=None):
        """Creates the difference of the heads."""
        self.difference = keras.layers.Dense(
            self.task.num_classes,
            kernel_initializer="zeros",
            name=f"{self.task.name}_difference",
        )
        self.difference.build(input_shape)
        self.built = True

    def loss(self, part, logits, labels, genders, weights, progress, training):
        """Returns the loss of each row in the head of its gender."""
        if training:
            _, gender_weight = weights
            sign = ops.where(genders == 0, 1.0, -1.0)
            sign = ops.where(gender_weight > 0, sign, ops.zeros_like(sign))
            logits = logits + sign[:, None] * self.difference(part)
        return super().loss(
            part, logits, labels, genders, weights, progress, training
        )
